"""The training loop: batches in, steps taken, parameters changed, and where it stands at any moment."""

from __future__ import annotations

import math
from collections.abc import Generator
from contextlib import closing
from typing import TYPE_CHECKING, Any

import numpy as np

from blockrun.plugins.data.batches import Batches
from blockrun.plugins.errors import UserError

from .average import Average
from .checkpoint import Tensors
from .contracts import Memory
from .divergence import Batch, explain, require_finite
from .gradients import differentiator
from .groups import Group, Rule, divide, rule_of
from .measured import objective_of, with_objective

if TYPE_CHECKING:
    from blockrun.plugins.network.network import Network

Array = np.ndarray[Any, Any]


class Trainer:
    """One network being trained. `step` counts the steps taken, `steps` those to take in all.

    `recorded` is the last step that was measured; since then there were `examples`, and `sums` of each part of the
    objective times the examples of its batch.
    """

    def __init__(self, network: Network) -> None:
        training, part = network.sections.training, network.sections.data["train"]
        assert training is not None
        self.network, self.settings, self.seed = network, training, network.sections.run.seed
        self.batches = Batches(
            part.source, part.batch, shuffle=part.shuffle, seed=self.seed, augment=True,
            loading=network.sections.loading,
        )  # fmt: skip
        self.per_epoch = len(self.batches)
        self.steps = training.steps or (training.epochs or 0) * self.per_epoch
        self.interval = training.evaluate.steps or (training.evaluate.epochs or 1) * self.per_epoch
        self.step = self.recorded = 0
        self.examples, self.sums = 0, dict.fromkeys(network.objective, 0.0)
        self.groups = self._learned(training.rule, training.groups)
        learned = {name for _, names in self.groups for name in names}
        self.wrt = tuple(name for name in network.params if name in learned)
        self.held = {name for name in network.state if self._is_held(name)}
        self.slots = {n: rule.optimizer.init(network.params[n]) for rule, names in self.groups for n in names}
        self.changing = False  # whether a step is being taken, so that what is learned is of two minds
        self.suspect: Batch | None = None  # the last batch with something in it that may not be finite
        self.memory: dict[str, Memory] = {}  # of schedules that react to what is measured
        self.average = None if training.average is None else Average(training.average)
        self.differentiate = differentiator(network, self.wrt, training.pieces)

    def _learned(self, rule: Rule, groups: tuple[Group, ...]) -> list[tuple[Rule, list[str]]]:
        """The parameters by their rule, without those that are frozen."""
        network = self.network
        found = [(own, n) for own, n in divide(network.params, rule, groups, network.frozen) if own is not None]
        if not found:
            raise UserError("there is nothing to train: every parameter is frozen")
        return found

    def _is_held(self, state: str) -> bool:
        frozen = state in self.network.frozen
        return rule_of(state, self.settings.rule, self.settings.groups, frozen) is None

    @property
    def epoch(self) -> int:
        """The number of the epoch that the next step belongs to, from 0."""
        return self.step // self.per_epoch

    @property
    def epochs(self) -> int:
        return -(-self.steps // self.per_epoch)

    @property
    def due(self) -> bool:
        """Whether the step just taken is one after which to measure."""
        return self.step > self.recorded and (self.step % self.interval == 0 or self.step >= self.steps)

    def rate_of(self, step: int) -> float:
        """The learning rate of step number `step`, from 0, where no group says otherwise."""
        return self._rate(self.settings.rule, min(step, self.steps - 1))

    def rates_of(self, step: int) -> dict[str, Any]:
        """The rate as `lr`, and where it differs between groups of parameters, each of theirs as `groups`."""
        rates = [self._rate(rule, step) for rule, _ in self.groups]
        return {"lr": self.rate_of(step), **({"groups": rates} if len(set(rates)) > 1 else {})}

    def _rate(self, rule: Rule, step: int) -> float:
        rate = float(rule.factor * rule.schedule(step, self.steps))
        return rate * self.memory.get(repr(rule.schedule), {}).get("scale", 1.0) if self.memory else rate

    def react(self, values: dict[str, float]) -> None:
        """Let the schedules know what was measured, and keep what they remember; equal ones remember the same."""
        schedules = {repr(rule.schedule): rule.schedule for rule in (self.settings.rule, *(r for r, _ in self.groups))}
        found = {key: schedule.react(self.memory.get(key, {}), values) for key, schedule in schedules.items()}
        self.memory = {key: memory for key, memory in found.items() if memory}

    def walk(self) -> Generator[int, None, None]:
        """Take the steps that are left; yields the number of examples in each batch."""
        with closing(self.batches.stream(self.step, self.steps)) as batches:
            for batch in batches:
                count = len(next(iter(batch.values())))
                self.take_step(batch, count)
                yield count

    def take_step(self, batch: dict[str, Array], count: int) -> float:
        """One step on one batch; returns its objective. Raises `Diverged` when something is no longer finite."""
        with np.errstate(all="ignore"):  # what is not finite is found below, and named
            return self._take_step(batch, count)

    def _take_step(self, batch: dict[str, Array], count: int) -> float:
        network, seed = self.network, (self.seed, self.step)
        feed = {**network.params, **network.state, **network.feed_fields(batch)}
        values, gradients = self.differentiate(feed, count, seed)
        objective = sum(weight * float(values[name]) for name, weight in network.objective.items())
        squares = [square(g) for g in gradients.values()]
        if not math.isfinite(objective + sum(squares)):
            self.suspect = Batch(feed, count, seed)
            explain(network, self.wrt, self.suspect, self.settings.pieces)
            require_finite({**values, **gradients}, self.suspect)
        if self.settings.clip is not None:
            gradients = self.settings.clip(gradients, squares)
        self.changing = True
        self._update(gradients)
        for state, update in network.graph.updates.items():
            if state not in self.held:
                network.state[state] = values[update]
        self.step += 1
        if self.average is not None:
            self.average.take(self._averaged(), self.step)
        self.changing = False
        self.examples += count
        for name in network.objective:
            self.sums[name] += float(values[name]) * count
        return objective

    def _update(self, gradients: dict[str, Array]) -> None:
        params, slots = self.network.params, self.slots
        for rule, names in self.groups:
            rate = self._rate(rule, self.step)
            for name in names:
                p, dp = params[name], gradients[name]
                if rule.l1:
                    dp = dp + rule.l1 * np.sign(p)  # of the subgradients at 0, 0
                params[name], slots[name] = rule.optimizer.update(p, dp, slots[name], rate, self.step + 1)

    def _averaged(self) -> dict[str, Array]:
        """What changes, and is averaged therefore."""
        network = self.network
        return {n: network.params[n] for n in self.wrt} | {n: x for n, x in network.state.items() if n not in self.held}

    @property
    def trained(self) -> dict[str, Array]:
        """What is measured: parameters and state, or their average where there is one."""
        return {**self.network.params, **self.network.state, **(self.average.values if self.average else {})}

    def means(self) -> dict[str, float]:
        """Each part of the objective over the batches since it was last measured, and the whole if it has several."""
        parts = {name: x / self.examples if self.examples else math.nan for name, x in self.sums.items()}
        return with_objective(parts, self.network.objective)

    @property
    def loss(self) -> float:
        """The mean objective over the batches since it was last measured."""
        return objective_of(self.means(), self.network.objective)

    def begin_interval(self) -> None:
        """What is measured next is about the steps from here on."""
        self.recorded = self.step
        self.examples, self.sums = 0, dict.fromkeys(self.sums, 0.0)

    def tensors(self) -> Tensors:
        """Everything that training goes on from, by name."""
        found = {f"params/{name}": p for name, p in self.network.params.items()}
        found |= {f"state/{name}": s for name, s in self.network.state.items()}
        for name, slots in self.slots.items():
            found |= {f"optimizer/{name}/{slot}": value for slot, value in slots.items()}
        return found | {f"average/{name}": x for name, x in (self.average.values if self.average else {}).items()}

    def progress(self) -> dict[str, Any]:
        """Where training stands, as plain data."""
        names = ("step", "steps", "per_epoch", "recorded", "examples", "sums", "memory")
        return {name: getattr(self, name) for name in names}

    def restore(self, tensors: Tensors, progress: dict[str, Any]) -> None:
        """Stand where `tensors` and `progress` were taken; raises `UserError` if they are of another network."""
        restore_network(self.network, tensors)
        self.slots = {
            name: {slot: _fetch(tensors, f"optimizer/{name}/{slot}", value) for slot, value in slots.items()}
            for name, slots in self.slots.items()
        }
        self.step, self.recorded = progress["step"], progress["recorded"]
        self.examples, self.sums, self.memory = progress["examples"], progress["sums"], progress["memory"]
        if self.average is not None and self.step:
            self.average.values = {n: _fetch(tensors, f"average/{n}", x) for n, x in self._averaged().items()}


def restore_network(network: Network, tensors: Tensors, averaged: bool = False) -> frozenset[str]:
    """Set the parameters and state of `network`, to their average where it is asked for and there is one.

    Returns the names of those that are averages. Raises `UserError` if `tensors` are of another network.
    """
    best = {name.partition("/")[2]: x for name, x in tensors.items() if averaged and name.startswith("average/")}
    for kind, arrays in (("params", network.params), ("state", network.state)):
        found = {name: _fetch(tensors, f"{kind}/{name}", x) for name, x in arrays.items()}
        arrays.update(found | {name: best[name] for name in found if name in best})
    return frozenset(best)


def _fetch(tensors: Tensors, name: str, like: Array) -> Array:
    if name not in tensors:
        raise UserError(f"the checkpoint has no `{name}`; it is of another network")
    if tensors[name].shape != like.shape:
        raise UserError(f"`{name}` has shape {tensors[name].shape} in the checkpoint and {like.shape} in the network")
    return tensors[name].astype(like.dtype, copy=False)


def square(x: Array) -> float:
    """The sum of squares, in one fast pass: not finite if an entry is not, or if it overflows."""
    flat = x.reshape(-1)
    return float(flat @ flat)
