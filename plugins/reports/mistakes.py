"""What a classifier takes for what, and the examples it is most wrong about."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from blockrun.plugins.data.transformed import untransformed
from blockrun.plugins.network.network import Network
from blockrun.plugins.training.predict import needed, predict

Array = np.ndarray[Any, Any]
EXAMPLES, CLASSES, WORST, SIDE = 10_000, 30, 24, 128  # the most that are measured, tabled and shown


@dataclass(frozen=True)
class Mistakes:
    """Of one node that is minimised: `confusion` counts labels (rows) against predictions (columns).

    `worst` are examples, most wrong first: their input, label and prediction; none where inputs are not images.
    """

    node: str
    part: str
    count: int
    confusion: Array
    worst: list[tuple[Array, int, int]]


def mistakes(network: Network) -> Iterator[Mistakes]:
    """Of every loss that reads scores (N, K) and integer labels (N,) from the data, on the last part that there is."""
    data = network.sections.data
    part = next((name for name in ("test", "val", "train") if name in data), None)
    for node in network.graph.nodes:
        if part is None or node.name not in network.objective or len(node.inputs) < 2:
            continue
        scores, label = node.inputs[:2]
        given = network.inputs.get(label or "")
        if scores and given and given.batch and given.shape == () and np.dtype(given.dtype).kind in "iu":
            found = _of(network, node.name, part, scores, str(label))
            if found:
                yield found


def _of(network: Network, node: str, part: str, scores: str, label: str) -> Mistakes | None:
    data = network.sections.data[part]
    count = min(data.description.examples, EXAMPLES)
    fields, shown = (source.read(np.arange(count)) for source in (data.source, untransformed(data.source)))
    names = needed(network, [scores])
    feed = {name: fields[network.inputs[name].source] for name in names}
    x = predict(network, feed, (scores,), data.batch)[scores]
    labels = np.asarray(fields[network.inputs[label].source])
    if x.ndim != 2 or x.shape[1] < 2 or not np.isfinite(x).all():
        return None
    rows = np.flatnonzero((labels >= 0) & (labels < x.shape[1]))  # what is ignored has another label
    said = x.argmax(axis=1)
    confusion = np.zeros((x.shape[1], x.shape[1]), dtype=np.int64)
    np.add.at(confusion, (labels[rows], said[rows]), 1)
    lead = x[rows, said[rows]] - x[rows, labels[rows]]  # of the class that was chosen over the right one
    wrong = [int(i) for i in rows[np.argsort(-lead, kind="stable")] if said[i] != labels[i]][:WORST]
    pictures = next((x for x in (shown.get(network.inputs[n].source) for n in names) if _are_images(x)), None)
    worst = [] if pictures is None else [(np.asarray(pictures[i]), int(labels[i]), int(said[i])) for i in wrong]
    return Mistakes(node, part, len(rows), confusion, worst)


def _are_images(x: Array | None) -> bool:
    shape: tuple[int, ...] = () if x is None else x.shape[1:]
    return len(shape) == 3 and shape[-1] in (1, 3) and all(2 < side <= SIDE for side in shape[:2])


def filters(network: Network) -> Iterator[tuple[str, Array]]:
    """The kernels (channels, height, width, 1 or 3) of each conv2d that reads an input."""
    kind: Any = network.host.find("blocks", "conv2d")
    for node in network.graph.nodes:
        if type(node.block) is kind and node.inputs[0] in network.inputs:
            W = network.params.get(node.params["W"])
            if W is not None and W.ndim == 4 and W.shape[-1] in (1, 3):
                yield node.name, W[:64]
