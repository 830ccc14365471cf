"""Checks at the points that examples avoid: where inputs are equal, so that a maximum has a kink, and where they are 0.

At a kink there is no derivative to compare with, but there are bounds: along a direction, what a subgradient gives
lies between the slopes to the left and to the right (Clarke 1983, Optimization and Nonsmooth Analysis, §2.1). Every
entry of a tensor is moved by as much, so that equal ones stay equal and a maximum of them has the slope 1.
"""

from __future__ import annotations

import numpy as np

from .cases import Array, Arrays, Case
from .contract import Findings
from .gradients import ROUNDING, along, size, weight
from .report import Failure

STEP = 1e-5  # times the root mean square of the tensor
TOLERANCE = 1e-3  # relative; the slopes are one-sided differences, right to about STEP


def ties(case: Case, rng: np.random.Generator) -> Findings:
    """Where many entries are equal the gradient lies between the slopes to both sides: equal ones share it."""
    tied = case.changed(_quarters, _moving(case))
    if not _finite(tied):
        return
    dy = tied.cotangents(rng)
    for name, dx in tied.gradients(dy).items():
        bounds = _bounds(tied, name, dy) if name in case.data and np.isfinite(dx).all() else None
        if bounds is None:
            continue
        least, most, noise = bounds
        got, nearest = float(dx.sum()), float(np.clip(dx.sum(), least, most))
        if abs(got - nearest) > TOLERANCE * (float(np.abs(dx).sum()) + abs(least) + abs(most)) + noise:
            fact = f"where entries are equal, d{name} is outside the slopes to both sides; its sum is wrong"
            guess = "counted once for each of several equal entries?"
            yield Failure(fact, f"d{name}", guess, got=got, expected=nearest)


def zeros(case: Case, rng: np.random.Generator) -> Findings:
    """Where inputs are 0 and the outputs finite, no gradient is NaN: at a kink it is a subgradient."""
    zero = with_zeros(case, rng)
    if zero is None:
        return
    for name, dx in zero.gradients(zero.cotangents(rng)).items():
        if np.isnan(dx).any():
            index = tuple(int(i) for i in np.argwhere(np.isnan(dx))[0])
            shown = f"{name}[{', '.join(map(str, index))}]"
            fact = f"d{name} is NaN at {shown} = {float(zero.arrays[name][index]):g}, where the outputs are finite"
            yield Failure(fact, f"d{name}", "0 / 0 or 0 · ∞: return a subgradient there, such as 0", index=index)


def with_zeros(case: Case, rng: np.random.Generator) -> Case | None:
    """The case with about half the entries of its differentiable data inputs 0; None unless all outputs are finite."""
    zero = case.changed(lambda x: np.where(rng.random(x.shape) < 0.5, 0.0, x), _moving(case))
    return zero if _finite(zero) else None


def _quarters(x: Array) -> Array:
    """The nearest of ±0.25, ±0.75, ...: many are equal and none is 0."""
    return (np.floor(2 * x) + 0.5) / 2


def _moving(case: Case) -> list[str]:
    return [name for name in case.data if name in case.wrt]


def _finite(case: Case) -> bool:
    """Whether the block takes these inputs and all its outputs are finite."""
    try:
        return bool(_moving(case)) and all(np.isfinite(y).all() for y in case.outputs().values())
    except Exception:
        return False


def _bounds(case: Case, name: str, dy: Arrays) -> tuple[float, float, float] | None:
    """What ⟨dx, 1⟩ lies between, and the rounding error of that; None at the edge of the domain."""
    x = case.arrays[name]
    curve, h = along(case, name, np.ones(x.shape)), STEP * size(x)
    try:
        low, here, high = curve(-h), curve(0.0), curve(h)
    except Exception:
        return None
    sides = [((here[k] - low[k]) * v / h, (high[k] - here[k]) * v / h) for k, v in dy.items()]
    least, most = (float(sum(pick(*pair).sum() for pair in sides)) for pick in (np.minimum, np.maximum))
    return (least, most, ROUNDING * weight(here, dy) / h) if np.isfinite([least, most]).all() else None
