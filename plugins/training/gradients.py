"""From a batch to the gradients that the optimizer gets: of the whole batch or of pieces in turn, and clipped."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from blockrun.core import backward, forward
from blockrun.core.pieces import Results, in_pieces

if TYPE_CHECKING:
    from blockrun.plugins.network.network import Network

Array = np.ndarray[Any, Any]
Differentiate = Callable[[dict[str, Array], int, tuple[int, ...]], Results]  # (feed, examples, seed)


@dataclass(frozen=True)
class Clip:
    """How large gradients may be: the norm of all of them together, or the size of each entry."""

    norm: float | None = None
    value: float | None = None

    def __call__(self, gradients: dict[str, Array], squares: Sequence[float]) -> dict[str, Array]:
        """The gradients within the limits; `squares` are the sums of squares of each.

        Scaled by norm / ‖g‖ where ‖g‖ > norm, g all of them as one vector (Pascanu, Mikolov & Bengio 2013), or each
        entry moved to the nearest of −value and value.
        """
        if self.value is not None:
            return {name: np.clip(g, -self.value, self.value) for name, g in gradients.items()}
        length = math.sqrt(sum(squares))
        if not math.isfinite(length):
            length = _length(gradients)
        if self.norm is None or length <= self.norm:
            return gradients
        return {name: g * (self.norm / length) for name, g in gradients.items()}


def _length(gradients: dict[str, Array]) -> float:
    """The norm where the squares of float32 overflow."""
    return math.sqrt(sum(float(np.sum(np.square(g, dtype=np.float64))) for g in gradients.values()))


@dataclass(frozen=True)
class Pieces:
    """In how many pieces a batch is run: one after another in the memory of one, or `at_once`, each on a thread.

    Threads meet at every sum over the batch. One after another, a block that needs such a sum, like batch_norm, is
    refused, unless `settle` lets it take that of its piece.
    """

    count: int
    settle: bool = False
    at_once: bool = False

    def sizes(self, examples: int) -> list[int]:
        """As even as can be, the larger ones first, none empty."""
        count = max(min(self.count, examples), 1)
        return [examples // count + (i < examples % count) for i in range(count)]


def differentiator(network: Network, wrt: tuple[str, ...], pieces: Pieces | None) -> Differentiate:
    """What computes the objective, the updates of state and the gradients with respect to `wrt`."""
    graph, objective = network.graph, network.objective
    keep = (*objective, *graph.updates.values())

    def whole(feed: dict[str, Array], examples: int, seed: tuple[int, ...]) -> Results:
        values, tape = forward(graph, feed, keep=keep, wrt=wrt, seed=seed, examples=examples)
        return values, backward(tape, objective, wrt)

    def cut(feed: dict[str, Array], examples: int, seed: tuple[int, ...]) -> Results:
        assert pieces is not None
        return in_pieces(
            graph, feed, split=batch_inputs(network), sizes=pieces.sizes(examples), keep=keep, seeds=objective,
            wrt=wrt, seed=seed, threads=pieces.at_once, settle=pieces.settle,
        )  # fmt: skip

    return whole if pieces is None else cut


def batch_inputs(network: Network) -> set[str]:
    """The inputs that have a batch axis and are used."""
    free = set(network.graph.free)
    return {name for name, wanted in network.inputs.items() if wanted.batch and name in free}
