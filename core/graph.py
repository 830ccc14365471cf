"""The graph: nodes in an order in which they can run, who writes and reads each variable, and plans made from that."""

from __future__ import annotations

import difflib
import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from heapq import heapify, heappop, heappush

from .block import Block
from .plan import Plan, make_plan


class GraphError(ValueError):
    """The nodes do not form a graph that can run, or a block broke its contract."""


@dataclass(frozen=True)
class Node:
    """One use of a block.

    `inputs` are the variables read as data, in `forward`'s order, None for one that is left out. `params` maps the
    other inputs to variables and `state` those of them that are state to the output that updates them. The first
    output is the variable `name`, the others are `name.output`. `place` says where the node was written, `owner` is
    the node whose parameters it uses if not its own.
    """

    name: str
    block: Block
    inputs: tuple[str | None, ...] = ()
    params: Mapping[str, str] = field(default_factory=dict)
    state: Mapping[str, str] = field(default_factory=dict)
    place: str = ""
    owner: str = ""

    @property
    def outputs(self) -> tuple[str, ...]:
        """The variables this node writes."""
        _first, *rest = self.block.outputs
        return (self.name, *(f"{self.name}.{output}" for output in rest))

    @property
    def updates(self) -> dict[str, str]:
        """Which variable replaces which state variable."""
        return {self.params[state]: f"{self.name}.{output}" for state, output in self.state.items()}

    @property
    def reads(self) -> tuple[str, ...]:
        """The variables this node reads."""
        return (*(name for name in self.inputs if name is not None), *self.params.values())

    @property
    def gradient_inputs(self) -> tuple[tuple[str, str | None], ...]:
        """(input, variable) for each gradient that `backward` returns, in that order; the variable is None if the
        input is not given."""
        data = list(zip(self.block.signature.bind(len(self.inputs)), self.inputs, strict=True))
        data += [(name, None) for name in self.block.signature.data[len(self.inputs) :]]
        made = [(name, self.params.get(name)) for name in self.block.signature.made if name not in self.state]
        return (*data, *made)

    def __str__(self) -> str:
        return f"`{self.name}`" + (f" ({self.place})" if self.place else "")


class Graph:
    """Nodes, ordered so that each comes after those it reads from, as in the file where dependencies allow.

    nodes      the ordered nodes
    free       the variables that nobody writes, which must be fed: inputs, parameters, state
    variables  all variables: the free ones, then those written, in order
    updates    {state variable: the variable that replaces it after a training step}

    Raises `GraphError` for a cycle, a second writer, or inputs that do not fit a block, naming the nodes.
    """

    def __init__(self, nodes: Iterable[Node]) -> None:
        ordered = order(list(nodes))
        self.nodes, self.updates = _thread_state(ordered)
        self.writer = {variable: i for i, node in enumerate(self.nodes) for variable in node.outputs}
        self.free = tuple(dict.fromkeys(v for node in self.nodes for v in node.reads if v not in self.writer))
        self.variables = (*self.free, *self.writer)
        self.entropy = tuple(int(hashlib.sha256(n.name.encode()).hexdigest()[:16], 16) for n in self.nodes)
        self._plans: dict[tuple[tuple[str, ...], tuple[str, ...], bool], Plan] = {}
        for node in self.nodes:
            _check_inputs(node)

    def plan(self, keep: tuple[str, ...], wrt: tuple[str, ...], training: bool) -> Plan:
        """What to run for the variables `keep` and their gradients with respect to `wrt`; made once, then reused."""
        key = (keep, wrt, training)
        if key not in self._plans:
            for name in (*keep, *wrt):
                if name not in self.writer and name not in self.free:
                    raise GraphError(f"unknown variable `{name}`{suggestion(name, self.variables)}")
            self._plans[key] = make_plan(self, keep, wrt, training)
        return self._plans[key]

    def path(self, variable: str, target: str) -> list[str]:
        """The names from `variable` to `target`, each read by the next; empty if there is no such path."""
        before: dict[str, str] = {variable: ""}
        for node in self.nodes:
            source = next((v for v in node.reads if v in before), None)
            before |= dict.fromkeys(node.outputs, source) if source is not None else {}
        path = [target] if target in before else []
        while path and before[path[-1]]:
            path.append(before[path[-1]])
        return path[::-1]


def suggestion(name: str, known: Iterable[str]) -> str:
    """ "; did you mean `x`?" when something close is known, else nothing."""
    close = difflib.get_close_matches(name, list(known), n=1, cutoff=0.6)
    return f"; did you mean `{close[0]}`?" if close else ""


def order(nodes: list[Node]) -> list[Node]:
    """Sort so that writers come before readers (Kahn 1962), the earliest in the file first; refuse what cannot be."""
    writer = _writers(nodes)
    waits = [{writer[v] for v in node.reads if v in writer} for node in nodes]
    readers: list[list[int]] = [[] for _ in nodes]
    for i, before in enumerate(waits):
        for j in before:
            readers[j].append(i)
    ready = [i for i, before in enumerate(waits) if not before]
    heapify(ready)
    done: list[int] = []
    while ready:
        done.append(heappop(ready))
        for i in readers[done[-1]]:
            waits[i].discard(done[-1])
            if not waits[i]:
                heappush(ready, i)
    if len(done) < len(nodes):
        raise GraphError(_cycle(nodes, waits))
    return [nodes[i] for i in done]


def _writers(nodes: list[Node]) -> dict[str, int]:
    writer: dict[str, int] = {}
    for i, node in enumerate(nodes):
        for variable in node.outputs:
            if variable in writer:
                raise GraphError(f"`{variable}` is written twice: by node {nodes[writer[variable]]} and by node {node}")
            writer[variable] = i
    return writer


def _cycle(nodes: list[Node], waits: list[set[int]]) -> str:
    at = next(i for i, before in enumerate(waits) if before)
    seen: list[int] = []
    while at not in seen:
        seen.append(at)
        at = min(waits[at])
    loop = [nodes[i] for i in reversed(seen[seen.index(at) :])]
    return "cycle: " + " -> ".join(str(node) for node in [*loop, loop[0]])


def _thread_state(nodes: list[Node]) -> tuple[tuple[Node, ...], dict[str, str]]:
    """Let each node that shares a state read it as the node before left it."""
    latest: dict[str, str] = {}
    threaded = []
    updates = {variable for node in nodes for variable in node.updates.values()}
    for node in nodes:
        wired = [v for v in node.reads if v in updates]
        if wired:
            raise GraphError(f"node {node} reads `{wired[0]}`, the update of a state; read the state itself")
        threaded.append(replace(node, params={k: latest.get(v, v) for k, v in node.params.items()}))
        latest |= node.updates
    return tuple(threaded), latest


def _check_inputs(node: Node) -> None:
    signature = node.block.signature
    try:
        names = signature.bind(len(node.inputs))
    except ValueError as error:
        raise GraphError(f"node {node}, {node.block.name}: {error}") from None
    given = {n for n, v in zip(names, node.inputs, strict=True) if v is not None} | set(node.params)
    missing = [name for name in signature.names if name in signature.required and name not in given]
    if missing:
        raise GraphError(f"node {node}, {node.block.name}: input `{missing[0]}` is not wired")
    unknown = [name for name in node.params if name not in signature.made]
    if unknown:
        raise GraphError(
            f"node {node}, {node.block.name}: no parameter `{unknown[0]}`{suggestion(unknown[0], signature.made)}"
        )
