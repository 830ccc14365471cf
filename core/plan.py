"""A plan: one pass over a graph with every name already turned into the number of a slot."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from .graph import Graph, Node


class Step(NamedTuple):
    """One node of a plan. Slots are indices into the list of values; None stands for an input that is not given."""

    node: Node
    forward: Callable[..., Any]
    backward: Callable[..., Any] | None  # None if no gradient is wanted here
    needs: SimpleNamespace
    entropy: int
    inputs: tuple[int | None, ...]
    params: tuple[tuple[str, int], ...]
    outputs: tuple[int, ...]
    drop: tuple[int, ...]  # values that nobody reads after this step
    doutputs: tuple[int, ...]  # slots of the gradients handed to backward: the outputs less the updates of state
    dinputs: tuple[int | None, ...]  # slots for the gradients returned; None where not asked for
    single: bool  # one output: a bare array stands for it
    single_gradient: bool  # one input: a bare array stands for its gradient


class Plan:
    """The steps for one (keep, wrt, training) of a graph. `unchecked` names the passes that have not run yet."""

    def __init__(self, steps: list[Step], slots: dict[str, int], feeds: tuple[str, ...], wrt: tuple[str, ...]) -> None:
        self.steps = steps
        self.slots = slots
        self.feeds = [(name, slots[name]) for name in feeds]
        self.wrt = wrt
        self.kept_gradients = frozenset(slots[name] for name in wrt)
        self.unchecked = {"forward", "backward"} if any(step.backward for step in steps) else {"forward"}


def make_plan(graph: Graph, keep: tuple[str, ...], wrt: tuple[str, ...], training: bool) -> Plan:
    """The ancestors of `keep` in order, with backward wanted exactly where the path from `wrt` leads through."""
    slots = {name: i for i, name in enumerate(graph.variables)}
    chosen = _ancestors(graph, keep)
    last_reader = {v: i for i in chosen for v in (*graph.nodes[i].outputs, *graph.nodes[i].reads)}
    varied = set(wrt)
    steps = []
    for i in chosen:
        node = graph.nodes[i]
        drop = {v for v in (*node.outputs, *node.reads) if last_reader[v] == i and v not in keep}
        steps.append(_step(node, graph.entropy[i], slots, varied, drop))
    read = {v for i in chosen for v in graph.nodes[i].reads} | {*keep, *wrt}
    return Plan(steps, slots, tuple(v for v in graph.free if v in read), wrt)


def _ancestors(graph: Graph, keep: tuple[str, ...]) -> list[int]:
    wanted = set(keep)
    chosen = []
    for i in range(len(graph.nodes) - 1, -1, -1):
        node = graph.nodes[i]
        if not wanted.isdisjoint(node.outputs):
            wanted.update(node.reads)
            chosen.append(i)
    return chosen[::-1]


def _step(node: Node, entropy: int, slots: dict[str, int], varied: set[str], drop: set[str]) -> Step:
    signature = node.block.signature
    asked = [v if v in varied and name not in node.block.nograd else None for name, v in node.gradient_inputs]
    backward = getattr(node.block, "backward", None) if any(asked) else None
    if backward is None:
        asked = [None] * len(asked)
    updates = node.updates.values()
    differentiated = [v for v in node.outputs if v not in updates]
    if backward is not None:
        varied.update(differentiated)
    return Step(
        node=node,
        forward=node.block.forward,  # type: ignore[attr-defined]
        backward=backward,
        needs=_needs(node, asked),
        entropy=entropy,
        inputs=tuple(None if v is None else slots[v] for v in node.inputs),
        params=tuple((name, slots[v]) for name, v in node.params.items()),
        outputs=tuple(slots[v] for v in node.outputs),
        drop=tuple(slots[v] for v in drop),
        doutputs=tuple(slots[v] for v in differentiated),
        dinputs=tuple(None if v is None else slots[v] for v in asked),
        single=len(node.outputs) == 1,
        single_gradient=len(asked) == 1 and signature.many is None,
    )


def _needs(node: Node, asked: list[str | None]) -> SimpleNamespace:
    names = [name for name, _ in node.gradient_inputs]
    needs: dict[str, Any] = dict.fromkeys(node.block.signature.names, False)
    needs |= {name: v is not None for name, v in zip(names, asked, strict=True)}
    many = node.block.signature.many
    if many is not None:
        needs[many] = tuple(v is not None for name, v in zip(names, asked, strict=True) if name == many)
    return SimpleNamespace(**needs)
