"""A network tried out before it is trained: where its loss starts, and what a step takes. Nothing is written."""

from __future__ import annotations

import math
import statistics
import time
import tracemalloc
from collections.abc import Callable
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from blockrun.core import backward, forward
from blockrun.plugins.errors import UserError
from blockrun.plugins.network.draw import draw_inputs
from blockrun.plugins.network.network import Network
from blockrun.plugins.training.evaluation import evaluate_batch
from blockrun.plugins.training.loop import Trainer
from blockrun.plugins.training.memory import keep_freed_memory, peak_memory
from blockrun.plugins.training.threads import limit_threads

EXAMPLES = 2
MOST_STEPS, MOST_SECONDS = 12, 2.0
CHANCE: dict[str, Callable[[tuple[int, ...]], float]] = {  # what guessing costs, from the shape that a loss reads
    "softmax_cross_entropy": lambda shape: math.log(shape[-1]),
    "nll": lambda shape: math.log(shape[-1]),
    "sigmoid_cross_entropy": lambda shape: math.log(2),
}


@dataclass(frozen=True)
class Start:
    """One thing that is minimised: its value on so many `examples`, and what a guess without knowledge would cost."""

    name: str
    value: float
    examples: int
    chance: float | None


@dataclass(frozen=True)
class DryRun:
    """What was found. What a step takes is None where there are no training data.

    seconds   of one training step on a batch, the median of a few
    bytes     the most memory that the process took, the interpreter and the data included
    """

    starts: tuple[Start, ...]
    batch: int | None = None
    steps: int | None = None
    seconds: float | None = None
    bytes: int | None = None

    def as_data(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return asdict(self)

    def __str__(self) -> str:
        lines = [_start_line(start) for start in self.starts]
        if self.seconds is not None and self.bytes is not None and self.batch and self.steps:
            speed, whole = self.batch / self.seconds, self.seconds * self.steps
            took = f"{1000 * self.seconds:.3g} ms for a batch of {self.batch}, {speed:,.0f} examples/s"
            lines.append(f"step     {took}; {self.steps:,} steps in about {_duration(whole)}")
            lines.append(f"memory   {self.bytes / 1e6:,.0f} MB at the peak")
        return "\n".join(lines)


def _start_line(start: Start) -> str:
    guess = "" if start.chance is None else f"; guessing costs {start.chance:.4g}"
    return f"start    {start.name} is {start.value:.4g} on {start.examples} examples{guess}"


def _duration(seconds: float) -> str:
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"


def dry_run(network: Network) -> DryRun:
    """Run `network` forward and backward with every check, on two examples and on a batch, then take a few steps.

    Raises `UserError` if what is minimised is no number, and before a batch is tried that would not fit in memory.
    """
    network.require_scalar()
    keep_freed_memory()
    with limit_threads(network):
        starts = _starts(network, EXAMPLES)
        if network.sections.training is None or "train" not in network.sections.data:
            return DryRun(starts)
        batch = network.sections.data["train"].batch
        pieces = network.sections.training.pieces
        piece = batch if pieces is None or pieces.at_once else pieces.sizes(batch)[0]
        _refuse_too_large(network, piece)
        starts = _starts(network, min(piece, network.sections.data["train"].description.examples))
        trainer = Trainer(network)
        seconds = _steps(trainer)
        for part in network.sections.data.values():
            evaluate_batch(network, part)
        return DryRun(starts, batch, trainer.steps, seconds, peak_memory())


def _starts(network: Network, examples: int) -> tuple[Start, ...]:
    values = _step(network, examples)
    chances = {node.name: _chance(network, node) for node in network.graph.nodes if node.name in network.objective}
    return tuple(Start(name, float(values[name]), examples, chances[name]) for name in network.objective)


def _chance(network: Network, node: Any) -> float | None:
    known, read = CHANCE.get(node.block.name), node.inputs[0]
    return None if known is None else known(tuple(network.assembly.specs[read].shape))


def _step(network: Network, examples: int) -> dict[str, Any]:
    """One forward and backward pass with every check; returns what is minimised."""
    feed = {**network.params, **network.state, **network.feed(draw_inputs(network, examples))}
    wrt = tuple(network.params)
    keep = (*network.objective, *network.graph.updates.values())
    values, tape = forward(network.graph, feed, keep=keep, wrt=wrt, training=True, examples=examples, check=True)
    backward(tape, network.objective, wrt)
    return values


def _refuse_too_large(network: Network, batch: int) -> None:
    """From the memory of two and of four examples, that of a batch; raises `UserError` if there is not as much."""
    small, large = (_traced(network, examples) for examples in (EXAMPLES, 2 * EXAMPLES))
    wanted = small + (large - small) / EXAMPLES * (batch - EXAMPLES)
    there = _available()
    if wanted > there:
        fact = f"a step on a batch of {batch} would take about {wanted / 1e9:,.3g} GB of memory"
        help = "a smaller `data.train.batch`, `train.accumulate`, or a smaller network"
        raise UserError(f"{fact}; {there / 1e9:,.3g} GB are free", help)


def _traced(network: Network, examples: int) -> int:
    tracemalloc.start()
    try:
        _step(network, examples)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def _available() -> float:
    """The memory that could be had, in bytes; unlimited where the system does not tell."""
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
    except OSError:
        return math.inf
    return next((1024.0 * int(line.split()[1]) for line in lines if line.startswith("MemAvailable:")), math.inf)


def _steps(trainer: Trainer) -> float:
    """Take a few steps and return the median of their seconds, without the first, which checks what blocks return."""
    times: list[float] = []
    began = time.perf_counter()
    with closing(trainer.batches.epoch(0)) as batches:
        for batch in batches:
            count = len(next(iter(batch.values())))
            start = time.perf_counter()
            trainer.take_step(batch, count)
            if count == trainer.batches.batch or not times:
                times.append(time.perf_counter() - start)
            if len(times) > MOST_STEPS or time.perf_counter() - began > MOST_SECONDS:
                break
    return statistics.median(times[1:] or times)
