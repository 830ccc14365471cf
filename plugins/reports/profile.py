"""The profile: where the time and the memory of a training step go, node by node, forward and backward."""

from __future__ import annotations

import statistics
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from blockrun.core import Node, backward, forward
from blockrun.core.tape import Tape
from blockrun.plugins.errors import UserError
from blockrun.plugins.network.network import Network
from blockrun.plugins.training.loop import Trainer
from blockrun.plugins.training.memory import keep_freed_memory
from blockrun.plugins.training.threads import limit_threads, threads_for

from .tables import aligned

HEADS = ("node", "block", "forward ms", "backward ms", "share", "makes MB", "keeps MB")


@dataclass(frozen=True)
class Cost:
    """What one node takes of a step: seconds of each pass, and bytes of its outputs and of what it keeps for backward.

    An array that is an input, or is kept by an earlier node too, is not counted again.
    """

    node: str
    block: str
    forward: float
    backward: float
    makes: int
    keeps: int


@dataclass(frozen=True)
class Profile:
    """The costs in the order of the graph, and of a whole step: all seconds, and those of reading the batch."""

    costs: tuple[Cost, ...]
    batch: int
    threads: int
    step: float
    reading: float

    @property
    def passes(self) -> float:
        """Seconds in nodes."""
        return sum(cost.forward + cost.backward for cost in self.costs)

    def as_data(self) -> dict[str, Any]:
        """Plain values, for JSON: seconds and bytes."""
        return asdict(self)

    def __str__(self) -> str:
        whole = self.passes or 1.0
        rows = [HEADS, *(_cells(cost, whole) for cost in self.costs), _cells(self._total(), whole)]
        rest = max(self.step - self.passes, 0.0)
        whole_step = f"a step on a batch of {self.batch} takes {1e3 * self.step:.3g} ms; {1e3 * rest:.3g} of them go to"
        outside = "the optimizer, the watch for numbers that are not finite and the executor"
        reading = f"reading a batch takes {1e3 * self.reading:.3g} ms; matrix products use {self.threads} thread(s)"
        return "\n".join([aligned(rows, range(2, 7)), f"{whole_step}\n{outside}", reading])

    def _total(self) -> Cost:
        sums = {name: sum(getattr(cost, name) for cost in self.costs) for name in ("forward", "backward")}
        bytes = {name: sum(getattr(cost, name) for cost in self.costs) for name in ("makes", "keeps")}
        return Cost("all nodes", "", **sums, **bytes)


def _cells(cost: Cost, whole: float) -> tuple[str, ...]:
    share = f"{100 * (cost.forward + cost.backward) / whole:.0f} %"
    times = (f"{1e3 * cost.forward:.3f}", f"{1e3 * cost.backward:.3f}")
    return (cost.node, cost.block, *times, share, f"{cost.makes / 1e6:.2f}", f"{cost.keeps / 1e6:.2f}")


def profile(network: Network, steps: int = 20) -> Profile:
    """The medians over `steps` training steps; raises `UserError` without training data."""
    if network.sections.training is None or "train" not in network.sections.data:
        help = "add `train` and `data.train`; a source `synthetic` makes examples up"
        raise UserError(f"{network.document.file} says nothing of training, so there is no step to measure", help)
    keep_freed_memory()
    with limit_threads(network):
        trainer = Trainer(network)
        passes = [_passes(trainer, batch) for batch in _batches(trainer, steps + 1)][1:]  # the first one checks
        whole = [_timed(trainer, batch) for batch in _batches(trainer, steps + 1)][1:]
        sizes = _sizes(trainer, next(_batches(trainer, 1)))
    costs = [_cost(node, passes, sizes) for node in network.graph.nodes if node.name in passes[0]]
    reading = statistics.median(_seconds_of_reading(trainer, steps))
    return Profile(tuple(costs), trainer.batches.batch, threads_for(network), statistics.median(whole), reading)


Seconds = dict[str, list[float]]  # node: forward, backward


def _cost(node: Node, passes: list[Seconds], sizes: dict[str, tuple[int, int]]) -> Cost:
    there, back = (statistics.median(each[node.name][i] for each in passes) for i in (0, 1))
    return Cost(node.name, node.block.name, there, back, *sizes[node.name])


def _batches(trainer: Trainer, count: int) -> Iterator[dict[str, Any]]:
    """So many batches of full size, again from the first where an epoch has fewer."""
    epoch = 0
    while count:
        for batch in trainer.batches.epoch(epoch):
            if not count:
                return
            count -= 1
            yield batch
        epoch += 1


class _Watch:
    """Measures the time from node to node of one pass."""

    def __init__(self, seconds: Seconds, which: int) -> None:
        self.seconds, self.which, self.last = seconds, which, time.perf_counter()

    def __call__(self, node: Node, given: tuple[Any, ...], made: tuple[Any, ...]) -> None:
        now = time.perf_counter()
        self.seconds[node.name][self.which] += now - self.last
        self.last = time.perf_counter()


def _passes(trainer: Trainer, batch: dict[str, Any]) -> Seconds:
    seconds: Seconds = defaultdict(lambda: [0.0, 0.0])
    tape = _forward(trainer, batch, _Watch(seconds, 0))
    backward(tape, trainer.network.objective, trainer.wrt, watch=_Watch(seconds, 1))
    return seconds


def _forward(trainer: Trainer, batch: dict[str, Any], watch: Any) -> Tape:
    network = trainer.network
    feed = {**network.params, **network.state, **network.feed_fields(batch)}
    keep = (*network.objective, *network.graph.updates.values())
    return forward(network.graph, feed, keep=keep, wrt=trainer.wrt, seed=trainer.seed, watch=watch)[1]


def _timed(trainer: Trainer, batch: dict[str, Any]) -> float:
    start = time.perf_counter()
    trainer.take_step(batch, len(next(iter(batch.values()))))
    return time.perf_counter() - start


def _seconds_of_reading(trainer: Trainer, count: int) -> Iterator[float]:
    batches = _batches(trainer, count)
    for _ in range(count):
        start = time.perf_counter()
        next(batches)
        yield time.perf_counter() - start


def _sizes(trainer: Trainer, batch: dict[str, Any]) -> dict[str, tuple[int, int]]:
    """By node the bytes that its outputs and what it keeps take, each piece of memory counted where it is made."""
    counted: dict[int, Any] = {}
    makes: dict[str, int] = {}

    def watch(node: Node, given: tuple[Any, ...], made: tuple[Any, ...]) -> None:
        counted.update((id(owner), owner) for owner in map(_owner, given) if owner is not None)
        makes[node.name] = _count(made, counted)

    records = _forward(trainer, batch, watch).records
    return {name: (size, _count((records[name].saved,) if name in records else (), counted))
            for name, size in makes.items()}  # fmt: skip


def _count(arrays: Any, counted: dict[int, Any]) -> int:
    """The bytes of the memory behind nested tuples of arrays that is not in `counted`, where it is then put."""
    if isinstance(arrays, tuple):
        return sum(_count(part, counted) for part in arrays)
    owner = _owner(arrays)
    if owner is None or id(owner) in counted:
        return 0
    counted[id(owner)] = owner
    return int(owner.nbytes)


def _owner(x: Any) -> Any:
    """The array whose memory `x` is a view of; None for what is no array."""
    if not isinstance(x, np.ndarray):
        return None
    while isinstance(x.base, np.ndarray):
        x = x.base
    return x
