"""The executor: one pass forward that remembers, one pass backward that adds up.

The memory plan in one sentence: a value is dropped after its last reader, and what was saved after its backward.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np

from . import checks
from .block import Array
from .explain import explain_backward, explain_forward
from .graph import Graph, GraphError, Node, suggestion
from .plan import Plan, Step
from .tape import Record, Seed, Tape, stand_in

Watch = Callable[[Node, tuple[Any, ...], tuple[Any, ...]], None]


def forward(
    graph: Graph,
    feed: Mapping[str, Array],
    *,
    keep: Iterable[str],
    wrt: Iterable[str] = (),
    training: bool = True,
    seed: Seed = 0,
    examples: int | None = None,
    check: bool | None = None,
    watch: Watch | None = None,
    total: Callable[[Array], Array] | None = None,
) -> tuple[dict[str, Array], Tape]:
    """Compute the variables `keep` from `feed`; what they do not depend on is not run.

    `wrt` are the variables whose gradients `backward` may be asked for. `examples` is the size of the whole batch,
    by default the length of each node's first input. `check` runs the full checks of what blocks return (by default
    the first time this plan is used). `watch(node, inputs, outputs)` is called after each node. `total` is what
    `ctx.total` does where this is one piece of a batch.

    Returns the values by name and a tape for `backward`. Raises `GraphError` for a variable that is unknown or not
    fed and for a block that breaks its contract; an exception raised in a block keeps its type and gains a note.
    """
    keep, wrt = tuple(keep), tuple(wrt)
    plan = graph.plan(keep, wrt, training)
    tape = Tape(graph, plan, keep, training, seed, examples, total)
    values = _load(graph, plan, feed, keep)
    tape.dtype = next((x.dtype for x in feed.values() if hasattr(x, "dtype") and x.dtype.kind == "f"), tape.dtype)
    tape.like = {slot: values[slot] for slot in plan.kept_gradients if values[slot] is not None}
    full = bool(plan.unchecked) if check is None else check
    for step in plan.steps:
        _run_forward(step, values, tape, full, watch)
    plan.unchecked.discard("forward")
    kept = {name: values[plan.slots[name]] for name in keep}
    tape.like |= {plan.slots[name]: value for name, value in kept.items()}
    return kept, tape


def _load(graph: Graph, plan: Plan, feed: Mapping[str, Array], keep: tuple[str, ...]) -> list[Any]:
    values: list[Any] = [None] * len(plan.slots)
    for name, slot in plan.feeds:
        if name not in feed:
            path = next((p for p in (graph.path(name, k) for k in keep) if p), [name])
            raise GraphError(
                f"`{name}` is not fed, and `{path[-1]}` depends on it: {' -> '.join(path)}{suggestion(name, feed)}"
            )
        value = feed[name]
        values[slot] = value if hasattr(value, "dtype") else np.asarray(value)
    return values


def _run_forward(step: Step, values: list[Any], tape: Tape, full: bool, watch: Watch | None) -> None:
    args = [None if slot is None else values[slot] for slot in step.inputs]
    kwargs = {name: values[slot] for name, slot in step.params}
    examples = tape.count(args)
    ctx = tape.context(step, examples, args)
    try:
        if full:
            outputs, saved = checks.checked_forward(step, ctx, args, kwargs)
        else:
            outputs, saved = step.forward(ctx, *args, **kwargs)
        if step.single:
            outputs = (outputs,)
        for slot, output in zip(step.outputs, outputs, strict=True):
            values[slot] = output
    except Exception as error:
        explain_forward(error, step.node, args, kwargs)
        raise
    if step.backward is not None:
        shaped = None if step.single else tuple(stand_in(output) for output in outputs)
        inputs = checks.stand_ins(args, kwargs) if full else None
        tape.records[step.node.name] = Record(examples, saved, shaped, inputs)
    if watch is not None:
        watch(step.node, (*args, *kwargs.values()), tuple(outputs))
    for slot in step.drop:
        if slot in tape.plan.kept_gradients and slot not in tape.like:
            tape.like[slot] = stand_in(values[slot])
        values[slot] = None


def backward(
    tape: Tape, seeds: Mapping[str, Any], wrt: Iterable[str], *, watch: Watch | None = None
) -> dict[str, Array]:
    """The gradients of Σ ⟨seed, variable⟩ over `seeds` with respect to the variables `wrt`, by reverse accumulation.

    `seeds` maps variables that `forward` kept to the gradient of the objective with respect to them, 1.0 for the
    objective itself. A tape is used once. `watch(node, doutputs, dinputs)` is called after each node. The arrays
    returned may share memory with one another: treat them as read-only. Raises `GraphError`.
    """
    wrt = tuple(wrt)
    plan = _plan_backward(tape, seeds, wrt)
    sums: list[Any] = [None] * len(plan.slots)
    owned: set[int] = set()
    for name, seed in seeds.items():
        _accumulate(sums, owned, plan.slots[name], _fit_seed(name, seed, tape.like[plan.slots[name]]))
    for step in reversed(plan.steps):
        if step.node.name in tape.records:
            _run_backward(step, sums, owned, plan, tape, watch)
    tape.plan.unchecked.discard("backward")
    return {name: _finish(name, sums[plan.slots[name]], tape.like.get(plan.slots[name])) for name in wrt}


def _plan_backward(tape: Tape, seeds: Mapping[str, Any], wrt: tuple[str, ...]) -> Plan:
    if tape.used:
        raise GraphError("this tape has been used; run forward again before another backward")
    tape.used = True
    for name in wrt:
        if name not in tape.plan.wrt:
            raise GraphError(f"the gradient of `{name}` was not announced to forward{suggestion(name, tape.plan.wrt)}")
    for name in seeds:
        if name not in tape.keep:
            raise GraphError(f"seed `{name}` was not kept by forward{suggestion(name, tape.keep)}")
    return tape.plan if wrt == tape.plan.wrt else tape.graph.plan(tape.keep, wrt, tape.training)


def _fit_seed(name: str, seed: Any, value: Array) -> Array:
    seed = np.asarray(seed, dtype=value.dtype) if not hasattr(seed, "dtype") else seed
    if seed.shape != value.shape:
        raise GraphError(f"the seed of `{name}` has shape {seed.shape}; the variable has shape {value.shape}")
    return seed if seed.dtype == value.dtype else seed.astype(value.dtype)


def _run_backward(step: Step, sums: list[Any], owned: set[int], plan: Plan, tape: Tape, watch: Watch | None) -> None:
    record = tape.records.pop(step.node.name)
    given = [sums[slot] for slot in step.doutputs]
    for slot in step.doutputs:
        if slot not in plan.kept_gradients:
            sums[slot] = None
    if step.backward is None or all(dy is None for dy in given):
        return
    douts = [_no_gradient(record, i) if dy is None else read_only(dy) for i, dy in enumerate(given)]
    ctx = tape.context(step, record.examples, douts)
    try:
        if record.inputs is not None:
            dinputs = checks.checked_backward(step, ctx, record.saved, douts, record.inputs)
        else:
            dinputs = step.backward(ctx, record.saved, *douts)
        if step.single_gradient:
            dinputs = (dinputs,)
        for target, gradient in zip(step.dinputs, dinputs, strict=True):
            if target is not None and gradient is not None:
                _accumulate(sums, owned, target, gradient)
    except Exception as error:
        explain_backward(error, step.node, douts)
        raise
    if watch is not None:
        watch(step.node, tuple(douts), tuple(dinputs))


def read_only(x: Array) -> Array:
    """A view of `x` that cannot be written through, where the kind of array knows such a thing."""
    if isinstance(x, np.ndarray):
        x = x.view()
        x.flags.writeable = False
    return x


def _no_gradient(record: Record, index: int) -> Array | None:
    """For an output that nobody used: zero, taking no memory; None if it is not floating."""
    assert record.outputs is not None
    output = record.outputs[index]
    return output if output.dtype.kind == "f" else None


def _accumulate(sums: list[Any], owned: set[int], slot: int, gradient: Array) -> None:
    """Add in place only into sums made here: the first array belongs to the block that returned it."""
    present = sums[slot]
    if present is None:
        sums[slot] = gradient
    elif slot in owned:
        present += gradient
    else:
        sums[slot] = present + gradient
        if sums[slot].ndim:
            owned.add(slot)


def _finish(name: str, gradient: Array | None, like: Array | None) -> Array:
    """The sum for a variable; zero if nothing reached it."""
    if gradient is not None:
        return gradient
    if like is None:
        raise GraphError(f"there is no gradient of `{name}`: nothing that forward was to keep depends on it")
    return np.zeros_like(like)
