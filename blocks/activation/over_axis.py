"""Activations that weigh the entries along an axis against one another."""

from functools import reduce
from typing import Annotated

import numpy as np
from annotated_types import Ge

from blockrun.core import Block

from .._axes import axis_of, leaves_examples


class Softmax(Block):
    """yₖ = eˣₖ / Σⱼ eˣⱼ along `axis`, with the largest x taken off first so that nothing overflows.

    x (...) → y (...).   ∂J/∂x = y (δ_y − Σⱼ δ_yⱼ yⱼ).      (Bridle 1990)
    """

    axis: int = -1
    shapes = "x (...) -> y (...)"
    formula = "exp(x) / exp(x).sum(axis, keepdims=True)"
    gradients = {"x": "y * (dy - (dy * y).sum(axis, keepdims=True))"}

    @property
    def batchwise(self):
        return leaves_examples(self.axis)

    def forward(self, ctx, x):
        axis_of(x.shape, self.axis)
        y = np.exp(x - _largest(x, self.axis))
        y = y / y.sum(axis=self.axis, keepdims=True)
        return y, y

    def backward(self, ctx, saved, dy):
        y = saved
        return y * (dy - (dy * y).sum(axis=self.axis, keepdims=True))

    @classmethod
    def examples(cls, rng):
        yield cls(), (rng.standard_normal((4, 3)),)
        yield cls(axis=1), (rng.standard_normal((4, 3, 2)),)
        yield cls(axis=0), (rng.standard_normal((4, 3)),)


class LogSoftmax(Block):
    """yₖ = ln(eˣₖ / Σⱼ eˣⱼ) along `axis`, computed as x − m − ln Σⱼ e^(xⱼ − m) with m the largest x.

    So nothing overflows and no logarithm is taken of a y that has become 0.
    x (...) → y (...).   ∂J/∂x = δ_y − eʸ Σⱼ δ_yⱼ.      (Blanchard, Higham and Higham 2021)
    """

    axis: int = -1
    shapes = "x (...) -> y (...)"
    formula = "x - log(exp(x).sum(axis, keepdims=True))"
    gradients = {"x": "dy - exp(y) * dy.sum(axis, keepdims=True)"}

    @property
    def batchwise(self):
        return leaves_examples(self.axis)

    def forward(self, ctx, x):
        axis_of(x.shape, self.axis)
        y = x - _largest(x, self.axis)
        total = np.exp(y).sum(axis=self.axis, keepdims=True)
        y = y - np.log(np.maximum(total, 1))  # the largest adds 1 to it; it is 0 only over no examples
        return y, y

    def backward(self, ctx, saved, dy):
        y = saved
        return dy - np.exp(y) * dy.sum(axis=self.axis, keepdims=True)

    @classmethod
    def examples(cls, rng):
        yield cls(), (rng.standard_normal((4, 3)),)
        yield cls(axis=1), (rng.standard_normal((4, 3, 2)),)
        yield cls(axis=0), (rng.standard_normal((4, 3)),)


def _largest(x, axis):
    return x.max(axis=axis, keepdims=True) if x.size else x


class Maxout(Block):
    """yₖ = max(xₖ₁, ..., xₖₘ), the largest of each m = `pieces` neighbours on the last axis.

    After `linear`, yₖ is a convex function of what that was given, made of m straight pieces.
    x (N, ..., m K) → y (N, ..., K).   ∂J/∂x = δ_y where x is the largest, else 0; of equal ones the first has it all.
    (Goodfellow et al. 2013)
    """

    pieces: Annotated[int, Ge(1)]
    shapes = "x (N, ..., _) -> y (N, ..., _)"
    batchwise = True
    formula = "x.reshape(*y.shape, pieces).max(-1)"
    gradients = {
        "x": "(dy[..., None] * (x.reshape(*y.shape, pieces).argmax(-1)[..., None] == arange(pieces))).reshape(x.shape)"
    }

    def forward(self, ctx, x):
        if x.shape[-1] % self.pieces:
            found = f"the last axis of x has {x.shape[-1]} entries"
            raise ValueError(f"{found}; groups of {self.pieces} pieces take a multiple of {self.pieces}")
        parts = self._parts(x)
        y = reduce(np.maximum, parts)
        winner = np.zeros_like(y, dtype=np.min_scalar_type(self.pieces))  # how many pieces come before the largest
        smaller = np.ones_like(y, dtype=bool)
        for part in parts[:-1]:
            smaller &= part < y
            winner += smaller
        return y, winner

    def backward(self, ctx, saved, dy):
        winner = saved
        dx = np.empty_like(dy, shape=(*dy.shape[:-1], self.pieces * dy.shape[-1]))
        for j, dpart in enumerate(self._parts(dx)):
            np.multiply(dy, winner == j, out=dpart)
        return dx

    def _parts(self, x):
        """The first pieces of all groups, the second pieces, ...: views, several times as fast as NumPy's `max`."""
        return [x[..., j :: self.pieces] for j in range(self.pieces)]

    @classmethod
    def examples(cls, rng):
        yield cls(pieces=2), (rng.standard_normal((4, 6)),)
        yield cls(pieces=3), (rng.standard_normal((4, 2, 15)),)
        yield cls(pieces=1), (rng.standard_normal((4, 3)),)
