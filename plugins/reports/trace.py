"""The trace: what a network computes, line by line forward and in exactly the reverse order backward, with values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from blockrun.core import Node, backward, forward
from blockrun.plugins.network.network import Network

from .formulas import delta, forward_line, gradient_term


@dataclass(frozen=True)
class Line:
    """One line: the code, the number of the operation it belongs to (0 for none), its variable and its value."""

    code: str
    number: int
    variable: str
    value: Any


@dataclass
class Trace:
    """Both passes over a network, and the gradients of its objective with respect to everything that is free."""

    forward: list[Line] = field(default_factory=list)
    backward: list[Line] = field(default_factory=list)
    values: dict[str, Any] = field(default_factory=dict)
    gradients: dict[str, Any] = field(default_factory=dict)


def trace(network: Network, feed: Mapping[str, Any], seed: int = 0) -> Trace:
    """Run `network` on `feed` and its own parameters, forward and backward, writing down every operation."""
    recorder = _Recorder(network)
    fed = {**network.params, **network.state, **network.feed(feed)}
    wrt = tuple(
        name for name in network.graph.free if name in fed and name not in network.state and fed[name].dtype.kind == "f"
    )
    keep = tuple(network.objective)
    recorder.trace.values |= {name: fed[name] for name in network.graph.free if name in fed}
    _, tape = forward(network.graph, fed, keep=keep, wrt=wrt, seed=seed, watch=recorder.saw_forward)
    recorder.begin_backward(network.objective)
    recorder.trace.gradients = backward(tape, network.objective, wrt, watch=recorder.saw_backward)
    return recorder.trace


class _Recorder:
    """Listens to the executor; sums what it hears, as the executor does."""

    def __init__(self, network: Network) -> None:
        self.trace = Trace()
        self.numbers: dict[str, int] = {}
        self.sums: dict[str, Any] = {}

    def saw_forward(self, node: Node, inputs: tuple[Any, ...], outputs: tuple[Any, ...]) -> None:
        self.numbers[node.name] = len(self.numbers) + 1
        self.trace.values |= dict(zip(node.outputs, outputs, strict=True))
        self.trace.forward.append(Line(forward_line(node), self.numbers[node.name], node.name, outputs[0]))

    def begin_backward(self, objective: Mapping[str, float]) -> None:
        for name, weight in objective.items():
            self.sums[name] = np.float64(weight)
            self.trace.backward.append(Line(f"{delta(name)} = {weight:g}", 0, name, weight))

    def saw_backward(self, node: Node, douts: tuple[Any, ...], dinputs: tuple[Any, ...]) -> None:
        for index, ((_, variable), gradient) in enumerate(zip(node.gradient_inputs, dinputs, strict=True)):
            if variable is None or gradient is None:
                continue
            sign = "+=" if variable in self.sums else "="
            self.sums[variable] = self.sums[variable] + gradient if variable in self.sums else gradient
            code = f"{delta(variable)} {sign} {gradient_term(node, index)}"
            self.trace.backward.append(Line(code, self.numbers[node.name], variable, self.sums[variable]))


@dataclass(frozen=True)
class Change:
    """How far one variable moved when another was perturbed."""

    variable: str
    before: Any
    after: Any


@dataclass(frozen=True)
class Perturbation:
    """What a small change of one free variable does, and what its gradient says it should do.

    `predicted` is Σ δ · Δ over the entries of the variable, `moved` how far the objective really moved.
    """

    variable: str
    amount: float
    changes: list[Change]
    predicted: float
    moved: float


def perturb(network: Network, feed: Mapping[str, Any], variable: str, amount: float, seed: int = 0) -> Perturbation:
    """Add `amount` to every entry of the free variable `variable` and run forward again."""
    before = trace(network, feed, seed)
    fed = {**network.params, **network.state, **network.feed(feed)}
    fed[variable] = fed[variable] + np.asarray(amount, dtype=fed[variable].dtype)
    names = tuple(line.variable for line in before.forward)
    after, _ = forward(network.graph, fed, keep=names, seed=seed)
    changes = [Change(name, before.values[name], after[name]) for name in names]
    weights = network.objective.items()
    moved = sum(w * float(after[n] - before.values[n]) for n, w in weights)
    return Perturbation(variable, amount, changes, float(np.sum(before.gradients[variable]) * amount), moved)
