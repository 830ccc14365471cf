"""Checks of the contract: what a block does with what it is given, and whether one call can disturb another.

A check is a function of a case and a random generator that yields what it found: a `Failure`, or a remark as a string.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from blockrun.core import Context, Graph, backward, forward

from .cases import Array, Arrays, Case, is_float
from .report import Failure

TOLERANCE = 1e-8  # relative, between two ways to compute the same thing in float64
EXACT = 0.0
LINEAR = 1e-9  # relative; between TOLERANCE, below which a step through float32 may stay, and rounding in float64
Findings = Iterator[Failure | str]


def mismatch(
    fact: str, guess: str, got: Mapping[str, Array], expected: Arrays, prefix: str = "", tolerance: float = TOLERANCE
) -> Findings:
    """A failure for each array of `got` that is not what it should be: to `tolerance`, or bit for bit if that is 0.

    `prefix` is put before the names: "d" if the arrays are gradients.
    """
    for name, right in expected.items():
        value = np.asarray(got[name])
        if value.shape != right.shape:
            shapes = f"{prefix}{name} has shape {value.shape}, it should be {right.shape}"
            yield Failure(f"{fact}: {shapes}", prefix + name, guess)
        elif not equal(value, right, tolerance):
            at = worst(value, right)
            differs, numbers = f"{fact}: {prefix}{name} differs", (float(value[at]), float(right[at]))
            yield Failure(differs, prefix + name, guess, index=at, got=numbers[0], expected=numbers[1])


def equal(a: Array, b: Array, tolerance: float) -> bool:
    if tolerance == EXACT or not is_float(b):
        return np.array_equal(a, b, equal_nan=is_float(b))
    finite = np.isfinite(b)
    if not finite.all() and not np.array_equal(a[~finite], b[~finite], equal_nan=True):
        return False
    return bool(np.abs(a - b).max(initial=0.0, where=finite) <= tolerance * max(1e-3, largest(b)))


def largest(x: Array) -> float:
    return float(np.abs(x).max(initial=0.0, where=np.isfinite(x)))


def worst(a: Array, b: Array) -> tuple[int, ...]:
    with np.errstate(invalid="ignore"):
        gap = np.nan_to_num(np.abs(a.astype(float) - b.astype(float)), nan=np.inf)
    return tuple(int(i) for i in np.unravel_index(np.argmax(gap), a.shape))


def arguments_untouched(case: Case, rng: np.random.Generator) -> Findings:
    """Neither method writes to an input, to a gradient it is given, to what it saved or to the block itself.

    They are called here with arrays that can be written to, so that the one that was written to can be named.
    """
    before = dict(vars(case.block))
    try:
        written = _written(case, rng)
    except Exception:
        written = []  # the next check runs the block under the executor and reports what it raises
    for method, tensor in written[:1]:
        yield Failure(f"{method} writes to `{tensor}`", tensor, "works in place: make a new array instead")
    stashed = [name for name, value in vars(case.block).items() if value is not before.get(name)]
    for name in stashed[:1]:
        guess = "stashed on self: whatever backward needs is returned by forward as saved"
        yield Failure(f"a call changes `self.{name}`", f"self.{name}", guess)


def _written(case: Case, rng: np.random.Generator) -> list[tuple[str, str]]:
    """(method, tensor) for everything that changed when both methods were called with nothing locked."""
    step = case.graph.plan(tuple(case.variables.values()), case.wrt, case.training).steps[0]
    ctx = Context(case.training, step.needs, case.examples or 1, (case.seed, step.entropy))
    inputs = kept(case.arrays)
    args = [None if name is None else inputs[name] for name in case.node.inputs]
    outputs, saved = step.forward(ctx, *args, **{name: inputs[v] for name, v in case.node.params.items()})
    written = _changes("forward", inputs, case.arrays)
    if written or step.backward is None:
        return written
    named = dict(zip(case.block.outputs, (outputs,) if step.single else outputs, strict=True))
    dy = case.cotangents(rng, named)
    gradients, before = kept(dy), copy.deepcopy(saved)
    differentiated = [name for name in named if name not in case.updates.values()]
    step.backward(ctx, saved, *(gradients.get(name) for name in differentiated))
    written = [(method, f"d{name}") for method, name in _changes("backward", gradients, dy)]
    written += _changes("backward", inputs, case.arrays)
    return written if _same_saved(saved, before) else [*written, ("backward", "saved")]


def _changes(method: str, after: Arrays, before: Arrays) -> list[tuple[str, str]]:
    return [(method, name) for name, x in after.items() if not equal(x, before[name], EXACT)]


def _same_saved(a: Any, b: Any) -> bool:
    if isinstance(a, tuple):
        return all(_same_saved(x, y) for x, y in zip(a, b, strict=True))
    return equal(a, b, EXACT) if hasattr(a, "dtype") else a == b


def executor_checks(case: Case, rng: np.random.Generator) -> Findings:
    """Forward and backward run with every check of the executor on, and return no NaN."""
    dy = case.cotangents(rng)
    before = kept({**case.arrays, **_d(dy)})
    outputs, tape = case.start()
    gradients, returned = _finish_and_watch(case, tape, dy)
    for name, x in {**case.arrays, **_d(dy)}.items():
        if not equal(x, before[name], EXACT):
            yield Failure(f"`{name}` is written to although it is locked", name, "writes through x.base or x.flags")
    for name, update in case.updates.items():
        if outputs[update].shape != case.arrays[name].shape:
            shapes = f"{outputs[update].shape}; the state has shape {case.arrays[name].shape}"
            yield Failure(f"the update of `{name}` has shape {shapes}", update)
    for name, dx in returned.items():
        if dx is not None and name not in case.wrt:
            yield Failure(f"a gradient is returned for `{name}`, which has none", f"d{name}", "return None")
    for name, x in {**outputs, **_d(gradients)}.items():
        if is_float(x) and np.isnan(x).any():
            yield Failure(f"{name} holds NaN for finite inputs", name, "are the inputs in the domain?")


def _finish_and_watch(case: Case, tape: Any, dy: Arrays) -> tuple[Arrays, dict[str, Any]]:
    """The gradients, and what backward returned for every input, whether it was asked for or not."""
    returned: dict[str, Any] = {}
    names = [variable or name for name, variable in case.node.gradient_inputs]

    def watch(node: Any, douts: tuple[Any, ...], dinputs: tuple[Any, ...]) -> None:
        returned.update(zip(names, dinputs, strict=True))

    return case.finish(tape, dy, watch=watch), returned


def _d(arrays: Arrays) -> Arrays:
    return {f"d{name}": x for name, x in arrays.items()}


def repeatable(case: Case, rng: np.random.Generator) -> Findings:
    """The same call gives the same bits, and so does backward when called again with the same saved."""
    dy = case.cotangents(rng)
    outputs, tape = case.start()
    first = kept(case.finish(tape, dy))
    outputs = kept(outputs)
    noise = "draws numbers of its own: all randomness comes from ctx.rng"
    yield from mismatch("the same call gives other bits the second time", noise, case.outputs(), outputs, "", EXACT)
    saved = "backward uses up or changes what forward saved"
    yield from mismatch("backward called again gives other bits", saved, case.finish(tape, dy), first, "d", EXACT)


def kept(arrays: Arrays) -> Arrays:
    """Copies, which a buffer that is used again cannot change."""
    return {name: np.array(x) for name, x in arrays.items()}


def calls_in_between(case: Case, rng: np.random.Generator) -> Findings:
    """A call with other inputs between forward and backward, or before the same call, changes nothing."""
    dy = case.cotangents(rng)
    expected, first = kept(case.outputs()), kept(case.gradients(dy))
    outputs, tape = case.start()
    other = case.other()
    other.gradients({name: np.flip(v) for name, v in dy.items()})
    _call_with_other_shapes(case)
    fact = "another call between forward and backward changes the bits"
    stale = "stale cache: something is kept between calls; return it from forward as saved"
    yield from mismatch(fact, stale, case.finish(tape, dy), first, "d", EXACT)
    yield from mismatch(fact, "one buffer is used for the outputs of all calls", outputs, expected, "", EXACT)
    after = "after a call with other inputs the same call gives other bits"
    yield from mismatch(after, stale, case.outputs(), expected, "", EXACT)


def _call_with_other_shapes(case: Case) -> None:
    """One example, if the block takes that."""
    try:
        one = case.rows(0, 1)
        one.gradients({name: np.ones_like(y) for name, y in one.differentiable(one.outputs()).items()})
    except Exception:
        return


def used_twice(case: Case, rng: np.random.Generator) -> Findings:
    """One instance may be two nodes of a graph that share parameters: gradients are then sums."""
    again = _second_use(case)
    both = Graph([case.node, again.node])
    expected = {**case.outputs(), **{f"{k} of the second": y for k, y in again.outputs().items()}}
    dy, dy2 = case.cotangents(rng), again.cotangents(rng)
    separate = [kept(case.gradients(dy)), kept(again.gradients(dy2))]
    variables = {**case.variables, **{f"{k} of the second": v for k, v in again.variables.items()}}
    wrt = tuple(dict.fromkeys((*case.wrt, *again.wrt)))
    values, tape = forward(
        both, {**again.arrays, **case.arrays}, keep=variables.values(), wrt=wrt, training=case.training, seed=case.seed
    )
    seeds = {**{case.variables[k]: v for k, v in dy.items()}, **{again.variables[k]: v for k, v in dy2.items()}}
    found = backward(tape, seeds, wrt)
    total = {name: sum(part[name] for part in separate if name in part) for name in wrt}
    guess = "something is kept on the block between its uses"
    fact = "one instance used twice in one graph gives something else than two graphs"
    yield from mismatch(fact, guess, {k: values[v] for k, v in variables.items()}, expected)
    yield from mismatch(fact, guess, found, total, "d")


def _second_use(case: Case) -> Case:
    """The block again, on other data, with the same parameters, and with the state that the first use leaves."""
    other = case.given({name: case.other().arrays[name] for name in case.data})
    left = case.outputs()
    other = other.given({name: left[update] for name, update in case.updates.items()})
    renamed = {name: f"{name} of the second" for name in case.data}
    inputs = tuple(renamed.get(name) if name is not None else None for name in case.node.inputs)
    node = replace(case.node, name=f"{case.node.name} again", inputs=inputs)
    arrays = {renamed.get(name, name): x for name, x in other.arrays.items()}
    return replace(case, node=node, graph=Graph([node]), arrays=arrays)


def fewer_needs(case: Case, rng: np.random.Generator) -> Findings:
    """Asking for one gradient only does not change it."""
    if len(case.wrt) < 2:
        return
    dy = case.cotangents(rng)
    together = case.gradients(dy)
    guess = "a line of backward belongs to another `if ctx.needs...`"
    for name in case.wrt:
        fact = "asked for alone the gradient is another"
        yield from mismatch(fact, guess, case.gradients(dy, [name]), {name: together[name]}, "d")


def unused_outputs(case: Case, rng: np.random.Generator) -> Findings:
    """With several outputs, gradients through each alone add up to the gradient through all."""
    dy = case.cotangents(rng)
    if len(dy) < 2:
        return
    alone = [case.gradients({name: v}) for name, v in dy.items()]
    total = {name: np.sum([part[name] for part in alone], axis=0) for name in case.wrt}
    fact = f"gradients through {', '.join(dy)} one at a time do not add up"
    yield from mismatch(fact, "an unused output is not treated as zero", case.gradients(dy), total, "d")


def linear(case: Case, rng: np.random.Generator) -> Findings:
    """Backward is linear in the incoming gradient, to far more digits than differences can tell."""
    one, two = case.cotangents(rng), case.cotangents(rng)
    parts = kept(case.gradients(one)), kept(case.gradients(two))
    total = {name: parts[0][name] + parts[1][name] for name in case.wrt}
    both = case.gradients({name: one[name] + two[name] for name in one})
    fact, guess = "the gradient for dy + dy' is not the sum of those for dy and dy'", "float32 or a constant inside?"
    yield from mismatch(fact, guess, both, total, "d", LINEAR)
