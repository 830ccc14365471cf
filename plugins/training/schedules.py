"""How the learning rate goes over a run, as functions of the step alone, so that a run can go on anywhere.

All but `one_cycle` take a `warmup`: so many steps rise to the first rate by equal amounts (Goyal et al. 2017, 2.2).
What follows begins at the last of them, which has s = 0 and t = 0 in the formulas; only the drops of `step` and
`multi_step` are counted from the beginning of the run.
"""

from __future__ import annotations

import math
from typing import Annotated, ClassVar

from annotated_types import Ge, Gt, Le, Lt

from blockrun.plugins.training.contracts import Schedule


class ConstantRate(Schedule):
    """The same `rate` at every step after the warm-up."""

    name: ClassVar[str] = "constant"
    rate: Annotated[float, Gt(0)]
    warmup: Annotated[int, Ge(0)] = 0

    def __call__(self, step: int, steps: int) -> float:
        return rise(self.rate, step, self.warmup) if step < self.warmup else self.rate


class Step(Schedule):
    """peak · factor^⌊step / every⌋, so that every so many steps of the run the rate drops."""

    peak: Annotated[float, Gt(0)]
    every: Annotated[int, Ge(1)]
    factor: Annotated[float, Gt(0), Le(1)] = 0.1
    warmup: Annotated[int, Ge(0)] = 0

    def validate(self) -> None:
        _drop_after_warmup("every", self.every, self.warmup)

    def __call__(self, step: int, steps: int) -> float:
        if step < self.warmup:
            return rise(self.peak, step, self.warmup)
        return self.peak * self.factor ** (step // self.every)


class MultiStep(Schedule):
    """peak · factorⁿ, where n of the `milestones` are at or before this step of the run (He, Zhang, Ren & Sun 2016)."""

    peak: Annotated[float, Gt(0)]
    milestones: tuple[Annotated[int, Ge(1)], ...]
    factor: Annotated[float, Gt(0), Le(1)] = 0.1
    warmup: Annotated[int, Ge(0)] = 0

    def validate(self) -> None:
        if not self.milestones:
            raise ValueError("`milestones` is empty; it must have at least one step, such as [1000]")
        for early, late in zip(self.milestones, self.milestones[1:], strict=False):
            if early >= late:
                raise ValueError(f"`milestones` has {early} before {late}; each must be greater than the one before")
        _drop_after_warmup("milestones", self.milestones[0], self.warmup)

    def __call__(self, step: int, steps: int) -> float:
        if step < self.warmup:
            return rise(self.peak, step, self.warmup)
        return self.peak * self.factor ** sum(milestone <= step for milestone in self.milestones)


class Exponential(Schedule):
    """peak · factorˢ; a factor of 0.5^(1/n) halves the rate every n steps."""

    peak: Annotated[float, Gt(0)]
    factor: Annotated[float, Gt(0), Le(1)]
    warmup: Annotated[int, Ge(0)] = 0

    def __call__(self, step: int, steps: int) -> float:
        if step < self.warmup:
            return rise(self.peak, step, self.warmup)
        return self.peak * self.factor ** _since(self.warmup, step)


class Polynomial(Schedule):
    """end + (peak − end)(1 − t)^power, where t goes from 0 to 1 at the last step; `power` 1 is a straight line.

    (Chen, Papandreou, Kokkinos, Murphy & Yuille 2018, who take 0.9)
    """

    peak: Annotated[float, Gt(0)]
    power: Annotated[float, Gt(0)] = 1.0
    end: Annotated[float, Ge(0)] = 0.0
    warmup: Annotated[int, Ge(0)] = 0

    def validate(self) -> None:
        _end_within(self.end, self.peak)

    def __call__(self, step: int, steps: int) -> float:
        if step < self.warmup:
            return rise(self.peak, step, self.warmup)
        left = 1 - _progress(self.warmup, step, steps)
        return self.end + (self.peak - self.end) * math.pow(left, self.power)


class Inverse(Schedule):
    """peak / (1 + gamma·s)^power; its sum diverges and that of its squares does not where 1/2 < power ≤ 1.

    (Robbins & Monro 1951; `power` 0.5 is the inverse square root of Vaswani et al. 2017)
    """

    peak: Annotated[float, Gt(0)]
    gamma: Annotated[float, Gt(0)]
    power: Annotated[float, Gt(0)] = 1.0
    warmup: Annotated[int, Ge(0)] = 0

    def __call__(self, step: int, steps: int) -> float:
        if step < self.warmup:
            return rise(self.peak, step, self.warmup)
        return self.peak / math.pow(1 + self.gamma * _since(self.warmup, step), self.power)


class Cosine(Schedule):
    """end + (peak − end)(1 + cos πt)/2, where t goes from 0 to 1 at the last step (Loshchilov & Hutter 2017, eq. 5)."""

    peak: Annotated[float, Gt(0)]
    warmup: Annotated[int, Ge(0)] = 0
    end: Annotated[float, Ge(0)] = 0.0

    def validate(self) -> None:
        _end_within(self.end, self.peak)

    def __call__(self, step: int, steps: int) -> float:
        if step < self.warmup:
            return rise(self.peak, step, self.warmup)
        return _swing(self.peak, self.end, _progress(self.warmup, step, steps))


class CosineRestarts(Schedule):
    """end + (peak − end)(1 + cos πt)/2, where t = i/n at step i of a cycle of n (Loshchilov & Hutter 2017, eq. 5).

    Each cycle starts at the peak again; the first has `period` steps, each other `stretch` times those of the last.
    """

    peak: Annotated[float, Gt(0)]
    period: Annotated[int, Ge(1)]
    stretch: Annotated[int, Ge(1)] = 1
    end: Annotated[float, Ge(0)] = 0.0
    warmup: Annotated[int, Ge(0)] = 0

    def validate(self) -> None:
        _end_within(self.end, self.peak)

    def __call__(self, step: int, steps: int) -> float:
        if step < self.warmup:
            return rise(self.peak, step, self.warmup)
        return _swing(self.peak, self.end, self._t(_since(self.warmup, step)))

    def _t(self, s: int) -> float:
        """How much of its cycle is over at step `s`, from 0 to less than 1."""
        length = self.period
        if self.stretch == 1:
            return s % length / length
        while s >= length:
            s, length = s - length, length * self.stretch
        return s / length


class OneCycle(Schedule):
    """From peak/div_factor up to the peak over a `rise` of the run, then down to peak/div_factor/final_div_factor.

    Both ways as half a cosine; the top is at step rise·steps − 1 (Smith & Topin 2018, in PyTorch's form). Its first
    part is a warm-up, so it has no other.
    """

    peak: Annotated[float, Gt(0)]
    rise: Annotated[float, Ge(0), Lt(1)] = 0.3
    div_factor: Annotated[float, Ge(1)] = 25.0
    final_div_factor: Annotated[float, Ge(1)] = 1e4

    def __call__(self, step: int, steps: int) -> float:
        start, top, last = self.peak / self.div_factor, max(self.rise * steps - 1, 0), steps - 1
        if step < top:
            return _swing(start, self.peak, step / top)
        t = min((step - top) / (last - top), 1.0) if last > top else 0.0
        return _swing(self.peak, start / self.final_div_factor, t)


def rise(peak: float, step: int, warmup: int) -> float:
    return peak * (step + 1) / warmup


def _since(warmup: int, step: int) -> int:
    """Steps since the last of the warm-up."""
    return step - max(warmup - 1, 0)


def _progress(warmup: int, step: int, steps: int) -> float:
    """How much is over of what follows the warm-up, from 0 to 1 at the last step and after it."""
    return min(_since(warmup, step) / max(_since(warmup, steps - 1), 1), 1.0)


def _swing(first: float, last: float, t: float) -> float:
    """From `first` to `last` by half a cosine."""
    return last + (first - last) * (1 + math.cos(math.pi * t)) / 2


def _end_within(end: float, peak: float) -> None:
    if end > peak:
        raise ValueError(f"`end` is {end} and `peak` is {peak}; the end must be at most the peak")


def _drop_after_warmup(option: str, first: int, warmup: int) -> None:
    if first < warmup:
        raise ValueError(f"`warmup` is {warmup} and `{option}` drops at {first}; the warm-up must be over by then")
