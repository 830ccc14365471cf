"""Checks of what a block declares besides its methods: formulas, options, additive statistics."""

from __future__ import annotations

import functools
import math
import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from .cases import Array, Arrays, Case
from .contract import Findings, mismatch
from .kinks import with_zeros
from .report import Failure


def formula(case: Case, rng: np.random.Generator) -> Findings:
    """`formula`, evaluated, is the first output."""
    text = case.block.formula
    if text is None:
        return
    outputs = case.outputs()
    first = case.block.outputs[0]
    value = evaluate(text, namespace(case, outputs))
    found = {first: np.broadcast_to(value, outputs[first].shape)}
    yield from mismatch(f"`{text}` is not what forward computes", "", found, {first: outputs[first]})


def gradient_formulas(case: Case, rng: np.random.Generator) -> Findings:
    """Each of `gradients`, evaluated and summed over the axes that were broadcast, is what backward gives.

    So it is where inputs are 0 and many functions have a kink: the formula says which subgradient is taken.
    """
    yield from _compared(case, case.cotangents(rng), "")
    zero = with_zeros(case, rng)
    if zero is not None:
        yield from _compared(zero, zero.cotangents(rng), ", where inputs are 0,")


def _compared(case: Case, dy: Arrays, where: str) -> Findings:
    texts = case.block.gradients or {}
    expected = case.gradients(dy)
    names = namespace(case, case.outputs(), dy)
    for name in case.wrt:
        base, _, position = name.partition("[")
        if base not in texts:
            continue
        around = {**names, **_around(names, base, int(position[:-1]))} if position else names
        found = {name: summed_to(evaluate(texts[base], around), expected[name].shape)}
        fact = f"`{texts[base]}` is not{where} what backward computes"
        yield from mismatch(fact, "", found, {name: expected[name]}, "d")


def summed_to(value: Array, shape: tuple[int, ...]) -> Array:
    """`value` broadcast to `shape` where it is smaller and summed to it where it is larger."""
    value = np.broadcast_to(value, np.broadcast_shapes(value.shape, shape))
    extra = value.ndim - len(shape)
    stretched = tuple(i + extra for i, size in enumerate(shape) if size == 1 and value.shape[i + extra] != 1)
    return value.sum(axis=(*range(extra), *stretched)).reshape(shape)


def _around(names: dict[str, Any], many: str, position: int) -> dict[str, Any]:
    """For one of `*xs`: itself as `x`, and the tuple of the others."""
    xs = names[many]
    return {"x": xs[position], "others": (*xs[:position], *xs[position + 1 :])}


def evaluate(text: str, names: dict[str, Any]) -> Array:
    """The value of a NumPy expression; only what `names` holds can be used in it."""
    return np.asarray(eval(text, {"__builtins__": {}}, names))  # the text is the block's own code


def namespace(case: Case, outputs: Arrays, dy: Arrays | None = None) -> dict[str, Any]:
    """NumPy's functions, options, inputs (`xs` the tuple), outputs and `y` the first, gradients and `dy` the first."""
    block = case.block
    names = {**functions(), **{name: getattr(block, name) for name in block.option_types}}
    names |= dict.fromkeys(block.signature.names) | {k: x for k, x in case.arrays.items() if "[" not in k}
    names |= {"examples": case.examples or 1, "training": case.training}
    if block.signature.many:
        names[block.signature.many] = tuple(x for k, x in case.arrays.items() if "[" in k)
    names |= {**outputs, "y": outputs[block.outputs[0]]}
    for name, v in (dy or {}).items():
        names |= {f"d{name}": v} | ({"dy": v} if name == block.outputs[0] else {})
    return names


@functools.cache
def functions() -> dict[str, Any]:
    """What a formula may call: NumPy's functions by their bare names, `erf` and `len`; `sum`, `prod`, `max` and `min`
    also reduce a tuple of arrays."""
    known: dict[str, Any] = {name: getattr(np, name) for name in dir(np) if not name.startswith("_")}
    known |= {"erf": np.vectorize(math.erf, otypes=[float]), "len": len}
    known |= {"sum": _over(operator.add, np.sum, 0), "prod": _over(operator.mul, np.prod, 1)}
    return known | {"max": _over(np.maximum, np.max), "min": _over(np.minimum, np.min)}


def _over(pairwise: Callable[..., Any], whole: Callable[..., Any], *empty: int) -> Callable[..., Any]:
    """Reduces a tuple of arrays pair by pair, starting from `empty`, or an array by NumPy's function of that name."""

    def reduce(x: Any, *args: Any, **kwargs: Any) -> Any:
        return functools.reduce(pairwise, x, *empty) if isinstance(x, tuple) else whole(x, *args, **kwargs)

    return reduce


def options_round_trip(case: Case, rng: np.random.Generator) -> Findings:
    """Rebuilt from its options, lists for tuples as a file has them, the block is equal to itself."""
    options = {name: getattr(case.block, name) for name in case.block.option_types}
    again = type(case.block)(**{name: _as_list(value) for name, value in options.items()})
    if again != case.block:
        changed = next((n for n, v in options.items() if getattr(again, n) != v), "")
        yield Failure(f"rebuilt from its options the block is {again!r}, not equal to itself", changed)


def _as_list(value: Any) -> Any:
    return [_as_list(v) for v in value] if isinstance(value, tuple) else value


def additive(case: Case, rng: np.random.Generator) -> Findings:
    """The outputs of a metric over uneven pieces of a batch add up, and `result` takes their totals."""
    result = getattr(case.block, "result", None)
    if result is None or case.examples < 2:
        return
    whole = case.outputs()
    pieces = [case.rows(0, 1).outputs(), case.rows(1, case.examples).outputs()]
    totals = {name: np.sum([piece[name] for piece in pieces], axis=0) for name in whole}
    guess = "outputs must be sums, counts or histograms; means belong in result"
    yield from mismatch("totals over pieces are not those of the batch", guess, totals, whole)
    for name, value in _named(result(*whole.values())).items():
        if not np.isfinite(value).all():
            yield f"result: {name} is not finite"


def _named(result: Any) -> dict[str, Array]:
    named = result if isinstance(result, dict) else {"result": result}
    return {name: np.asarray(value, dtype=float) for name, value in named.items()}
