"""One run while it is being trained: what happens between the steps, and what callbacks may see and do."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import closing, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from blockrun.plugins.errors import Diverged, RunError, UserError

from .blame import blame_block, blame_callback
from .checkpoint import save_checkpoint, save_rotating
from .contracts import Callback
from .divergence import FILE
from .evaluation import evaluate
from .folder import LAST
from .interrupt import Interrupted, Signals
from .measured import by_name

if TYPE_CHECKING:
    from blockrun.plugins.network.network import Network

    from .folder import RunFolder
    from .loop import Trainer
    from .progress import Progress


class Session:
    """A run in progress.

    trainer   the network, its data and its state of training: `run.trainer.step`, `run.trainer.steps`
    folder    the run folder: `run.folder.path`
    reason    why training ends before its last step, "" if it does not
    """

    def __init__(self, trainer: Trainer, folder: RunFolder, progress: Progress) -> None:
        self.trainer, self.folder, self.progress = trainer, folder, progress
        self.callbacks: Mapping[str, Callback] = trainer.network.sections.callbacks
        self.memory: dict[str, dict[str, Any]] = {name: {} for name in self.callbacks}
        self.reason = ""
        self.signals = Signals()
        self._clock = _Clock(trainer)
        self._settled = False  # whether all that belongs to the steps so far is done
        self._each_step = [n for n, callback in self.callbacks.items() if type(callback).step is not Callback.step]

    @property
    def network(self) -> Network:
        return self.trainer.network

    def stop(self, reason: str) -> None:
        """End the training after this step, as if it had been the last; `reason` is recorded."""
        self.reason = reason

    def note(self, text: str) -> None:
        """Tell the user something."""
        self.progress.note(text)

    def save_weights(self, name: str, about: dict[str, Any]) -> Path:
        """Write the parameters and state, and their average, as the checkpoint `name`; RUN:name finds it."""
        tensors = {key: x for key, x in self.trainer.tensors().items() if not key.startswith("optimizer/")}
        path = self.folder.checkpoints / f"{name}.safetensors"
        save_checkpoint(path, tensors, {"step": self.trainer.step, **about})
        return path

    def forget_weights(self, name: str) -> None:
        """Delete a checkpoint that `save_weights` wrote; none is no error."""
        (self.folder.checkpoints / f"{name}.safetensors").unlink(missing_ok=True)

    def save(self) -> None:
        """Write everything that the run needs to go on from here."""
        about = {"progress": self.trainer.progress(), "callbacks": self.memory, "reason": self.reason}
        save_rotating(self.folder.checkpoints, LAST, self.trainer.tensors(), about)

    def restore(self, tensors: dict[str, Any], about: dict[str, Any]) -> None:
        """Stand where `save` was called."""
        self.trainer.restore(tensors, about["progress"])
        self.memory = {name: about["callbacks"].get(name, {}) for name in self.callbacks}
        self.reason = about["reason"]
        self._clock = _Clock(self.trainer)

    def train(self) -> None:
        """Take the steps that are left; raises `Interrupted` after a signal and a checkpoint."""
        try:
            self._train()
        except Diverged as error:
            self._keep_batch(error)
            raise
        except (Interrupted, RunError):
            raise
        except Exception as error:
            self._save_if_whole()
            blame_block(self.network, error)
            raise

    def _train(self) -> None:
        trainer = self.trainer
        self._tell("start")
        self._measure_if_due()
        self._settled = True
        if self.reason:
            return
        with closing(trainer.walk()) as steps:
            for count in steps:
                self._after(count)
                if self.reason:
                    return

    def _after(self, count: int) -> None:
        """What comes after a step on so many examples."""
        self._settled = False
        self._clock.examples += count
        self.progress.step(self.trainer, count)
        if self._each_step:
            self._tell("step", only=self._each_step)
        if self.signals.received is not None:
            self.interrupt()
        self._measure_if_due()
        self._settled = True

    def _keep_batch(self, error: Diverged) -> None:
        """Save what training diverged on, if it can be, so that it can be looked at."""
        if self.trainer.suspect is not None:
            with suppress(RunError):
                self.trainer.suspect.save(self.folder.path / FILE, error.message)
                error.help += f"; `blockrun resume {self.folder.path} --replay` runs the batch again"

    def _save_if_whole(self) -> None:
        """Save after an error, unless it came while a step was half taken, or half told of."""
        if self._settled and not self.trainer.changing:
            with suppress(UserError, MemoryError):
                self.save()

    def finish(self) -> tuple[str, dict[str, Any]]:
        """Measure the test part, or else the validation or training part; its name and the results."""
        data = self.network.sections.data
        part = next(name for name in ("test", "val", "train") if name in data)
        results = self._evaluate(part)
        self._tell("end", results)
        return part, results

    def interrupt(self) -> None:
        """Save and leave, because of a signal, if there was one."""
        if self.signals.received is None:
            return
        self.save()
        raise self.interrupted("; the checkpoint is written", "goes on from here")

    def interrupted(self, how: str, then: str) -> Interrupted:
        """What is raised after a signal."""
        where = f"interrupted at step {self.trainer.step} of {self.trainer.steps}"
        assert self.signals.received is not None
        return Interrupted(self.signals.received, where + how, f"`blockrun resume {self.folder.path}` {then}")

    def _measure_if_due(self) -> None:
        if self.trainer.due or (self.reason and self.trainer.step > self.trainer.recorded):
            self._measure()

    def _measure(self) -> None:
        """Record how things stand, tell those who listen, and save.

        The row is on the disk before the checkpoint that knows of it, and `resume` drops rows that no checkpoint knows.
        """
        trainer = self.trainer
        epoch = -(-trainer.step // trainer.per_epoch)
        row: dict[str, Any] = {"step": trainer.step, "epoch": epoch, "epochs": trainer.epochs}
        row |= {"lr": trainer.rate_of(trainer.step - 1), "train": trainer.means()}
        times = self._clock.read(trainer)
        if "val" in self.network.sections.data:
            row["val"] = self._evaluate("val")
        self.folder.append(row, times)
        trainer.begin_interval()
        values = by_name(row, self.network.objective)
        trainer.react(values)
        self._tell("measured", values)
        self.save()
        self.progress.row(row | times)
        self._clock.last = time.monotonic()

    def _evaluate(self, part: str) -> dict[str, Any]:
        data = self.network.sections.data[part]
        return evaluate(self.network, data, values=self.trainer.trained, between=self.interrupt)

    def _tell(self, hook: str, *arguments: Any, only: list[str] | None = None) -> None:
        for name in self.callbacks if only is None else only:
            with blame_callback(name, self.callbacks[name], hook):
                getattr(self.callbacks[name], hook)(self, self.memory[name], *arguments)


class _Clock:
    """How fast training goes, from when this part of it started."""

    def __init__(self, trainer: Trainer) -> None:
        self.began = self.last = time.monotonic()
        self.first, self.examples = trainer.step, 0

    def read(self, trainer: Trainer) -> dict[str, Any]:
        """The seconds since the last reading and what they came to, before the time that measuring takes."""
        now = time.monotonic()
        seconds, examples = now - self.last, self.examples
        self.last, self.examples = now, 0
        left = (now - self.began) / max(trainer.step - self.first, 1) * (trainer.steps - trainer.step)
        return {
            "seconds": round(seconds, 3),
            "examples_per_second": round(examples / max(seconds, 1e-9)),
            "seconds_left": round(left, 1),
        }
