"""What may watch a run: to end it when there is no more to gain or no more time, and to keep what it comes to."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING, Annotated, Literal

from annotated_types import Ge

from blockrun.core.options import OptionError
from blockrun.plugins.training.contracts import Callback, Memory
from blockrun.plugins.training.lines import append_lines, forget_after
from blockrun.plugins.training.measured import better, value_of

if TYPE_CHECKING:
    from blockrun.plugins.training.session import Session

LR_FILE = "lr.jsonl"


class EarlyStop(Callback):
    """End the run after `patience` measurements without a gain.

    A gain is `monitor` better than the best so far by more than `min_delta`. (Prechelt 1998, criterion UP)
    """

    monitor: str = "objective"
    patience: Annotated[int, Ge(1)] = 10
    mode: Literal["min", "max"] | None = None
    min_delta: Annotated[float, Ge(0)] = 0.0

    def measured(self, run: Session, memory: Memory, values: dict[str, float]) -> None:
        value, best = value_of(values, self.monitor), memory.get("best")
        if better(value, best, self.mode, self.min_delta):
            memory |= {"best": value, "step": run.trainer.step, "waited": 0}
            return
        memory["waited"] = memory.get("waited", 0) + 1
        if memory["waited"] >= self.patience:
            since = f"{best:.4g} at step {memory['step']}" if best is not None else "never a number"
            run.stop(f"early_stop: {self.monitor} was best, {since}, {self.patience} measurements ago")


class TimeLimit(Callback):
    """End the run when so much time has been spent on it, interruptions not counted."""

    hours: Annotated[float, Ge(0)] = 0.0
    minutes: Annotated[float, Ge(0)] = 0.0
    seconds: Annotated[float, Ge(0)] = 0.0

    def validate(self) -> None:
        if self._limit == 0:
            raise ValueError("the limit is 0 seconds; say `hours`, `minutes` or `seconds`")

    @property
    def _limit(self) -> float:
        return 3600 * self.hours + 60 * self.minutes + self.seconds

    def start(self, run: Session, memory: Memory) -> None:
        memory |= {"spent": memory.get("spent", 0.0), "at": time.monotonic()}

    def step(self, run: Session, memory: Memory) -> None:
        now = time.monotonic()
        memory |= {"spent": memory["spent"] + now - memory["at"], "at": now}
        if memory["spent"] >= self._limit and not run.reason:
            run.stop(f"time_limit: {memory['spent']:.1f} s of {self._limit:g} s are spent")


class KeepBest(Callback):
    """Keep the weights of the best measurement as the checkpoint `to`, which `RUN:best` then means.

    Of equals the first is kept.
    """

    monitor: str = "objective"
    mode: Literal["min", "max"] | None = None
    to: str = "best"

    def validate(self) -> None:
        if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_-]{0,63}", self.to) or self.to == "last":
            fact = f'`to` is "{self.to}"; it must be a name of letters, digits, `_` and `-`, and not `last`'
            raise OptionError("to", fact)

    def measured(self, run: Session, memory: Memory, values: dict[str, float]) -> None:
        value = value_of(values, self.monitor)
        if better(value, memory.get("best"), self.mode):
            memory |= {"best": value, "step": run.trainer.step}
            run.save_weights(self.to, {self.monitor: value})

    def end(self, run: Session, memory: Memory, results: dict[str, float]) -> None:
        if "best" in memory:
            best = f"{self.monitor} was best, {memory['best']:.4g}, at step {memory['step']}"
            run.note(f"{best}; `blockrun eval {run.folder.path}:{self.to}` measures that")


class KeepEvery(Callback):
    """Keep the weights after every so many `epochs` or `steps` as a checkpoint such as `step-000500`.

    Of more than `most` the oldest are deleted.
    """

    epochs: Annotated[int, Ge(1)] | None = None
    steps: Annotated[int, Ge(1)] | None = None
    most: Annotated[int, Ge(1)] | None = None

    def validate(self) -> None:
        if (self.epochs is None) == (self.steps is None):
            raise ValueError("says both `epochs` and `steps`" if self.epochs else "says neither `epochs` nor `steps`")

    def step(self, run: Session, memory: Memory) -> None:
        step = run.trainer.step
        if step % (self.steps or (self.epochs or 1) * run.trainer.per_epoch):
            return
        kept = [*memory.get("kept", []), f"step-{step:06}"]
        run.save_weights(kept[-1], {})
        while self.most is not None and len(kept) > self.most:
            run.forget_weights(kept.pop(0))
        memory["kept"] = kept


class LrLog(Callback):
    """Record the learning rate of every so many steps in `lr.jsonl`; with parameter groups, that of each."""

    steps: Annotated[int, Ge(1)] = 1

    def start(self, run: Session, memory: Memory) -> None:
        forget_after(run.folder.path / LR_FILE, memory.get("written", 0))

    def step(self, run: Session, memory: Memory) -> None:
        step = run.trainer.step
        if step % self.steps == 0:
            memory.setdefault("lines", []).append({"step": step, **run.trainer.rates_of(step - 1)})

    def measured(self, run: Session, memory: Memory, values: dict[str, float]) -> None:
        append_lines(run.folder.path / LR_FILE, memory.get("lines", []))
        memory |= {"lines": [], "written": run.trainer.step}
