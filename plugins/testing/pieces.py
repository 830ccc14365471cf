"""The checks of `batchwise`: pieces of a batch give the numbers of the whole, at once and one after another."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from blockrun.core import Block, GraphError
from blockrun.core.pieces import in_pieces

from .cases import Arrays, Case
from .contract import Findings, mismatch
from .report import Failure

GUESS = "a mean over the piece instead of ctx.examples, or a sum over examples without ctx.total?"
MANY, NUMBERS = 2500, 2**20  # most examples in a large batch, and most numbers
PARTS = 5


def pieces(case: Case, rng: np.random.Generator) -> Findings:
    """If the block is `batchwise`, unequal pieces that run at once and meet at `ctx.total` equal the whole batch.

    So do pieces one after another, where the block asks for no total.
    """
    if case.block.batchwise and _can_be_cut(case):
        yield from _differences(case, rng)


def large_batch(case: Case, rng: np.random.Generator) -> Findings:
    """A batch of thousands gives the numbers of its parts: a block may work through a large one a cacheful at a time.

    The examples are those of the case, each many times and in no order.
    """
    if not (case.training and case.block.batchwise and _can_be_cut(case)):
        return
    each = sum(case.arrays[name].size for name in case.data) // case.examples
    part = max(1, min(MANY, NUMBERS // max(each, 1)) // PARTS)
    rows = rng.integers(case.examples, size=part * PARTS)
    many = case.given({name: case.arrays[name][rows] for name in case.data})
    dy = many.cotangents(rng)
    cut = _run(many, dy, (part,) * PARTS, threads=True)
    found = many.outputs(), many.gradients(dy)
    for failure in _compare(f"a batch of {many.examples} is not its {PARTS} parts", found, cut):
        yield replace(failure, guess="parts of a large batch are overwritten, or put together wrongly?")


def suggestion(cases: list[Case], seed: int) -> str:
    """What to add to a block that would run in pieces but does not say so; "" if there is nothing to suggest."""
    cases = [case for case in cases if case.data and case.arrays[case.data[0]].ndim > 1]
    if not cases or any(case.block.batchwise or not _can_be_cut(case) for case in cases):
        return ""
    if any(_differ(declaring(case), np.random.default_rng(seed)) for case in cases):
        return ""
    return "every case runs in pieces; declare `batchwise = True` and it may be cut"


def _differ(case: Case | None, rng: np.random.Generator) -> bool:
    try:
        return case is None or any(_differences(case, rng))
    except Exception:
        return True


def declaring(case: Case) -> Case | None:
    """The same case of a block that says it is `batchwise`; None if that depends on its options."""
    block: Block = copy.copy(case.block)
    try:
        object.__setattr__(block, "batchwise", True)
    except AttributeError:
        return None
    return case.of(block)


def _can_be_cut(case: Case) -> bool:
    """Whether axis 0, shared by all data inputs and not the only one, counts two examples or more, and nothing is
    drawn, which would differ in every piece."""
    lengths = {case.arrays[name].shape[:1] for name in case.data}
    return case.examples >= 2 and len(lengths) == 1 and case.arrays[case.data[0]].ndim >= 2 and not case.draws()


def _differences(case: Case, rng: np.random.Generator) -> Iterator[Failure]:
    dy = case.cotangents(rng)
    whole = case.outputs(), case.gradients(dy)
    sizes = (1, case.examples - 1)
    yield from _compare("in pieces at once", _run(case, dy, sizes, threads=True), whole)
    try:
        in_turn = _run(case, dy, sizes, threads=False)
    except GraphError:
        return  # it asks for a total, which this way cannot give
    yield from _compare("in pieces one after another", in_turn, whole)


def _compare(how: str, got: tuple[Arrays, Arrays], whole: tuple[Arrays, Arrays]) -> Iterator[Failure]:
    for prefix, found, expected in zip(("", "d"), got, whole, strict=True):
        yield from (f for f in mismatch(how, GUESS, found, expected, prefix) if isinstance(f, Failure))


def _run(case: Case, dy: Arrays, sizes: tuple[int, ...], threads: bool) -> tuple[Arrays, Arrays]:
    """Outputs and gradients by name, from pieces of so many examples each."""
    values, gradients = in_pieces(
        case.graph,
        case.arrays,
        split=set(case.data),
        sizes=sizes,
        keep=case.variables.values(),
        seeds={case.variables[name]: value for name, value in dy.items()},
        wrt=case.wrt,
        training=case.training,
        seed=case.seed,
        threads=threads,
    )
    return {name: values[variable] for name, variable in case.variables.items()}, gradients
