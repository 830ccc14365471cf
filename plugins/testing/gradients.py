"""Numerical derivatives to compare `backward` with: along random directions, and entry by entry for a verdict.

⟨dx, u⟩ is compared with dL/dt at t = 0, where L(t) = ⟨y(x + t u), v⟩, u and v are random, and dx is what backward
makes of dy = v. Central differences with the steps h and h/2 are extrapolated (Richardson 1911), and their
disagreement says how far the number can be trusted. Close to a kink a shorter step settles it; at a kink the slopes
to the left and to the right differ at every step, and another point must be found.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple, Protocol, Self, TypeVar

import numpy as np

from blockrun.core import Graph, forward

from .cases import Array, Arrays, Case

STEPS = (1e-3, 1e-4, 1e-5, 1e-6)  # times the root mean square of the tensor
TOLERANCE = 1e-6  # largest relative error of a gradient
SETTLED = 1e-7  # relative disagreement of two steps at which no shorter one is tried
UNSETTLED = 1e-4  # relative disagreement above which the number says nothing
ROUNDING = 100 * np.finfo(np.float64).eps
JACOBIAN_SIDE = 150  # at most so many entries of each side of a Jacobian are looked at
NUDGES = 6  # points tried before a tensor is left unverified

Curve = Callable[[float], Arrays]


class Point(Protocol):
    """Where derivatives are compared: a block with its arrays (a `Case`), or a whole network with its own."""

    @property
    def graph(self) -> Graph: ...
    @property
    def arrays(self) -> Arrays: ...
    @property
    def variables(self) -> dict[str, str]: ...
    @property
    def updates(self) -> dict[str, str]: ...
    @property
    def wrt(self) -> tuple[str, ...]: ...
    @property
    def training(self) -> bool: ...
    @property
    def seed(self) -> int: ...
    def given(self, arrays: Mapping[str, Array]) -> Self: ...
    def cotangents(self, rng: np.random.Generator) -> Arrays: ...
    def gradients(self, dy: Mapping[str, Array]) -> Arrays: ...


P = TypeVar("P", bound=Point)


class Slope(NamedTuple):
    """A numerical derivative, what two steps disagree by, what rounding can amount to, the step, and whether there is
    a kink."""

    value: float
    error: float
    rounding: float
    step: float
    kink: bool


class Comparison(NamedTuple):
    """⟨dx, u⟩ from backward and from differences, their relative difference `error`, whether they agree, and whether
    it is smooth here; where it is not, the difference says nothing."""

    analytic: float
    numeric: float
    error: float
    agrees: bool
    smooth: bool


def settle(point: P, name: str, rng: np.random.Generator) -> tuple[P, Arrays, Array, Comparison] | None:
    """Compare the gradient of `name` along a random direction at `point` or, if that sits on a kink, close to it.

    The point, dy, dx and the comparison; None if every point tried sits on a kink.
    """
    here = point
    for _ in range(NUDGES):
        dy = here.cotangents(rng)
        dx = here.gradients(dy)[name]
        compared = compare(here, name, dx, dy, rng.standard_normal(dx.shape))
        if compared.smooth:
            return here, dy, dx, compared
        here = nudged(point, rng)
    return None


def compare(case: Point, name: str, dx: Array, dy: Arrays, u: Array) -> Comparison:
    """Compare the gradient `dx` that backward gave for the input `name` with differences along the direction `u`."""
    curve = along(case, name, u)
    analytic, scale = float(np.vdot(dx, u)), float(np.linalg.norm(dx))
    slope = derivative(curve, dy, size(case.arrays[name]), scale)
    scale = max(scale, abs(slope.value))
    gap = abs(analytic - slope.value)
    agrees = bool(np.isfinite(gap) and gap <= TOLERANCE * scale + slope.error + slope.rounding)
    settled = bool(slope.error <= UNSETTLED * scale + slope.rounding) and not slope.kink
    smooth = settled and (agrees or not kinked(curve, dy, slope.step, scale))
    return Comparison(analytic, slope.value, gap / (max(scale, slope.rounding / TOLERANCE) or 1.0), agrees, smooth)


def along(case: Point, name: str, u: Array) -> Curve:
    """t ↦ the differentiable outputs with x + t u in place of x, the input `name`."""
    x = case.arrays[name]
    names = {k: v for k, v in case.variables.items() if k not in case.updates.values()}

    def outputs(t: float) -> Arrays:
        feed = {**case.arrays, name: x + t * u}
        found, _ = forward(
            case.graph, feed, keep=tuple(names.values()), training=case.training, seed=case.seed, check=False
        )
        return {k: found[v] for k, v in names.items()}

    return outputs


def derivative(curve: Curve, dy: Arrays, unit: float, scale: float) -> Slope:
    """dL/dt at 0, by the longest of `STEPS` (times `unit`) at which it settles."""
    here = curve(0.0)
    noise = ROUNDING * weight(here, dy)
    best = Slope(0.0, np.inf, np.inf, unit, False)
    for h in (step * unit for step in STEPS):
        (wide, wide_bend), (narrow, narrow_bend) = probe(curve, here, dy, h), probe(curve, here, dy, h / 2)
        if abs(wide - narrow) < best.error:
            sharp = narrow_bend > UNSETTLED * max(scale, abs(narrow)) + noise / h
            kink = bool(sharp and narrow_bend > 0.75 * wide_bend)
            best = Slope((4 * narrow - wide) / 3, abs(wide - narrow), noise / h, h, kink)
        if best.error <= SETTLED * max(scale, abs(narrow)):
            break
    return best


def probe(curve: Curve, here: Arrays, dy: Arrays, h: float) -> tuple[float, float]:
    """The mean of the slopes to the left and to the right, and their difference.

    Half the step makes the difference half as large where L is smooth, and leaves it as it is at a kink.
    """
    right, left = difference(curve(h), here, dy) / h, difference(here, curve(-h), dy) / h
    return (right + left) / 2, abs(right - left)


def difference(high: Arrays, low: Arrays, dy: Arrays) -> float:
    """⟨high − low, dy⟩ over all outputs; entries that are infinite on purpose have dy = 0 and do not count."""
    return float(sum(np.sum((high[k] - low[k]) * v, where=np.isfinite(high[k]) & (v != 0)) for k, v in dy.items()))


def weight(outputs: Arrays, dy: Arrays) -> float:
    """Σ |y| |dy|: the rounding error of L is about this times the machine epsilon."""
    return float(sum(np.sum(np.abs(outputs[k] * v), where=np.isfinite(outputs[k])) for k, v in dy.items()))


def size(x: Array) -> float:
    """The root mean square of `x`, or 1 where there is nothing to measure."""
    return float(np.sqrt(np.mean(np.square(x)))) or 1.0 if x.size else 1.0


def kinked(curve: Curve, dy: Arrays, step: float, scale: float) -> bool:
    """Whether the slopes to the left and to the right stay apart however short the step is."""
    h, here = min(step, 1e-4), curve(0.0)
    wide, narrow = probe(curve, here, dy, h)[1], probe(curve, here, dy, h / 10)[1]
    return narrow > 1e-5 * scale and narrow > wide / 3


def nudged(case: P, rng: np.random.Generator) -> P:
    """The case with every differentiable input moved by about a hundredth, off any kink it may sit on."""
    arrays = {name: case.arrays[name] for name in case.wrt}
    return case.given({name: x + 0.01 * size(x) * rng.standard_normal(x.shape) for name, x in arrays.items()})


class Jacobians(NamedTuple):
    """∂y/∂x in denominator layout, row = input entry, column = output entry: from backward and from differences.

    `rows` and `columns` are the flat positions that were looked at; outputs are numbered one after another.
    """

    analytic: Array
    numeric: Array
    rows: Array
    columns: Array


def jacobians(case: Case, name: str, rng: np.random.Generator) -> Jacobians:
    """Both Jacobians of all differentiable outputs with respect to the input `name`, sampled if they are large."""
    x = case.arrays[name]
    outputs = case.differentiable(case.outputs())
    rows = sample(x.size, rng)
    columns = sample(sum(y.size for y in outputs.values()), rng)
    tape = case.start()[1]
    analytic = np.array([case.finish(tape, unit(outputs, j))[name].reshape(-1)[rows] for j in columns]).T
    numeric = np.array([entry_slopes(case, name, i, outputs)[columns] for i in rows])
    finite = np.isfinite(numeric)  # entries that are infinite on purpose have no derivative
    analytic = analytic.reshape(numeric.shape)
    return Jacobians(np.where(finite, analytic, 0.0), np.where(finite, numeric, 0.0), rows, columns)


def sample(count: int, rng: np.random.Generator) -> Array:
    return np.arange(count) if count <= JACOBIAN_SIDE else np.sort(rng.choice(count, JACOBIAN_SIDE, replace=False))


def unit(outputs: Arrays, column: int) -> Arrays:
    """dy that is 1 at one entry of all outputs laid end to end, and 0 elsewhere."""
    flat = np.zeros(sum(y.size for y in outputs.values()))
    flat[column] = 1.0
    return unflatten(flat, outputs)


def unflatten(flat: Array, outputs: Arrays) -> Arrays:
    ends = np.cumsum([y.size for y in outputs.values()])[:-1]
    return {k: part.reshape(y.shape) for (k, y), part in zip(outputs.items(), np.split(flat, ends), strict=True)}


def entry_slopes(case: Case, name: str, index: int, outputs: Arrays) -> Array:
    """∂y/∂x_i for all output entries, by one extrapolated central difference."""
    x = case.arrays[name]
    u = np.zeros(x.size)
    u[index] = 1.0
    curve = along(case, name, u.reshape(x.shape))
    h = 1e-4 * size(x)

    def slopes(h: float) -> Array:
        high, low = curve(h), curve(-h)
        return np.concatenate([np.ravel(high[k] - low[k]) for k in outputs]) / (2 * h)

    return (4 * slopes(h / 2) - slopes(h)) / 3
