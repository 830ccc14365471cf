"""Checks with arrays that lie differently in memory: as slices, transposes and broadcasts of others hand them over."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .cases import Array, Case, frozen
from .contract import Findings, kept, mismatch


def transposed(x: Array) -> Array:
    """Column-major: what transposing makes."""
    return np.array(x, order="F")


def sliced(x: Array) -> Array:
    """Every second entry of a larger array, along every axis."""
    big = np.zeros([2 * size for size in x.shape], x.dtype)
    every_second: Any = (..., *[slice(None, None, 2)] * x.ndim)  # with `...`, a scalar stays an array
    part = big[every_second]
    part[...] = x
    return part


def reversed_(x: Array) -> Array:
    """Negative strides: what flipping makes."""
    return np.flip(np.flip(x).copy())


LAYOUTS: dict[str, Callable[[Array], Array]] = {
    "column-major": transposed,
    "sliced with gaps": sliced,
    "negative-strided": reversed_,
}


def input_layouts(case: Case, rng: np.random.Generator) -> Findings:
    """Inputs and parameters that are not contiguous give the same outputs and gradients."""
    dy = case.cotangents(rng)
    outputs, gradients = kept(case.outputs()), kept(case.gradients(dy))
    for layout, change in LAYOUTS.items():
        changed = case.changed(change)
        fact, guess = f"with {layout} inputs", "assumes that its inputs are contiguous (a reshape or view of memory?)"
        try:
            yield from mismatch(fact, guess, changed.outputs(check=True), outputs)
            yield from mismatch(fact, guess, changed.gradients(dy), gradients, "d")
        except Exception as error:
            error.add_note(fact)
            raise


def gradient_layouts(case: Case, rng: np.random.Generator) -> Findings:
    """Incoming gradients with any strides, zero strides included, give the same gradients."""
    dy = case.cotangents(rng)
    constant = {name: frozen(np.broadcast_to(np.float64(0.7), v.shape)) for name, v in dy.items()}
    yield from _same_gradients(case, "zero-strided", constant, {name: v.copy() for name, v in constant.items()})
    for layout, change in LAYOUTS.items():
        yield from _same_gradients(case, layout, {name: frozen(change(v)) for name, v in dy.items()}, dy)
    if len(dy) > 1 and len({v.shape for v in dy.values()}) == 1:
        shared = next(iter(dy.values()))
        same = dict.fromkeys(dy, shared)
        yield from _same_gradients(case, "one and the same array as", same, {name: shared.copy() for name in dy})


def _same_gradients(case: Case, layout: str, dy: dict[str, Array], contiguous: dict[str, Array]) -> Findings:
    fact, guess = f"with {layout} incoming gradients", "assumes that the incoming gradient is contiguous"
    expected = kept(case.gradients(contiguous))
    try:
        yield from mismatch(fact, guess, case.gradients(dy), expected, "d")
    except Exception as error:
        error.add_note(fact)
        raise
