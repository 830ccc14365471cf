"""What a block is told at each call, besides its inputs; made by the executor only."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np

from .block import Array

FLOAT32 = np.dtype(np.float32)


class Context:
    """The circumstances of one call of one node.

    training   True while parameters are being learned, False in evaluation
    needs      which gradients are asked for, by input name: `ctx.needs.x`; a tuple of bools for `*xs`
    examples   the number of examples in the whole batch, at least 1 so that the mean over an empty batch is 0
    dtype      that of the floating variables of the graph, for a block that is given only others
    rng        a `numpy.random.Generator` of this node and call; the same call repeated draws the same numbers
    """

    __slots__ = ("_entropy", "_like", "_rng", "_sum", "dtype", "examples", "needs", "training")

    def __init__(
        self,
        training: bool,
        needs: SimpleNamespace,
        examples: int,
        entropy: tuple[int, ...],
        sum_over_pieces: Callable[[Array], Array] | None = None,
        like: Array | None = None,
        dtype: Any = FLOAT32,
    ) -> None:
        self.training = training
        self.needs = needs
        self.examples = examples
        self.dtype = dtype
        self._entropy = entropy
        self._sum = sum_over_pieces
        self._like = like
        self._rng: Any = None

    @property
    def rng(self) -> Any:
        if self._rng is None:
            made = np.random.Generator(np.random.PCG64(np.random.SeedSequence(self._entropy)))
            native = self._like is None or isinstance(self._like, (np.ndarray, np.generic))
            self._rng = made if native else _Draws(made, self._like)
        return self._rng

    def total(self, x: Array) -> Array:
        """The sum of `x` over all pieces of the batch: `x` itself when the batch is whole. Call unconditionally."""
        return x if self._sum is None else self._sum(x)


class _Draws:
    """A generator whose arrays are of the kind of `like`, such as those of a GPU; drawn by NumPy all the same."""

    def __init__(self, rng: np.random.Generator, like: Array) -> None:
        self._rng = rng
        self._like = like

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._rng, name)

        def draw(*args: Any, **kwargs: Any) -> Any:
            drawn = method(*args, **kwargs)
            return np.asarray(drawn, like=self._like) if isinstance(drawn, np.ndarray) else drawn

        return draw
