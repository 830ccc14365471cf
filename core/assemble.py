"""Assembly: from nodes that name only their data to a graph with every parameter, state and shape known."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import Any

import numpy as np

from .block import Param, Spec, State
from .context import Context
from .explain import explain_forward
from .graph import Graph, GraphError, Node, order, suggestion
from .shapes import check_shapes, show_shape
from .tape import stand_in

Report = Callable[[Node, Exception], None]


@dataclass(frozen=True)
class Assembly:
    """A graph that can run: `specs` of every variable, and what its `params` and `state` should start as.

    `makers` names, for each parameter and state, the node and the input that it was first made for.
    """

    graph: Graph
    specs: dict[str, Spec]
    params: dict[str, Param]
    state: dict[str, State]
    makers: dict[str, tuple[str, str]]


def assemble(
    nodes: Iterable[Node], specs: Mapping[str, Spec], dtype: Any = np.float32, report: Report | None = None
) -> Assembly:
    """Ask every block what parameters it wants and discover all shapes by running stand-ins through `forward`.

    `specs` describe the free data variables; a batch axis of 0 allocates nothing, and neither do the parameters,
    which are zero-strided. `dtype` is that of parameters. A parameter is named `<node>.<input>` unless wired.

    Raises `GraphError` for what cannot be wired and whatever a block raises, with a note. With `report`, a node that
    fails is reported instead, and it and what depends on it are left out.
    """
    pending = list(nodes)
    written = {variable for node in pending for variable in node.outputs}
    stand_ins = {name: np.broadcast_to(np.zeros((), spec.dtype), spec.shape) for name, spec in specs.items()}
    building = _Building(stand_ins, written, dtype, report)
    while pending:
        waiting = [node for node in pending if not building.add(node)]
        if len(waiting) == len(pending):
            order(pending)  # names the cycle, if that is what is wrong
            building.refuse(pending)
            break
        pending = waiting
    found = {name: Spec(tuple(x.shape), x.dtype) for name, x in building.values.items()}
    return Assembly(Graph(building.done), found, building.params, building.state, building.makers)


class _Building:
    """What is known so far: stand-ins for the variables, and the parameters that were asked for."""

    def __init__(self, values: dict[str, Any], written: set[str], dtype: Any, report: Report | None) -> None:
        self.values = values
        self.written = written
        self.dtype = dtype
        self.report = report
        self.lost: set[str] = set()  # what nodes that failed would have written
        self.done: list[Node] = []
        self.params: dict[str, Param] = {}
        self.state: dict[str, State] = {}
        self.makers: dict[str, tuple[str, str]] = {}

    def add(self, node: Node) -> bool:
        """Take `node` in if everything it reads is known; True if there is nothing more to do with it."""
        tied = [v for v in node.params.values() if v in self.written]
        reads = [v for v in (*node.inputs, *tied) if v is not None]
        if self.lost.isdisjoint(reads):
            if any(v not in self.values for v in reads):
                return False
            try:
                self._assemble(node)
                return True
            except Exception as error:
                if self.report is None:
                    raise
                self.report(node, error)
        self.lost.update(node.outputs)
        return True

    def refuse(self, nodes: list[Node]) -> None:
        """Complain that `nodes` read what nothing produces, unless that is only because a node before them failed."""
        for node in nodes:
            missing = [v for v in node.reads if v not in self.values and v not in self.written]
            if not missing or self.lost:
                continue
            hint = suggestion(missing[0], self.values)
            error = GraphError(f"node {node} reads `{missing[0]}`, which nothing produces{hint}")
            if self.report is None:
                raise error
            self.report(node, error)

    def _assemble(self, node: Node) -> None:
        args = [None if v is None else self.values[v] for v in node.inputs]
        node = self._with_params(node, args)
        kwargs = {name: self.values[v] for name, v in node.params.items()}
        for name, value in zip(node.outputs, _discover(node, args, kwargs, self.dtype), strict=True):
            self.values[name] = value
        self.done.append(node)

    def _with_params(self, node: Node, args: list[Any]) -> Node:
        wishes = _ask(node, args)
        for name in node.params:
            if name not in wishes and name in node.block.signature.made:
                raise GraphError(f"node {node}, {node.block.name}: `{name}` is wired, but its options leave it out")
        params = {name: node.params.get(name, f"{node.owner or node.name}.{name}") for name in wishes}
        for name, wish in wishes.items():
            self._make(node, name, params[name], wish)
        state = {name: wish.update for name, wish in wishes.items() if isinstance(wish, State)}
        return replace(node, params={**node.params, **params}, state=state)

    def _make(self, node: Node, name: str, variable: str, wish: Param | State) -> None:
        shape = tuple(wish.shape)
        if variable in self.values:
            there = tuple(self.values[variable].shape)
            if there != shape:
                has = f"`{variable}`, which it shares, has shape {show_shape(there)}"
                raise GraphError(f"node {node} needs `{name}` of shape {show_shape(shape)}, but {has}")
            return
        self.values[variable] = np.broadcast_to(np.zeros((), wish.dtype or self.dtype), shape)
        self.makers[variable] = (node.name, name)
        if isinstance(wish, State):
            self.state[variable] = wish
        else:
            self.params[variable] = wish


def _ask(node: Node, args: list[Any]) -> dict[str, Any]:
    ask = getattr(node.block, "params", None)
    if ask is None:
        return {}
    specs = [None if x is None else Spec(tuple(x.shape), x.dtype) for x in args]
    try:
        check_shapes(node.block, list(zip(node.block.signature.bind(len(args)), args, strict=True)), "input")
        wishes: dict[str, Any] = ask(*specs)
        unknown = [name for name in wishes if name not in node.block.signature.made]
        if unknown:
            raise GraphError(f"params makes `{unknown[0]}`, which is not an input of forward")
        for name, wish in wishes.items():
            _check_wish(node, name, wish)
    except Exception as error:
        explain_forward(error, node, args, {})
        raise
    return wishes


def _check_wish(node: Node, name: str, wish: Any) -> None:
    if not isinstance(wish, (Param, State)):
        raise GraphError(f"params makes `{name}` a {type(wish).__name__}; it must be a Param or a State")
    if any(not isinstance(size, (int, np.integer)) or size < 1 for size in wish.shape):
        raise GraphError(f"params wants `{name}` of shape {show_shape(tuple(wish.shape))}; every size must be positive")
    if isinstance(wish, State) and wish.update not in node.block.outputs:
        raise GraphError(f"state `{name}` is updated by `{wish.update}`, which is not an output")


def _discover(node: Node, args: list[Any], kwargs: dict[str, Any], dtype: Any) -> list[Any]:
    """Stand-ins for the outputs of a node: from an empty batch or, where a block cannot take one, from two examples.

    With two examples a third tells which outputs have a batch axis. What is wrong with two as with none is said of
    the empty batch, whose size messages show as N.
    """
    try:
        return [stand_in(y) for y in _run(node, args, kwargs, dtype)]
    except GraphError as error:
        explain_forward(error, node, args, kwargs)
        raise
    except Exception as error:
        if not any(x is not None and x.shape[:1] == (0,) for x in args):
            raise
        of_none = error
    try:
        two, three = (_run(node, [_with_examples(x, n) for x in args], kwargs, dtype) for n in (2, 3))
    except Exception as error:
        raise of_none if _without_sizes(of_none) == _without_sizes(error) else error from None
    return [
        stand_in(y if y.shape == z.shape else np.zeros_like(y, shape=(0, *y.shape[1:])))
        for y, z in zip(two, three, strict=True)
    ]


def _without_sizes(error: Exception) -> str:
    return re.sub(r"\bN\b|\d+", "", str(error))


def _with_examples(x: Any, count: int) -> Any:
    return (
        np.broadcast_to(np.zeros_like(x, shape=()), (count, *x.shape[1:]))
        if x is not None and x.shape[:1] == (0,)
        else x
    )


def _run(node: Node, args: list[Any], kwargs: dict[str, Any], dtype: Any) -> tuple[Any, ...]:
    """The outputs of one node on stand-ins; warnings about empty means are not news here."""
    signature = node.block.signature
    needs = SimpleNamespace(**dict.fromkeys(signature.names, False))
    if signature.many:
        setattr(needs, signature.many, (False,) * (len(args) - len(signature.data)))
    ctx = Context(True, needs, 1, (0,), dtype=np.dtype(dtype))
    try:
        given = [*zip(signature.bind(len(args)), args, strict=True), *kwargs.items()]
        bindings = check_shapes(node.block, given, "input")
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            outputs = node.block.forward(ctx, *args, **kwargs)[0]  # type: ignore[attr-defined]
        outputs = (outputs,) if len(node.outputs) == 1 else tuple(outputs)
        check_shapes(node.block, list(zip(node.block.outputs, outputs, strict=True)), "output", bindings)
    except Exception as error:
        explain_forward(error, node, args, kwargs)
        raise
    return outputs
