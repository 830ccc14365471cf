"""How the learning rate goes over a run, as functions of the step alone, so that a run can go on anywhere."""

from __future__ import annotations

import math
from typing import Annotated, ClassVar

from annotated_types import Ge, Gt

from blockrun.plugins.training.contracts import Schedule


class ConstantRate(Schedule):
    """The same `rate` at every step."""

    name: ClassVar[str] = "constant"
    rate: Annotated[float, Gt(0)]

    def __call__(self, step: int, steps: int) -> float:
        return self.rate


class Cosine(Schedule):
    """end + (peak − end)(1 + cos πt)/2, where t goes from 0 to 1 at the last step (Loshchilov & Hutter 2017, eq. 5).

    Before it, `warmup` steps rise by peak / warmup each (Goyal et al. 2017, 2.2); the last of them is at t = 0.
    """

    peak: Annotated[float, Gt(0)]
    warmup: Annotated[int, Ge(0)] = 0
    end: Annotated[float, Ge(0)] = 0.0

    def validate(self) -> None:
        if self.end > self.peak:
            raise ValueError(f"`end` is {self.end} and `peak` is {self.peak}; the end must be at most the peak")

    def __call__(self, step: int, steps: int) -> float:
        if step < self.warmup:
            return self.peak * (step + 1) / self.warmup
        top = max(self.warmup - 1, 0)
        t = min((step - top) / max(steps - 1 - top, 1), 1.0)
        return self.end + (self.peak - self.end) * (1 + math.cos(math.pi * t)) / 2
