"""The training loop: batches in, steps taken, parameters changed, and where it stands at any moment."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from blockrun.core import Node, backward, forward
from blockrun.plugins.data.batches import Batches
from blockrun.plugins.errors import Diverged, UserError

from .checkpoint import Tensors
from .groups import Group, Rule, divide, rule_of

if TYPE_CHECKING:
    from blockrun.plugins.network.network import Network

Array = np.ndarray[Any, Any]


class Trainer:
    """One network being trained. `step` counts the steps taken, `steps` those to take in all."""

    def __init__(self, network: Network) -> None:
        self.network = network
        training = network.sections.training
        part = network.sections.data["train"]
        assert training is not None
        self.settings = training
        self.seed = network.sections.run.seed
        self.batches = Batches(part.source, part.batch, shuffle=part.shuffle, seed=self.seed)
        self.per_epoch = len(self.batches)
        self.steps = training.steps or (training.epochs or 0) * self.per_epoch
        self.step = 0
        self.groups = self._learned(training.rule, training.groups)
        self.wrt = tuple(name for name in network.params if any(name in names for _, names in self.groups))
        self.held = {name for name in network.state if rule_of(name, training.rule, training.groups) is None}
        self.slots = {n: rule.optimizer.init(network.params[n]) for rule, names in self.groups for n in names}
        self.losses = [0.0, 0.0]  # of this epoch: Σ objective · examples, Σ examples
        self.keep = (*network.objective, *network.graph.updates.values())

    def _learned(self, rule: Rule, groups: tuple[Group, ...]) -> list[tuple[Rule, list[str]]]:
        """The parameters by their rule, without those that are frozen."""
        found = [(own, names) for own, names in divide(self.network.params, rule, groups) if own is not None]
        if not found:
            raise UserError("there is nothing to train: every parameter is frozen")
        return found

    @property
    def epoch(self) -> int:
        """The number of the epoch that the next step belongs to, from 0."""
        return self.step // self.per_epoch

    @property
    def epochs(self) -> int:
        return -(-self.steps // self.per_epoch)

    @property
    def at_epoch_end(self) -> bool:
        """Whether the step just taken was the last of its epoch, or of all."""
        return self.step % self.per_epoch == 0 or self.step >= self.steps

    def rate_of(self, step: int) -> float:
        """The learning rate of step number `step`, from 0, where no group says otherwise."""
        return float(self.settings.rule.schedule(min(step, self.steps - 1), self.steps))

    def run_epoch(self) -> Iterator[int]:
        """Take the steps that are left of this epoch; yields the number of examples in each batch."""
        epoch, start = self.epoch, self.step % self.per_epoch
        if start == 0:
            self.losses = [0.0, 0.0]
        for batch in self.batches.epoch(epoch, start):
            if self.step >= self.steps:
                return
            count = len(next(iter(batch.values())))
            objective = self.take_step(batch, count)
            self.losses[0] += objective * count
            self.losses[1] += count
            yield count

    @property
    def loss(self) -> float:
        """The mean objective over the batches of this epoch so far."""
        return self.losses[0] / self.losses[1] if self.losses[1] else math.nan

    def take_step(self, batch: dict[str, Array], count: int) -> float:
        """One step on one batch; returns its objective. Raises `Diverged` when something is no longer finite."""
        with np.errstate(all="ignore"):  # what is not finite is found below, and named
            return self._take_step(batch, count)

    def _take_step(self, batch: dict[str, Array], count: int) -> float:
        network = self.network
        feed = {**network.params, **network.state, **network.feed_fields(batch)}
        values, tape = forward(
            network.graph,
            feed,
            keep=self.keep,
            wrt=self.wrt,
            training=True,
            seed=(self.seed, self.step),
            examples=count,
        )
        gradients = backward(tape, network.objective, self.wrt)
        objective = sum(weight * float(values[name]) for name, weight in network.objective.items())
        if not (math.isfinite(objective) and all(_finite(g) for g in gradients.values())):
            self._explain_divergence(feed, count)
        self._update(gradients)
        for state, update in network.graph.updates.items():
            if state not in self.held:
                network.state[state] = values[update]
        self.step += 1
        return objective

    def _update(self, gradients: dict[str, Array]) -> None:
        params, slots = self.network.params, self.slots
        for rule, names in self.groups:
            rate = rule.factor * rule.schedule(self.step, self.steps)
            for name in names:
                p, dp = params[name], gradients[name]
                if rule.l1:
                    dp = dp + rule.l1 * np.sign(p)  # of the subgradients at 0, 0
                params[name], slots[name] = rule.optimizer.update(p, dp, slots[name], rate, self.step + 1)

    def _explain_divergence(self, feed: dict[str, Array], count: int) -> None:
        """Run the batch again, looking at every value, and name the first that is not finite, if there is one."""
        network = self.network
        wrt = self.wrt
        where = f"at step {self.step + 1}"

        def look_forward(node: Node, inputs: tuple[Any, ...], outputs: tuple[Any, ...]) -> None:
            _look(node, zip(node.outputs, outputs, strict=True), where, inputs)

        def look_backward(node: Node, douts: tuple[Any, ...], dinputs: tuple[Any, ...]) -> None:
            names = [f"the gradient of `{v or n}`" for n, v in node.gradient_inputs]
            _look(node, zip(names, dinputs, strict=True), where, douts)

        seed = (self.seed, self.step)
        _, tape = forward(network.graph, feed, keep=self.keep, wrt=wrt, seed=seed, examples=count, watch=look_forward)
        gradients = backward(tape, network.objective, wrt, watch=look_backward)
        bad = [name for name, gradient in gradients.items() if not np.isfinite(gradient).all()]
        if bad:
            raise Diverged(f"the gradients of `{bad[0]}` add up to more than a number can hold {where}")

    def tensors(self) -> Tensors:
        """Everything that training goes on from, by name."""
        found = {f"params/{name}": p for name, p in self.network.params.items()}
        found |= {f"state/{name}": s for name, s in self.network.state.items()}
        for name, slots in self.slots.items():
            found |= {f"optimizer/{name}/{slot}": value for slot, value in slots.items()}
        return found

    def progress(self) -> dict[str, Any]:
        """Where training stands, as plain data."""
        return {"step": self.step, "steps": self.steps, "losses": self.losses}

    def restore(self, tensors: Tensors, progress: dict[str, Any]) -> None:
        """Stand where `tensors` and `progress` were taken; raises `UserError` if they are of another network."""
        restore_network(self.network, tensors)
        self.slots = {
            name: {slot: _fetch(tensors, f"optimizer/{name}/{slot}", value) for slot, value in slots.items()}
            for name, slots in self.slots.items()
        }
        self.step, self.losses = int(progress["step"]), list(progress["losses"])


def restore_network(network: Network, tensors: Tensors) -> None:
    """Set the parameters and state of `network`; raises `UserError` if `tensors` are of another network."""
    network.params = {name: _fetch(tensors, f"params/{name}", p) for name, p in network.params.items()}
    network.state = {name: _fetch(tensors, f"state/{name}", s) for name, s in network.state.items()}


def _fetch(tensors: Tensors, name: str, like: Array) -> Array:
    if name not in tensors:
        raise UserError(f"the checkpoint has no `{name}`; it is of another network")
    if tensors[name].shape != like.shape:
        raise UserError(f"`{name}` has shape {tensors[name].shape} in the checkpoint and {like.shape} in the network")
    return tensors[name].astype(like.dtype, copy=False)


def _finite(x: Array) -> bool:
    """Whether `x` is finite, by its sum of squares: one fast pass, and an overflow is looked into by the caller."""
    flat = x.reshape(-1)
    return math.isfinite(float(flat @ flat))


def _look(node: Node, named: Any, where: str, given: tuple[Any, ...]) -> None:
    for name, value in named:
        if value is not None and value.dtype.kind == "f" and not np.isfinite(value).all():
            sizes = [f"{np.nanmin(x):.3g} to {np.nanmax(x):.3g}" for x in given if x is not None and x.size > 1]
            shown = name if "`" in name else f"`{name}`"
            bad = value[~np.isfinite(value)].flat[0] if value.ndim else value
            ranges = ", ".join(sizes[:3]) or "single numbers"
            raise Diverged(
                f"{shown} is {bad} {where}, in node {node}, {node.block!r}, given values of {ranges}",
                help="a smaller learning rate may help",
            )
