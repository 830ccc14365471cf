"""What a trained network says of examples without labels: which variables that is, and their values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from blockrun.core import forward
from blockrun.plugins.errors import UsageError, UserError
from blockrun.plugins.suggest import did_you_mean

if TYPE_CHECKING:
    from blockrun.plugins.network.experiment import Input
    from blockrun.plugins.network.network import Network

Array = np.ndarray[Any, Any]


def predicted(network: Network) -> tuple[str, ...]:
    """What the nodes that are minimised read and labels do not reach.

    A label is an input that such a node reads directly. Raises `UsageError` if that leaves nothing.
    """
    mode = network.mode(training=False)
    nodes = {node.name: node for node in mode.assembly.graph.nodes}
    read = [v for name in mode.objective for v in nodes[name].inputs if v is not None]
    labels = {v for v in read if v in network.inputs}
    found = [v for v in read if v not in labels and labels.isdisjoint(needed(network, [v]))]
    if not found:
        fact = f"what is minimised, `{', '.join(network.objective)}`, reads nothing that labels do not reach"
        raise UsageError(fact, help="name what to predict with --keep")
    return tuple(dict.fromkeys(found))


def needed(network: Network, names: list[str]) -> list[str]:
    """The inputs that the variables `names` depend on; raises `UsageError` for a variable that there is not."""
    graph = network.mode(training=False).assembly.graph
    for name in names:
        if name not in graph.writer:
            raise UsageError(f"unknown variable `{name}`", help=did_you_mean(name, graph.writer, "there are"))
    plan = graph.plan(tuple(names), (), False)
    wired = {v for step in plan.steps for v in step.node.reads}
    return [name for name, wanted in network.inputs.items() if name in wired and wanted.value is None]


def raw(network: Network, name: str) -> Input:
    """An input as the data have it, before transforms."""
    wanted, transforms = network.inputs[name], network.sections.transforms
    fields = {} if transforms is None or transforms.training is None else transforms.training.describe().fields
    if wanted.source not in fields:
        return wanted
    field = fields[wanted.source]
    return replace(wanted, shape=field.shape, dtype=field.dtype)


def prepared(network: Network, feed: Mapping[str, Array]) -> dict[str, Array]:
    """Inputs that `raw` describes, after the transforms of the data, as in evaluation."""
    transforms = network.sections.transforms
    if transforms is None:
        return dict(feed)
    for name, x in feed.items():
        wanted = raw(network, name)
        if wanted.batch and x.shape[1:] != wanted.shape:
            raise UserError(f"input `{name}` has shape {x.shape[1:]}; before the transforms it must be {wanted.shape}")
    given = {network.inputs[name].source: x.astype(raw(network, name).dtype, copy=False) for name, x in feed.items()}
    fields = transforms.apply(given)
    return {name: fields[network.inputs[name].source] for name in feed}


def predict(network: Network, feed: Mapping[str, Array], names: tuple[str, ...], batch: int) -> dict[str, Array]:
    """The values of `names` in evaluation, `batch` examples at a time; raises `UserError` if `feed` does not fit."""
    fed = network.feed(feed)
    rows = {name for name in feed if network.inputs[name].batch}
    count = len(fed[next(iter(rows))]) if rows else 1
    fixed = {**network.params, **network.state, **{name: x for name, x in fed.items() if name not in rows}}
    parts: dict[str, list[Array]] = {name: [] for name in names}
    graph = network.mode(training=False).assembly.graph
    for start in range(0, max(count, 1), batch):
        piece = {name: fed[name][start : start + batch] for name in rows}
        values, _ = forward(graph, {**fixed, **piece}, keep=names, training=False)
        for name in names:
            parts[name].append(values[name])
    return {name: found[0] if found[0].ndim == 0 else np.concatenate(found) for name, found in parts.items()}
