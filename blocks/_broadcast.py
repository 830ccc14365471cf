"""Broadcasting and its gradient: one array meets many rows, and their shares come back as a sum."""

import math

import numpy as np


def rowwise(operation, x, v, out=None):
    """operation(x, v) with a vector for every row.      x (..., C), v (C,) → (..., C)

    Rows of images are taken as one, since NumPy is slow where the last axis is short. `out` may be x.
    """
    times = x.shape[-2] if x.ndim > 2 else 1
    shape = (*x.shape[:-2], times * x.shape[-1]) if x.ndim > 2 else x.shape
    wide = None if out is None else out.reshape(shape)
    return operation(x.reshape(shape), np.tile(v, times), out=wide).reshape(x.shape)


def sum_rows(x):
    """Σ over all axes but the last.      x (..., C) → (C,)

    A product with ones: NumPy's own sum over a long first axis takes up to ten times as long.
    """
    rows = math.prod(x.shape[:-1])
    return np.ones_like(x, shape=(rows,)) @ x.reshape(rows, x.shape[-1])


def unbroadcast(dy, shape):
    """The gradient of an input of `shape` that was broadcast to that of `dy`: Σ over the axes it was copied along."""
    if dy.shape == shape:
        return dy
    added = dy.ndim - len(shape)
    copied = [axis for axis in range(added, dy.ndim) if shape[axis - added] == 1]
    return dy.sum(axis=(*range(added), *copied), keepdims=True).reshape(shape)
