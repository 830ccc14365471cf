"""Verdicts: from what a wrong gradient looks like to what its author probably forgot."""

from __future__ import annotations

import re
from fractions import Fraction

import numpy as np

from .cases import Array, Arrays, Case
from .gradients import Jacobians

SAME = 1e-5  # relative difference below which two Jacobians are called equal


def of_gradient(case: Case, name: str, jacobians: Jacobians, dy: Arrays) -> str:
    """What is probably wrong with the gradient of the input `name`, given both Jacobians of a failing case."""
    analytic, numeric = jacobians.analytic, jacobians.numeric
    if not analytic.any():
        return "returns zeros: is it never filled in?"
    if _ignores_incoming(case, name, dy):
        return "does not depend on the incoming gradient: forgot to multiply by dy?"
    if close(analytic, numeric):
        return "right for each output alone but not together: it is not linear in dy"
    ratio = float(np.vdot(analytic, numeric) / np.vdot(numeric, numeric)) if numeric.any() else 0.0
    if ratio and close(analytic, ratio * numeric):
        return _factor(ratio, case)
    if close(analytic, numeric, 1e-3):
        return "right up to precision: float32 inside, or an eps on one side only?"
    return _misplaced(case.arrays[name].shape, jacobians) or _pattern(analytic, numeric)


def close(a: Array, b: Array, tolerance: float = SAME) -> bool:
    return bool(np.abs(a - b).max(initial=0.0) <= tolerance * max(np.abs(b).max(initial=0.0), 1e-12))


def _ignores_incoming(case: Case, name: str, dy: Arrays) -> bool:
    once = case.gradients(dy)[name]
    twice = case.gradients({k: 2 * v for k, v in dy.items()})[name]
    return bool(once.any()) and close(twice, once)


def _factor(ratio: float, case: Case) -> str:
    if abs(ratio + 1) < SAME:
        return "ratio -1: sign flipped?"
    fraction = Fraction(ratio).limit_denominator(1000)
    exact = abs(float(fraction) - ratio) < SAME * abs(ratio)
    shown = f"{ratio:.6g}" + (f" = {fraction}" if exact and fraction.denominator > 1 else "")
    guess = f"ratio {shown} everywhere: a constant factor is {'lost' if abs(ratio) < 1 else 'too much'}"
    if abs(ratio - 2) < SAME:
        return "ratio 2 everywhere: a factor is counted twice?"
    if exact and case.examples > 1 and fraction == Fraction(1, case.examples):
        return f"{guess}; there are {case.examples} examples: a mean where a sum belongs?"
    if exact and case.examples > 1 and fraction == case.examples:
        return f"{guess}; there are {case.examples} examples: a sum where a mean belongs?"
    return guess


def _misplaced(shape: tuple[int, ...], found: Jacobians) -> str:
    """Whether the numbers are right but sit at the wrong input entries; needs all the rows."""
    analytic, numeric = found.analytic, found.numeric
    if len(found.rows) != int(np.prod(shape)):
        return ""
    if len(shape) >= 2 and shape[-1] == shape[-2]:
        turned = np.swapaxes(analytic.reshape(*shape, -1), len(shape) - 1, len(shape) - 2).reshape(analytic.shape)
        if close(turned, numeric):
            return "the transpose of the right gradient"
    if close(np.sort(analytic, axis=0), np.sort(numeric, axis=0)):
        return "the right numbers in the wrong places: transposed, flipped or reshaped in another order?"
    shifts = (axis for axis in range(len(shape)) if _shifted(analytic, numeric, shape, axis))
    return next((f"shifted by one along axis {axis}: off by one in padding or an index?" for axis in shifts), "")


def _shifted(analytic: Array, numeric: Array, shape: tuple[int, ...], axis: int) -> bool:
    """Whether each entry holds what belongs to its neighbour along `axis`, which has at least three entries."""
    a, n = (np.moveaxis(x.reshape(*shape, -1), axis, 0) for x in (analytic, numeric))
    return shape[axis] > 2 and bool(n.any()) and (close(a[1:], n[:-1]) or close(a[:-1], n[1:]))


def _pattern(analytic: Array, numeric: Array) -> str:
    big = SAME * np.abs(numeric).max(initial=0.0)
    absent = (np.abs(analytic) <= big) & (np.abs(numeric) > big)
    extra = (np.abs(analytic) > big) & (np.abs(numeric) <= big)
    wrong = np.abs(analytic - numeric) > big
    if absent.any() and not extra.any():
        return (
            f"zero at {absent.sum()} entries of the Jacobian where it should not be: a term dropped or a sum forgotten?"
        )
    if extra.any() and not absent.any():
        return f"not zero at {extra.sum()} entries of the Jacobian that should be: a term too many, a mask forgotten?"
    if not absent.any() and (numeric != 0).mean() < 0.6:
        return f"{wrong.sum()} of {(np.abs(numeric) > big).sum()} entries are off by different factors: a factor lost?"
    return f"{wrong.sum()} of {wrong.size} entries of the Jacobian are off without a pattern: a term dropped?"


def of_shape(found: tuple[int, ...], wanted: tuple[int, ...]) -> str:
    """What probably happened when a gradient has the shape `found` and its input the shape `wanted`."""
    if len(found) == len(wanted) and sorted(found) == sorted(wanted):
        return "transposed?"
    if len(found) > len(wanted) and found[len(found) - len(wanted) :] == wanted:
        return f"forgot to sum over the first {len(found) - len(wanted)} axes?"
    if int(np.prod(found)) == int(np.prod(wanted)):
        return "the same number of entries: forgot to reshape?"
    if len(found) == len(wanted) and all(w in (f, 1) for f, w in zip(found, wanted, strict=True)):
        return "forgot to sum over the axes that were broadcast?"
    if int(np.prod(found)) < int(np.prod(wanted)):
        return "summed over too much, or not broadcast back?"
    return "forgot to sum?"


HINTS = (  # words of a message, and what they suggest
    ("changed `self.", "stashed on self: whatever backward needs is returned by forward as saved"),
    ("read-only", "writes to an array it was given: make a new one"),
    ("must return", "one gradient for each input, in the order of forward's signature, None where there is none"),
    ("is None but was asked for", "a gradient forgotten?"),
    ("is float64", "makes a new array of its own dtype: use np.empty_like, np.zeros_like, x.dtype"),
)


def of_error(error: Exception) -> tuple[str, str]:
    """(tensor, guess) for an exception raised by a block, or by the executor about it."""
    text = str(error)
    shapes = re.search(r"gradient of `(\w+)` has shape \(([\d, ]*)\); `\w+` has shape \(([\d, ]*)\)", text)
    if shapes:
        found, wanted = (tuple(int(d) for d in re.findall(r"\d+", part)) for part in shapes.groups()[1:])
        return f"d{shapes[1]}", of_shape(found, wanted)
    tensor = re.search(r"(output|gradient of) `(\w+)`|(changed) `(self\.\w+)`", text)
    name = "" if tensor is None else tensor[4] or ("d" if tensor[1] != "output" else "") + tensor[2]
    return name, next((hint for words, hint in HINTS if words in text), "")
