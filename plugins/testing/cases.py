"""Cases: one block with the arrays it is given, run forward and backward as the only node of a graph."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import Any

import numpy as np

from blockrun.core import Block, Graph, Node, Param, Spec, State, backward, forward
from blockrun.core.tape import Tape

Array = Any
Arrays = dict[str, Array]


@dataclass(frozen=True)
class Case:
    """A block, its inputs by name (data, parameters and state; those of `*xs` are `xs[0]`, `xs[1]`, ...), a mode.

    The arrays are read-only. `graph` has one node, whose variables go by the names of the inputs.
    """

    block: Block
    arrays: Arrays
    node: Node
    graph: Graph
    training: bool = True
    number: int = 0
    seed: int = 0

    @cached_property
    def wrt(self) -> tuple[str, ...]:
        """The inputs that have a gradient: floating, not state, not in `nograd`; none if there is no `backward`."""
        if not hasattr(self.block, "backward"):
            return ()
        named = [(name, v) for name, v in self.node.gradient_inputs if v is not None]
        return tuple(v for name, v in named if name not in self.block.nograd and is_float(self.arrays[v]))

    @property
    def variables(self) -> dict[str, str]:
        """Output names to the variables of the graph."""
        return dict(zip(self.block.outputs, self.node.outputs, strict=True))

    @property
    def updates(self) -> dict[str, str]:
        """State inputs to the outputs that replace them."""
        return dict(self.node.state)

    @property
    def data(self) -> tuple[str, ...]:
        """The data inputs that are given."""
        return tuple(name for name in self.node.inputs if name is not None)

    @property
    def examples(self) -> int:
        """The length of axis 0 of the first data input, 0 if it has no axis."""
        shape: tuple[int, ...] = self.arrays[self.data[0]].shape if self.data else ()
        return shape[0] if shape else 0

    def start(self, wrt: Iterable[str] | None = None, check: bool = True) -> tuple[Arrays, Tape]:
        """Run forward; all outputs by name, and the tape that `finish` takes."""
        wrt = self.wrt if wrt is None else tuple(wrt)
        keep = tuple(self.variables.values())
        values, tape = forward(
            self.graph, self.arrays, keep=keep, wrt=wrt, training=self.training, seed=self.seed, check=check
        )
        return {name: values[variable] for name, variable in self.variables.items()}, tape

    def finish(self, tape: Tape, dy: Mapping[str, Array], wrt: Iterable[str] | None = None, **options: Any) -> Arrays:
        """Run backward from `dy`, the gradients by output name; the tape stays usable."""
        again = copy.copy(tape)
        again.records = dict(tape.records)
        seeds = {self.variables[name]: value for name, value in dy.items()}
        return backward(again, seeds, self.wrt if wrt is None else tuple(wrt), **options)

    def outputs(self, check: bool = False) -> Arrays:
        """All outputs by name."""
        return self.start(wrt=(), check=check)[0]

    def gradients(self, dy: Mapping[str, Array], wrt: Iterable[str] | None = None, check: bool = True) -> Arrays:
        """The gradients of Σ ⟨dy, y⟩ by input."""
        return self.finish(self.start(wrt, check)[1], dy, wrt)

    def draws(self) -> bool:
        """Whether the block asks for `ctx.rng`. Outputs of two seeds may well agree where few numbers are drawn."""
        asked: list[str] = []
        block = copy.copy(self.block)
        run = type(block).forward  # type: ignore[attr-defined]  # optional in the contract
        noticing = lambda ctx, *xs, **params: run(block, _Noticing(ctx, asked), *xs, **params)  # noqa: E731
        object.__setattr__(block, "forward", noticing)
        self.of(block).outputs()
        return "rng" in asked

    def of(self, block: Block) -> Case:
        """The same case of another block with the same inputs."""
        node = replace(self.node, block=block)
        return replace(self, block=block, node=node, graph=Graph([node]))

    def differentiable(self, outputs: Arrays) -> Arrays:
        """Those outputs that gradients come from: floating, no update of state."""
        return {k: y for k, y in outputs.items() if is_float(y) and k not in self.updates.values()}

    def cotangents(self, rng: np.random.Generator, outputs: Arrays | None = None) -> Arrays:
        """Random gradients for the outputs, zero where an output is infinite on purpose."""
        ys = self.differentiable(self.outputs() if outputs is None else outputs)
        return {k: frozen(np.where(np.isfinite(y), rng.standard_normal(y.shape), 0.0)) for k, y in ys.items()}

    def given(self, arrays: Mapping[str, Array]) -> Case:
        """The same case with some arrays replaced."""
        return replace(self, arrays={**self.arrays, **{name: frozen(x) for name, x in arrays.items()}})

    def rows(self, start: int, stop: int) -> Case:
        """The same case with examples `start` to `stop` only."""
        return self.given({name: self.arrays[name][start:stop] for name in self.data})

    def changed(self, change: Callable[[Array], Array], names: Iterable[str] | None = None) -> Case:
        """The same case with `change` applied to the arrays `names`, by default to all."""
        return self.given({name: change(self.arrays[name]) for name in (self.arrays if names is None else names)})

    def other(self) -> Case:
        """The same shapes with other values, and other outputs if such are found, unless the block refuses them.

        Everything backwards and a little smaller; or the examples, or the last axis, of the first input backwards.
        """
        first, here = self.data[:1], self.outputs()
        tries = [self.changed(np.flip), *(self.changed(partial(_reversed, axis), first) for axis in (0, -1))]
        taken = []
        for other in (case.changed(lambda x: x.dtype.type(0.9) * x, self.wrt) for case in tries):
            try:
                found = other.outputs()
            except Exception:
                continue
            if not all(np.array_equal(y, here[name]) for name, y in found.items()):
                return other
            taken.append(other)
        return taken[0] if taken else self

    def __str__(self) -> str:
        shown = [f"{name} {tuple(x.shape)} {x.dtype}" for name, x in self.arrays.items()]
        return f"{', '.join(shown) or 'no inputs'}, {'training' if self.training else 'evaluation'}"


class _Noticing:
    """A context that writes down what is asked of it."""

    def __init__(self, ctx: Any, asked: list[str]) -> None:
        self._ctx, self._asked = ctx, asked

    def __getattr__(self, name: str) -> Any:
        self._asked.append(name)
        return getattr(self._ctx, name)


def _reversed(axis: int, x: Array) -> Array:
    return np.flip(x, axis) if x.ndim else x


def is_float(x: Any) -> bool:
    return bool(x.dtype.kind == "f")


def frozen(x: Array) -> Array:
    """`x` such that it cannot be written to."""
    x = np.asarray(x).view()
    x.flags.writeable = False
    return x


def make_case(block: Block, inputs: tuple[Array | None, ...], rng: np.random.Generator, kind: str = "normal") -> Case:
    """The case of `block` given data `inputs`, with parameters and state drawn at random."""
    arrays = [None if x is None else _as_double(x) for x in inputs]
    labels = _labels(block, arrays)
    specs = [None if x is None else Spec(x.shape, x.dtype) for x in arrays]
    ask = getattr(block, "params", None)
    wishes = {} if ask is None else ask(*specs)
    made = {name: _draw(wish, rng, kind) for name, wish in wishes.items()}
    state = {name: wish.update for name, wish in wishes.items() if isinstance(wish, State)}
    node = Node(f"{block.name}()", block, labels, {name: name for name in made}, state)
    given = {label: x for label, x in zip(labels, arrays, strict=True) if label is not None}
    return Case(block, {name: frozen(x) for name, x in {**given, **made}.items()}, node, Graph([node]))


def _as_double(x: Any) -> Array:
    x = np.array(x)
    return x.astype(np.float64) if x.dtype.kind == "f" else x


def _labels(block: Block, arrays: list[Any]) -> tuple[str | None, ...]:
    names = block.signature.bind(len(arrays))
    first = len(block.signature.data)
    labels = [name if i < first else f"{name}[{i - first}]" for i, name in enumerate(names)]
    return tuple(None if x is None else label for label, x in zip(labels, arrays, strict=True))


def _draw(wish: Param | State, rng: np.random.Generator, kind: str) -> Array:
    """Parameters normal, such that sums over inputs stay near 1; state that starts at one stays positive."""
    dtype = np.dtype(wish.dtype or np.float64)
    if dtype.kind != "f":
        return rng.integers(1, 5, wish.shape).astype(dtype)
    x = rng.standard_normal(wish.shape)
    positive = isinstance(wish, State) and wish.init in ("ones", 1)
    if positive or kind != "normal":
        return np.abs(x) + 0.5
    return x / np.sqrt(max(np.prod(wish.shape[1:], dtype=float), 1.0))
