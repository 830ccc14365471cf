"""Sums over axes that were broadcast: every input that is used many times collects its gradient through one of these."""

import math

import numpy as np


def sum_rows(x):
    """Σ over all axes but the last.      x (..., K) → (K,)

    A product with ones: NumPy's own sum over a long leading axis takes up to ten times as long.
    """
    rows = math.prod(x.shape[:-1])
    return np.ones_like(x, shape=(rows,)) @ x.reshape(rows, x.shape[-1])


def unbroadcast(dy, shape):
    """The gradient of an input of `shape` that was broadcast to the shape of `dy`: Σ over the axes it was copied along."""
    if dy.shape == shape:
        return dy
    added = dy.ndim - len(shape)
    copied = [axis for axis in range(added, dy.ndim) if shape[axis - added] == 1]
    return dy.sum(axis=(*range(added), *copied), keepdims=True).reshape(shape)
