"""The trace: what a network computes, line by line forward and in exactly the reverse order backward, with values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from blockrun.core import Node, backward, forward
from blockrun.plugins.network.network import Network

from .formulas import delta, forward_line, summed_term


@dataclass(frozen=True)
class Line:
    """One line: the code, the number of the operation it belongs to (0 for none), its variable and its value."""

    code: str
    number: int
    variable: str
    value: Any


@dataclass
class Trace:
    """Both passes over a network, and the gradients of its objective with respect to its inputs and parameters.

    `inputs` and `parameters` are those that the objective depends on, by name in the order of the file; `values` are
    all variables.
    """

    inputs: dict[str, Any] = field(default_factory=dict)
    parameters: dict[str, Any] = field(default_factory=dict)
    forward: list[Line] = field(default_factory=list)
    backward: list[Line] = field(default_factory=list)
    values: dict[str, Any] = field(default_factory=dict)
    gradients: dict[str, Any] = field(default_factory=dict)


def trace(network: Network, feed: Mapping[str, Any], seed: int = 0) -> Trace:
    """Run `network` on `feed` and its own parameters, forward and backward, writing down every operation.

    Raises `UserError` if the objective is not a scalar.
    """
    network.require_scalar()
    fed = {**network.params, **network.state, **network.feed(feed)}
    keep = tuple(network.objective)
    used = {name for name, _ in network.graph.plan(keep, (), True).feeds}
    recorder = _Recorder({name: array for name, array in fed.items() if name in used})
    traced = recorder.trace
    traced.inputs = {name: fed[name] for name in network.inputs if name in fed and name in used}
    traced.parameters = {name: array for name, array in network.params.items() if name in used}
    free = {**traced.inputs, **traced.parameters}
    wrt = tuple(name for name, array in free.items() if array.dtype.kind == "f")
    _, tape = forward(network.graph, fed, keep=keep, wrt=wrt, seed=seed, watch=recorder.saw_forward)
    recorder.begin_backward(network.objective)
    traced.gradients = backward(tape, network.objective, wrt, watch=recorder.saw_backward)
    return traced


class _Recorder:
    """Listens to the executor; sums what it hears, as the executor does."""

    def __init__(self, fed: Mapping[str, Any]) -> None:
        self.trace = Trace(values=dict(fed))
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
        outputs = [variable for variable in node.outputs if variable not in node.updates.values()]
        given = dict(zip(outputs, douts, strict=True))
        for index, ((_, variable), gradient) in enumerate(zip(node.gradient_inputs, dinputs, strict=True)):
            if variable is None or gradient is None:
                continue
            term = summed_term(node, index, self.trace.values, given, gradient.shape)
            sign = "+=" if variable in self.sums else "="
            self.sums[variable] = self.sums[variable] + gradient if variable in self.sums else gradient
            code = f"{delta(variable)} {sign} {term}"
            self.trace.backward.append(Line(code, self.numbers[node.name], variable, self.sums[variable]))


@dataclass(frozen=True)
class Change:
    """How far one variable moved when another was perturbed."""

    variable: str
    before: Any
    after: Any

    @property
    def moved(self) -> Any:
        return np.subtract(self.after, self.before, dtype=float)


@dataclass(frozen=True)
class Perturbation:
    """What a small change of one input or parameter does, and what its gradient says it should do.

    `changes` are the variable itself and every variable computed, in order. `predicted` is Σ δ · Δ over the entries
    of the variable, `moved` how far the objective really moved.
    """

    variable: str
    amount: float
    objective: str
    changes: list[Change]
    predicted: float
    moved: float


def perturb(network: Network, feed: Mapping[str, Any], variable: str, amount: float, seed: int = 0) -> Perturbation:
    """Add `amount` to every entry of the input or parameter `variable` and run forward again."""
    before = trace(network, feed, seed)
    fed = {**network.params, **network.state, **network.feed(feed)}
    fed[variable] = fed[variable] + np.asarray(amount, dtype=fed[variable].dtype)
    names = tuple(line.variable for line in before.forward)
    after = {variable: fed[variable], **forward(network.graph, fed, keep=names, seed=seed)[0]}
    changes = {name: Change(name, before.values[name], after[name]) for name in after}
    moved = sum(weight * float(changes[name].moved) for name, weight in network.objective.items())
    predicted = float(np.sum(before.gradients[variable]) * amount)
    only = list(network.objective.items())
    objective = only[0][0] if len(only) == 1 and only[0][1] == 1 else "the objective"
    return Perturbation(variable, amount, objective, list(changes.values()), predicted, moved)
