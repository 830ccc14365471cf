"""The one learning rate that depends on how training goes."""

from __future__ import annotations

from typing import Annotated, Literal

from annotated_types import Ge, Gt, Lt

from blockrun.plugins.training.contracts import Memory, Schedule
from blockrun.plugins.training.measured import better, value_of
from blockrun.plugins.training.schedules import rise


class Plateau(Schedule):
    """peak · factorⁿ, one more n after each `patience` measurements without a gain; at least `end`.

    A gain is `monitor` better than the best so far by more than `min_delta`. After a drop, `cooldown` measurements do
    not count. (Bengio 2012, section 3.1.1)
    """

    peak: Annotated[float, Gt(0)]
    factor: Annotated[float, Gt(0), Lt(1)] = 0.1
    patience: Annotated[int, Ge(1)] = 10
    monitor: str = "objective"
    mode: Literal["min", "max"] | None = None
    min_delta: Annotated[float, Ge(0)] = 0.0
    cooldown: Annotated[int, Ge(0)] = 0
    end: Annotated[float, Ge(0)] = 0.0
    warmup: Annotated[int, Ge(0)] = 0

    def validate(self) -> None:
        if self.end > self.peak:
            raise ValueError(f"`end` is {self.end} and `peak` is {self.peak}; the end must be at most the peak")

    def __call__(self, step: int, steps: int) -> float:
        return rise(self.peak, step, self.warmup) if step < self.warmup else self.peak

    def react(self, memory: Memory, values: dict[str, float]) -> Memory:
        value, best = value_of(values, self.monitor), memory.get("best")
        scale, rest = memory.get("scale", 1.0), memory.get("rest", 0)
        gained = better(value, best, self.mode, self.min_delta)
        waited = 0 if gained or rest else memory.get("waited", 0) + 1
        rest = max(rest - 1, 0)
        if waited == self.patience:
            scale, waited, rest = max(scale * self.factor, self.end / self.peak), 0, self.cooldown
        return {"best": value if gained else best, "scale": scale, "waited": waited, "rest": rest}
