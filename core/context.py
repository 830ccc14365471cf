"""What a block is told at each call, besides its inputs; made by the executor only."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace

import numpy as np

from .block import Array


class Context:
    """The circumstances of one call of one node.

    training   True while parameters are being learned, False in evaluation
    needs      which gradients are asked for, by input name: `ctx.needs.x`; a tuple of bools for `*xs`
    examples   the number of examples in the whole batch, at least 1 so that the mean over an empty batch is 0
    rng        a `numpy.random.Generator` of this node and call; the same call repeated draws the same numbers
    """

    __slots__ = ("_entropy", "_rng", "_sum", "examples", "needs", "training")

    def __init__(
        self,
        training: bool,
        needs: SimpleNamespace,
        examples: int,
        entropy: tuple[int, ...],
        sum_over_pieces: Callable[[Array], Array] | None = None,
    ) -> None:
        self.training = training
        self.needs = needs
        self.examples = examples
        self._entropy = entropy
        self._sum = sum_over_pieces
        self._rng: np.random.Generator | None = None

    @property
    def rng(self) -> np.random.Generator:
        if self._rng is None:
            self._rng = np.random.Generator(np.random.PCG64(np.random.SeedSequence(self._entropy)))
        return self._rng

    def total(self, x: Array) -> Array:
        """The sum of `x` over all pieces of the batch: `x` itself when the batch is whole. Call unconditionally."""
        return x if self._sum is None else self._sum(x)
