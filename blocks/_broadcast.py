"""Broadcasting and its gradient: one array meets many rows, and their shares come back as a sum."""

import math

import numpy as np

WIDE = 2**14  # numbers in a row along which NumPy is fast; it is slow along rows as short as the channels of an image


def rowwise(operation, x, v, out=None):
    """operation(x, v) with a vector for every row.      x (..., C), v (C,) → (..., C).      `out` may be x."""
    times = _times(x.shape)
    shape = (-1, times * x.shape[-1])
    wide = None if out is None else out.reshape(shape)
    return operation(x.reshape(shape), np.tile(v, times), out=wide).reshape(x.shape)


def sum_rows(x):
    """Σ over all axes but the last.      x (..., C) → (C,)

    A product with ones: NumPy's own sum over a long first axis takes up to ten times as long.
    """
    rows = math.prod(x.shape[:-1])
    return np.ones_like(x, shape=(rows,)) @ x.reshape(rows, x.shape[-1])


def sum_row_products(x, y):
    """Σ x y over all axes but the last, in one pass over both.      x, y (..., C) → (C,)"""
    times = _times(x.shape)
    shape = (-1, times * x.shape[-1])
    return np.einsum("ij,ij->j", x.reshape(shape), y.reshape(shape)).reshape(times, x.shape[-1]).sum(axis=0)


def _times(shape):
    """How many rows of an array of `shape` to take as one: any divisor of their number is right, and this one fast.

    A power of two times the length of the axis before the last, so far as the number of rows has such a divisor.
    """
    across = shape[-2] if len(shape) > 2 else 1
    most = WIDE // max(1, across * shape[-1])
    return math.gcd(math.prod(shape[:-1]), across << max(0, most.bit_length() - 1)) or 1


def unbroadcast(dy, shape):
    """The gradient of an input of `shape` that was broadcast to that of `dy`: Σ over the axes it was copied along."""
    if dy.shape == shape:
        return dy
    added = dy.ndim - len(shape)
    copied = [axis for axis in range(added, dy.ndim) if shape[axis - added] == 1]
    return dy.sum(axis=(*range(added), *copied), keepdims=True).reshape(shape)
