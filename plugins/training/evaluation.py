"""Measuring a network on one part of the data: the objective and every metric, exact over uneven batches."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from blockrun.core import forward
from blockrun.plugins.data.batches import Batches

if TYPE_CHECKING:
    from blockrun.plugins.network.experiment import DataPart
    from blockrun.plugins.network.network import Network


def evaluate(network: Network, part: DataPart, with_objective: bool = True) -> dict[str, float]:
    """The objective under the names of its parts, and every metric under its own.

    The part is treated as one batch that is run in pieces: `ctx.examples` is its whole size, so a mean is a mean over
    all of it and a sum a sum. A metric with several results gives `metric.result`.
    """
    batches = Batches(part.source, part.batch, shuffle=False, seed=0)
    outputs = {name: node.outputs for name, node in network.metrics.items()}
    objective = tuple(network.objective) if with_objective else ()
    keep = (*objective, *(variable for names in outputs.values() for variable in names))
    totals: dict[str, Any] = {}
    fixed = {**network.params, **network.state}
    for batch in batches.epoch(0):
        values, _ = forward(
            network.graph,
            {**fixed, **network.feed_fields(batch)},
            keep=keep,
            training=False,
            examples=part.description.examples,
        )
        for name, value in values.items():
            totals[name] = totals.get(name, 0) + np.asarray(value, dtype=np.float64)
    found = {name: float(totals[name]) for name in objective}
    for name, node in network.metrics.items():
        found |= _results(name, node.block, [totals[variable] for variable in outputs[name]])
    return found


def evaluate_batch(network: Network, part: DataPart) -> None:
    """Run the first batch of `part` as `evaluate` would, for what that takes."""
    batch = next(iter(Batches(part.source, part.batch, shuffle=False, seed=0).epoch(0)))
    keep = (*network.objective, *(variable for node in network.metrics.values() for variable in node.outputs))
    forward(network.graph, {**network.params, **network.state, **network.feed_fields(batch)}, keep=keep, training=False)


def _results(name: str, block: Any, totals: list[Any]) -> dict[str, float]:
    result = block.result(*totals) if hasattr(block, "result") else totals[0]
    if isinstance(result, dict):
        return {f"{name}.{key}": float(value) for key, value in result.items()}
    return {name: float(result)}
