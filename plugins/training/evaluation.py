"""Measuring a network on one part of the data: the objective and every metric, exact over uneven batches."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import closing
from typing import TYPE_CHECKING, Any

import numpy as np

from blockrun.core import forward
from blockrun.plugins.data.batches import Batches

from .measured import with_objective

if TYPE_CHECKING:
    from blockrun.plugins.network.experiment import DataPart
    from blockrun.plugins.network.network import Network

Array = np.ndarray[Any, Any]


def evaluate(
    network: Network,
    part: DataPart,
    *,
    values: Mapping[str, Array] | None = None,
    between: Callable[[], None] | None = None,
) -> dict[str, Any]:
    """The parts of the objective under their names, the whole as `objective` if it has several, and every metric.

    The part is treated as one batch that is run in pieces: `ctx.examples` is its whole size, so a mean is a mean over
    all of it and a sum a sum. A metric with several results gives `metric.result`; one that is a matrix is a
    list of its rows. `values` are the parameters and state, those of `network` unless given; `between` is called after
    each batch.
    """
    batches = Batches(part.source, part.batch, loading=network.sections.loading)
    outputs = {name: node.outputs for name, node in network.metrics.items()}
    mode = network.mode(training=False)
    keep = (*mode.objective, *(variable for names in outputs.values() for variable in names))
    totals: dict[str, Any] = {}
    fixed = {**network.params, **network.state} if values is None else values
    with closing(batches.epoch(0)) as epoch:
        for batch in epoch:
            feed = {**fixed, **network.feed_fields(batch)}
            found, _ = forward(mode.assembly.graph, feed, keep=keep, training=False, examples=part.description.examples)
            for name, value in found.items():
                totals[name] = totals.get(name, 0) + np.asarray(value, dtype=np.float64)
            if between is not None:
                between()
    parts = {name: float(totals[name]) for name in mode.objective}
    measured: dict[str, Any] = {**with_objective(parts, mode.objective)}
    for name, node in network.metrics.items():
        measured |= _results(name, node.block, [totals[variable] for variable in outputs[name]])
    return measured


def evaluate_batch(network: Network, part: DataPart) -> None:
    """Run the first batch of `part` as `evaluate` would, for what that takes."""
    batch = next(Batches(part.source, part.batch).epoch(0))
    mode, feed = network.mode(training=False), {**network.params, **network.state, **network.feed_fields(batch)}
    keep = (*mode.objective, *(variable for node in network.metrics.values() for variable in node.outputs))
    forward(mode.assembly.graph, feed, keep=keep, training=False)


def _results(name: str, block: Any, totals: list[Any]) -> dict[str, Any]:
    result = block.result(*totals) if hasattr(block, "result") else totals[0]
    if isinstance(result, dict):
        return {f"{name}.{key}": _plain(value) for key, value in result.items()}
    return {name: _plain(result)}


def _plain(result: Any) -> Any:
    """A number, or nested lists of them."""
    return float(result) if np.ndim(result) == 0 else np.asarray(result).tolist()
