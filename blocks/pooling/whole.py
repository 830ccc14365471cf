"""Global pooling: one number for each channel of an image, sequence or volume, whatever its size."""

import math

import numpy as np

from blockrun.core import Block


class GlobalAveragePool(Block):
    """y[n, c] = mean of x[n, ..., c] over all its P places.      x (N, ..., C) → y (N, C)

    ∂J/∂x: each δ_y is shared equally by all places, δ_y / P.      (Lin, Chen and Yan 2014)
    """

    shapes = "x (N, ..., C) -> y (N, C)"
    batchwise = True

    def forward(self, ctx, x):
        rows = _rows(x)
        y = np.ones_like(x, shape=(rows.shape[1],)) @ rows  # NumPy's own sum over this axis takes several times as long
        return y / rows.shape[1], x.shape

    def backward(self, ctx, saved, dy):
        N, *places, C = saved
        shared = (dy / math.prod(places)).reshape(N, *(1 for _ in places), C)
        return np.broadcast_to(shared, saved)

    @classmethod
    def examples(cls, rng):
        yield from _examples(cls, rng)


class GlobalMaxPool(Block):
    """y[n, c] = max of x[n, ..., c] over all its places.      x (N, ..., C) → y (N, C)

    ∂J/∂x: each δ_y goes to the place that was largest; of equal ones, which is a kink, to the first in row order.
    (Oquab et al. 2015)
    """

    shapes = "x (N, ..., C) -> y (N, C)"
    batchwise = True

    def forward(self, ctx, x):
        rows = _rows(x)
        which = rows.argmax(axis=1)[:, None]
        return np.take_along_axis(rows, which, axis=1)[:, 0], (x.shape, which)

    def backward(self, ctx, saved, dy):
        shape, which = saved
        dx = np.zeros_like(dy, shape=(shape[0], math.prod(shape[1:-1]), shape[-1]))
        np.put_along_axis(dx, which, dy[:, None], axis=1)
        return dx.reshape(shape)

    @classmethod
    def examples(cls, rng):
        yield from _examples(cls, rng)


def _rows(x):
    """x (N, ..., C) as (N, P, C)."""
    places = math.prod(x.shape[1:-1])
    if not places:
        raise ValueError(f"x has shape {x.shape}, without a single place to pool; every axis must be at least 1 long")
    return x.reshape(len(x), places, x.shape[-1])


def _examples(cls, rng):
    yield cls(), (rng.standard_normal((4, 3, 5, 2)),)
    yield cls(), (rng.standard_normal((2, 5, 3)),)
    yield cls(), (rng.standard_normal((2, 1, 3, 2, 4)),)
    yield cls(), (rng.standard_normal((4, 3)),)
