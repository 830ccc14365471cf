"""Checks of the numbers: gradients against differences, other sizes of batch, other precision, large values."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from . import verdicts
from .cases import Array, Arrays, Case, is_float
from .contract import Findings, largest, mismatch
from .gradients import Comparison, Jacobians, jacobians, settle
from .report import Failure

DIRECTIONS = 2  # random pairs (u, v) for each tensor
SHOWN = 5  # rows and columns of a Jacobian in a message
GROSS = 0.1  # relative difference between float32 and float64 that is no question of digits any more
LARGE = 100.0  # what the largest input is scaled to, in float32


class Measured(NamedTuple):
    """The relative error of one gradient that was found right, and whether it was other than zero."""

    tensor: str
    error: float
    vanishes: bool


def gradients(case: Case, rng: np.random.Generator) -> Iterator[Failure | str | Measured]:
    """Every gradient agrees with central differences along random directions, to a relative error of 1e-6."""
    for name in case.wrt:
        for _ in range(DIRECTIONS):
            found = _check_gradient(case, name, rng)
            yield found
            if not isinstance(found, Measured):
                break


def _check_gradient(case: Case, name: str, rng: np.random.Generator) -> Failure | str | Measured:
    """At the example itself or, if it sits on a kink, close to it."""
    settled = settle(case, name, rng)
    if settled is None:
        return f"d{name} could not be verified in case {case.number}: every point tried sits on a kink"
    point, dy, dx, compared = settled
    if compared.agrees:
        return Measured(f"d{name}", compared.error, not dx.any())
    return _wrong_gradient(point, name, dy, compared, rng)


def _wrong_gradient(case: Case, name: str, dy: Arrays, compared: Comparison, rng: np.random.Generator) -> Failure:
    found = jacobians(case, name, rng)
    guess = verdicts.of_gradient(case, name, found, dy)
    row, column = np.unravel_index(np.argmax(np.abs(found.analytic - found.numeric)), found.numeric.shape)
    got, expected = float(found.analytic[row, column]), float(found.numeric[row, column])
    if verdicts.close(found.analytic, found.numeric):
        got, expected = compared.analytic, compared.numeric
    index = tuple(int(i) for i in np.unravel_index(found.rows[row], case.arrays[name].shape))
    entry = _entry(case, int(found.columns[column]))
    fact = f"d{name} is not the derivative of forward; worst at ∂{entry}/∂{name}{show(index)}"
    return Failure(
        fact, f"d{name}", guess, index=index, got=got, expected=expected, jacobian=_table(found, row, column)
    )


def _table(found: Jacobians, row: np.intp, column: np.intp) -> str:
    """Both Jacobians side by side in denominator layout, or the part of them around an entry."""
    top, left = (
        max(0, min(int(at) - SHOWN // 2, size - SHOWN))
        for at, size in zip((row, column), found.numeric.shape, strict=True)
    )
    part = np.s_[top : top + SHOWN, left : left + SHOWN]
    pair = [[" ".join(f"{v + 0.0:8.4g}" for v in line) for line in m[part]] for m in (found.analytic, found.numeric)]
    width = max(len(line) for line in (*pair[0], "backward"))
    what = "" if found.numeric[part].size == found.numeric.size else ", around the worst entry"
    lines = [f"{'backward':<{width}}   central differences (a row for each input entry{what})"]
    return "\n".join([*lines, *(f"{a:<{width}}   {n}" for a, n in zip(*pair, strict=True))])


def _entry(case: Case, column: int) -> str:
    """The output entry that column `column` of a Jacobian stands for."""
    for name, y in case.differentiable(case.outputs()).items():
        if column < y.size:
            return name + show(tuple(int(i) for i in np.unravel_index(column, y.shape)))
        column -= y.size
    raise IndexError(column)


def show(index: tuple[int, ...]) -> str:
    return f"[{', '.join(map(str, index))}]" if index else ""


def batch_of_one(case: Case, rng: np.random.Generator) -> Findings:
    """A batch of one example runs, and its gradients are right."""
    if not _has_batch(case) or case.examples < 2:
        return
    for found in gradients(case.rows(0, 1), rng):
        if isinstance(found, Failure):
            yield found


def _has_batch(case: Case) -> bool:
    """Whether axis 0 counts examples: `batchwise` says so, all data inputs share it, and it is not the only one."""
    lengths = {case.arrays[name].shape[:1] for name in case.data}
    return bool(case.block.batchwise and case.examples and len(lengths) == 1 and case.arrays[case.data[0]].ndim > 1)


def empty_batch(case: Case, rng: np.random.Generator) -> Findings:
    """No examples give outputs of the right shape, parameter gradients of zero, and leave state as it is."""
    if not _has_batch(case):
        return
    none, one = case.rows(0, 0), case.rows(0, 1).outputs()
    outputs = none.outputs(check=True)
    full = case.outputs()
    for name, y in outputs.items():
        wanted = tuple(0 if n != m else n for n, m in zip(full[name].shape, one[name].shape, strict=True))
        if case.examples > 1 and y.shape != wanted:
            yield Failure(f"output `{name}` has shape {y.shape}, it should be {wanted}", name)
        if is_float(y) and not np.isfinite(y).all():
            guess = "a mean over no examples? divide by ctx.examples, which is at least 1"
            yield Failure(f"output `{name}` is not finite without examples", name, guess)
    kept = {update: case.arrays[name] for name, update in case.updates.items()}
    yield from mismatch("an empty batch changes state", "leave state as it is", outputs, kept)
    gradients = none.gradients(none.cotangents(rng))
    zero = {name: np.zeros_like(dx) for name, dx in gradients.items() if name not in case.data}
    yield from mismatch("an empty batch gives a gradient", "a sum over nothing is 0", gradients, zero, "d")


def float32(case: Case, rng: np.random.Generator) -> Findings:
    """float32 inputs give float32 outputs and gradients (the executor looks), no NaN, and no numbers of another size.

    How many digits they have is not asked here. A block that draws numbers may draw others in float32.
    """
    dy, single = case.cotangents(rng), as_float32(case)
    found = outputs_and_gradients(single, dy)
    for name, x in found.items():
        if has_nan(x):
            yield Failure(f"{name} holds NaN in float32", name, "a constant too small or too large for it?")
    if not case.draws():
        exact = outputs_and_gradients(single.changed(lambda x: x.astype(np.float64) if is_float(x) else x), dy)
        yield from _far_off(found, exact)


def _far_off(found: Arrays, exact: Arrays) -> Findings:
    """A failure for what differs from `exact` by a tenth of its size, where both are finite."""
    for name, x in found.items():
        right = exact[name].astype(float)
        gap = np.where(np.isfinite(x) & np.isfinite(right), np.abs(x - right), 0.0)
        if gap.max(initial=0.0) > GROSS * max(GROSS, largest(right)):
            at = np.unravel_index(np.argmax(gap), gap.shape)
            index, numbers = tuple(int(i) for i in at), (float(x[at]), float(right[at]))
            fact, guess = f"{name} is another in float32", "a path for float32 only, or digits lost on the way?"
            yield Failure(fact, name, guess, index=index, got=numbers[0], expected=numbers[1])


def float64(case: Case, rng: np.random.Generator) -> Findings:
    """float64 inputs do not pass through float32 on the way: outputs and gradients have digits that it cannot hold.

    Numbers that float16 can hold too, such as counts and signs, say nothing; neither do inputs of so few digits.
    """
    if not all(_needs_float64(case.arrays[name]) for name in case.data if is_float(case.arrays[name])):
        return
    for name, x in outputs_and_gradients(case, case.cotangents(rng)).items():
        if is_float(x) and _holds(x, np.float32) and not _holds(x, np.float16):
            yield Failure(f"{name} holds float32 numbers in float64", name, "a cast or a constant of float32 inside?")


def _needs_float64(x: Array) -> bool:
    return not _holds(x, np.float32)


def _holds(x: Array, dtype: Any) -> bool:
    """Whether `dtype` can hold every number of `x`."""
    return bool((x.astype(dtype).astype(x.dtype) == x)[np.isfinite(x)].all())


def dtype_of_the_graph(case: Case, rng: np.random.Generator) -> Findings:
    """A block that is given no floating input makes its floating outputs in the dtype of the graph, `ctx.dtype`.

    The executor looks where floating inputs are given. The sums of a metric may be wider.
    """
    if hasattr(case.block, "result") or any(is_float(x) for x in case.arrays.values()):
        return
    for dtype in (np.float32, np.float64):
        beside = case.given({"a floating variable of the graph": np.zeros((), dtype)})
        for name, y in beside.outputs().items():
            if is_float(y) and y.dtype != dtype:
                fact = f"output `{name}` is {y.dtype} in a graph that computes in {np.dtype(dtype)}"
                yield Failure(fact, name, "make it with ctx.dtype")


def as_float32(case: Case) -> Case:
    return case.changed(lambda x: x.astype(np.float32) if is_float(x) else x)


def large_inputs(case: Case, rng: np.random.Generator) -> Findings:
    """Inputs of about ±100 make no gradient NaN in float32 unless they make an output NaN, which is only remarked.

    Some functions must, most need not; but where no output is NaN, a gradient that is has overflowed on the way: δ is 0
    where an output is infinite, and what it makes of that is 0. Inputs that stay within ±1 in the example, such as
    probabilities, may have to, and are left alone.
    """
    names = [name for name in case.data if name in case.wrt and np.abs(case.arrays[name]).max(initial=0.0) > 1]
    if not names:
        return
    large = as_float32(case.changed(lambda x: x * (LARGE / np.abs(x).max()), names))
    try:
        found = outputs_and_gradients(large, large.cotangents(rng))
    except Exception:
        return  # a block may refuse such inputs
    bad, when = [name for name, x in found.items() if has_nan(x)], f"NaN when inputs reach ±{LARGE:g} in float32"
    if any(name in large.variables for name in bad):
        yield f"{', '.join(bad)}: {when}"
        return
    for name in bad:
        yield Failure(f"{name} holds {when}, and no output does", name, "overflows on the way: 0 · ∞ or ∞ / ∞?")


def outputs_and_gradients(case: Case, dy: Arrays) -> Arrays:
    """All outputs by name and all gradients by name after a "d"."""
    outputs, tape = case.start()
    dy = {name: v.astype(outputs[name].dtype) for name, v in dy.items()}
    return {**outputs, **{f"d{name}": dx for name, dx in case.finish(tape, dy).items()}}


def has_nan(x: Array) -> bool:
    return is_float(x) and bool(np.isnan(x).any())
