"""Checking a whole network: the gradient of its objective by every parameter and input, and who is to blame."""

from __future__ import annotations

import time
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from blockrun.core import Graph, Node, backward, forward
from blockrun.plugins.errors import UserError
from blockrun.plugins.network.draw import draw_inputs
from blockrun.plugins.network.network import Network
from blockrun.plugins.training.seeds import derive
from blockrun.plugins.training.threads import limit_threads

from . import numbers, verdicts
from .cases import Array, Arrays, Case, frozen, is_float
from .gradients import Comparison, compare, nudged, settle
from .network_report import NetworkReport, Verified
from .numbers import DIRECTIONS
from .report import Failure

EXAMPLES = 3
FEW = 32  # entries that are compared one by one
NOBODY = "every node is right by itself: does a block keep something from one call to the next? `blockrun test` tells"
MODES = {True: "training", False: "evaluation"}


@dataclass(frozen=True)
class NetworkPoint:
    """A network with everything it is fed, as the differences want it; what is differentiated is Σ weight · variable.

    The arrays are read-only float64. `wrt` are the variables to be verified.
    """

    graph: Graph
    arrays: Arrays
    weights: Mapping[str, float]
    training: bool
    seed: int
    wrt: tuple[str, ...] = ()

    @property
    def variables(self) -> dict[str, str]:
        return {name: name for name in self.weights}

    @property
    def updates(self) -> dict[str, str]:
        return {}

    @cached_property
    def reached(self) -> tuple[str, ...]:
        """The floating variables fed that a gradient of the objective leads to: neither labels nor state."""
        floating = tuple(name for name in self.graph.free if is_float(self.arrays[name]))
        plan = self.graph.plan(tuple(self.weights), floating, self.training)
        slots = {slot for step in plan.steps for slot in step.dinputs}
        return tuple(name for name in floating if plan.slots[name] in slots)

    def given(self, arrays: Mapping[str, Array]) -> NetworkPoint:
        return replace(self, arrays={**self.arrays, **{name: frozen(x) for name, x in arrays.items()}})

    def cotangents(self, rng: np.random.Generator) -> Arrays:
        return {name: np.asarray(weight, float) for name, weight in self.weights.items()}

    def gradients(self, dy: Mapping[str, Array]) -> Arrays:
        keep = tuple(self.weights)
        options: dict[str, Any] = {"training": self.training, "seed": self.seed, "check": True}
        return backward(forward(self.graph, self.arrays, keep=keep, wrt=self.wrt, **options)[1], dy, self.wrt)

    def finite(self) -> bool:
        keep = tuple(self.weights)
        values, _ = forward(self.graph, self.arrays, keep=keep, training=self.training, seed=self.seed)
        return all(bool(np.isfinite(value).all()) for value in values.values())


def check_network(network: Network, seed: int = 0, examples: int = EXAMPLES, command: str = "") -> NetworkReport:
    """Compare every gradient of a network's objective with central differences, in training and in evaluation.

    `network` must have been loaded with `run.dtype=float64`. The inputs are the first `examples` of its data, or drawn
    from `seed`; they and the parameters are moved a little, so that a parameter that starts at zero hides no other.
    `command` is what repeats the check. Raises `UserError` if there is no scalar objective.
    """
    if not network.objective:
        raise UserError("the network has no node, so there is nothing to differentiate")
    network.require_scalar()
    began = time.perf_counter()
    report = NetworkReport(str(network.document.file), seed, examples)
    feed = {**network.params, **network.state, **network.feed(draw_inputs(network, examples, seed))}
    with limit_threads(network), warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        for training in MODES:
            mode = network.mode(training)
            point = NetworkPoint(mode.assembly.graph, _locked(feed), mode.objective, training, seed)
            _check_mode(network, point, report, command)
    for found in report.variables:
        if found.zero and found.verdict == "ok":
            _note(report, f"d{found.name} is zero, and rightly")
    report.seconds = time.perf_counter() - began
    return report


def _locked(feed: Mapping[str, Array]) -> Arrays:
    return {name: frozen(x) for name, x in feed.items()}


def _check_mode(network: Network, point: NetworkPoint, report: NetworkReport, command: str) -> None:
    """Verify every variable in one mode; what a block raises becomes an error in the report."""
    mode = MODES[point.training]
    try:
        point = _start(point)
        wrong = [name for name in point.wrt if not _verify(network, point, name, report, command)]
        if wrong and not report.nodes:
            report.nodes += _wrong_nodes(network, point)
            _blame(report)
    except UserError:
        raise
    except Exception as error:
        where = "; ".join(getattr(error, "__notes__", ()))
        _, guess = verdicts.of_error(error)
        fact = f"{type(error).__name__}: {error}"
        report.errors.append(Failure(fact, guess=guess, check=mode, block=where, reproduce=command))
    unused = [name for name in network.params if name not in point.reached]
    if unused and not report.errors:
        _note(report, f"{', '.join(unused)}: nothing that is minimised depends on it")


def _start(point: NetworkPoint) -> NetworkPoint:
    """A point close by; the one given if the objective is not finite there."""
    point = replace(point, wrt=point.reached)
    if not point.wrt:
        raise UserError(f"no gradient leads from `{', '.join(point.weights)}` to any parameter or input")
    moved = nudged(point, np.random.default_rng(derive(point.seed, "point")))
    if moved.finite():
        return moved
    if point.finite():
        return point
    raise UserError("what is minimised is not finite for the inputs drawn", help="choose others with --seed")


def _note(report: NetworkReport, text: str) -> None:
    if text not in report.notes:
        report.notes.append(text)


def _verify(network: Network, point: NetworkPoint, name: str, report: NetworkReport, command: str) -> bool:
    """Compare along random directions; False if the gradient is wrong."""
    found = _row(network, point, name, report)
    rng = np.random.default_rng(derive(point.seed, "direction", name))
    for _ in range(DIRECTIONS):
        settled = settle(point, name, rng)
        if settled is None:
            continue
        at, dy, dx, compared = settled
        if not compared.agrees:
            found.verdict, found.zero = "FAILED", False
            found.failure = found.failure or replace(_failure(at, name, dy, dx, compared, rng), reproduce=command)
            return False
        found.error = max(found.error, compared.error)
        found.zero = found.zero and not dx.any()
        found.verdict = "ok" if found.verdict == "kink" else found.verdict
    return True


def _row(network: Network, point: NetworkPoint, name: str, report: NetworkReport) -> Verified:
    """The entry of the report for `name`, made when it is first met."""
    known = next((found for found in report.variables if found.name == name), None)
    if known is None:
        role = "parameter" if name in network.params else "input"
        known = Verified(name, role, point.arrays[name].shape)
        report.variables.append(known)
    return known


def _failure(
    point: NetworkPoint, name: str, dy: Arrays, dx: Array, compared: Comparison, rng: np.random.Generator
) -> Failure:
    """The entry at fault, if one alone shows it; else the numbers along the direction in which it shows."""
    index, worst = _worst_entry(point, name, dy, dx, rng)
    fact, check = f"d{name} is not the derivative of the objective", f"gradients in {MODES[point.training]}"
    if worst.smooth and not worst.agrees:
        return Failure(fact, f"d{name}", check=check, index=index, got=worst.analytic, expected=worst.numeric)
    got, expected = compared.analytic, compared.numeric
    return Failure(f"{fact} along a random direction u", f"⟨d{name}, u⟩", check=check, got=got, expected=expected)


def _worst_entry(
    point: NetworkPoint, name: str, dy: Arrays, dx: Array, rng: np.random.Generator
) -> tuple[tuple[int, ...], Comparison]:
    """By halving: the half of the entries along which the difference is larger, down to a few tried one by one."""
    places = np.arange(dx.size)

    def along(chosen: Array, values: Any) -> Comparison:
        u = np.zeros(dx.size)
        u[chosen] = values
        return compare(point, name, dx, dy, u.reshape(dx.shape))

    while places.size > FEW:
        halves = np.array_split(places, 2)
        gaps = [_gap(along(half, rng.standard_normal(half.size))) for half in halves]
        places = halves[int(np.argmax(gaps))]
    singles = [along(place, 1.0) for place in places]
    worst = int(np.argmax([_gap(single) for single in singles]))
    return tuple(int(i) for i in np.unravel_index(places[worst], dx.shape)), singles[worst]


def _gap(compared: Comparison) -> float:
    return abs(compared.analytic - compared.numeric) if compared.smooth else -1.0


def _wrong_nodes(network: Network, point: NetworkPoint) -> Iterator[Failure]:
    """The nodes whose gradient is wrong by itself, on the arrays they are given in the network, the last one first."""
    arrays: dict[str, Arrays] = {}

    def watch(node: Node, inputs: tuple[Any, ...], outputs: tuple[Any, ...]) -> None:
        named = zip((*node.inputs, *node.params.values()), inputs, strict=True)
        arrays[node.name] = {name: frozen(x) for name, x in named if name is not None}

    keep = tuple(point.weights)
    forward(point.graph, point.arrays, keep=keep, training=point.training, seed=point.seed, watch=watch)
    plan = point.graph.plan(keep, point.wrt, point.training)
    for node in [step.node for step in reversed(plan.steps) if step.backward is not None]:
        case = Case(node.block, arrays[node.name], node, Graph([node]), point.training, seed=point.seed)
        rng = np.random.default_rng(derive(point.seed, "node", node.name))
        failures = (found for found in numbers.gradients(case, rng) if isinstance(found, Failure))
        for found in list(failures)[:1]:
            command = f"blockrun test {_target(network, node)}"
            yield replace(found, check=f"node {node}", block=repr(node.block), reproduce=command)


def _target(network: Network, node: Node) -> str:
    """What `blockrun test` is told to find the block of `node`."""
    cls = type(node.block)
    for name, offer in network.host.offers("blocks").items():
        if offer.target in (cls, f"{cls.__module__}:{cls.__qualname__}"):
            return f"{offer.plugin.file} {name}".strip()
    return cls.name


def _blame(report: NetworkReport) -> None:
    """Say in each failure where the mistake is."""
    names = [failure.check for failure in report.nodes]
    guess = f"see {', '.join(names)}, below" if names else NOBODY
    for found in report.variables:
        found.failure = found.failure and replace(found.failure, guess=guess)
