"""Copying: blocks that put the same number in several places."""

from typing import Annotated

import numpy as np
from annotated_types import Ge

from blockrun.core import Block
from blockrun.core.shapes import show_shape

from .._axes import axis_of, leaves_examples
from .._broadcast import unbroadcast


class Tile(Block):
    """y = x `times` times over along `axis`, one after another.      x (..., K, ...) → y (..., times · K, ...)

    ∂J/∂x = Σ of the `times` parts of δ_y.      (the gradient of a copy is the sum over the copies)
    """

    times: Annotated[int, Ge(1)]
    axis: int = -1
    formula = "concatenate([x] * times, axis)"

    @property
    def batchwise(self):
        return leaves_examples(self.axis)

    def forward(self, ctx, x):
        axis = axis_of(x.shape, self.axis)
        return np.concatenate([x] * self.times, axis), axis

    def backward(self, ctx, saved, dy):
        axis = saved
        parts = (*dy.shape[:axis], self.times, dy.shape[axis] // self.times, *dy.shape[axis + 1 :])
        return dy.reshape(parts).sum(axis)

    @classmethod
    def examples(cls, rng):
        yield cls(times=3), (rng.standard_normal((4, 2)),)
        yield cls(times=2, axis=1), (rng.standard_normal((4, 3, 5)),)
        yield cls(times=3, axis=0), (rng.standard_normal((2, 4)),)
        yield cls(times=1), (rng.standard_normal((4, 2)),)


class Broadcast(Block):
    """y = x in every place of a larger shape: that of `like`, or `shape` for every example.      x, like → y

    Axes are matched from the last, those of an example where `shape` is given; x is copied along the axes that it lacks
    or has with length 1, and ∂J/∂x = δ_y summed over them. `like` has no gradient.
    (the gradient of a copy is the sum over the copies)
    """

    shape: tuple[Annotated[int, Ge(1)], ...] | None = None
    batchwise = True
    nograd = ("like",)

    def forward(self, ctx, x, like=None):
        aligned, target = self._shapes(x, like)
        fits = len(aligned) <= len(target) and all(
            size in (1, full) for size, full in zip(aligned[::-1], target[::-1], strict=False)
        )
        if not fits:
            raise ValueError(f"shape {show_shape(x.shape)} cannot be broadcast to {show_shape(target)}")
        return np.broadcast_to(x.reshape(aligned), target), (x.shape, aligned)

    def backward(self, ctx, saved, dy):
        shape, aligned = saved
        return unbroadcast(dy, aligned).reshape(shape), None

    def _shapes(self, x, like):
        """The shape of x with its axes where they are matched, and the shape it is to get."""
        if (like is None) == (self.shape is None):
            given = "neither is given" if like is None else "both are given"
            raise ValueError(f"the shape is that of an input `like` or that of the option `shape`; {given}")
        if like is not None:
            return x.shape, like.shape
        missing = len(self.shape) + 1 - x.ndim
        return (*x.shape[:1], *(1,) * missing, *x.shape[1:]), (*x.shape[:1], *self.shape)

    @classmethod
    def examples(cls, rng):
        yield cls(), (rng.standard_normal((4, 1, 3)), rng.standard_normal((4, 2, 3)))
        yield cls(), (rng.standard_normal(3), rng.standard_normal((4, 2, 3)))
        yield cls(), (rng.standard_normal((1, 2, 1)), np.ones((4, 2, 3), int))
        yield cls(), (rng.standard_normal((4, 3)), rng.standard_normal((4, 3)))
        yield cls(shape=(2, 5, 3)), (rng.standard_normal((4, 5, 1)),)
        yield cls(shape=(2,)), (rng.standard_normal((4,)),)
