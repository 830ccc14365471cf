"""Every example with numbers of its own for its channels: arrays (N, ..., C) meet arrays (N, C)."""

import math

import numpy as np


def channelwise(operation, x, v, out=None):
    """operation(x, v) with a vector for every example.      x (N, ..., C), v (N, C) → (N, ..., C).   `out` may be x."""
    shape, times = _wide(x.shape)
    wide = None if out is None else out.reshape(shape)
    return operation(x.reshape(shape), np.tile(v, times)[:, None], out=wide).reshape(x.shape)


def channel_sums(x):
    """Σ over all axes between the first and the last.      x (N, ..., C) → (N, C)

    A product with ones: NumPy's own sum over a long axis takes up to ten times as long.
    """
    rows = math.prod(x.shape[1:-1])
    return np.ones_like(x, shape=(rows,)) @ x.reshape(len(x), rows, x.shape[-1])


def channel_products(x, y):
    """Σ x y over all axes between the first and the last, in one pass over both.      x, y (N, ..., C) → (N, C)"""
    shape, times = _wide(x.shape)
    products = np.einsum("nij,nij->nj", x.reshape(shape), y.reshape(shape))
    return products.reshape(len(x), times, x.shape[-1]).sum(axis=1)


def _wide(shape):
    """(N, H, W C) for images (N, H, W, C), since NumPy is slow along rows as short as channels are, and W; else 1."""
    times = shape[-2] if len(shape) > 3 else 1
    return (shape[0], math.prod(shape[1:-1]) // times, times * shape[-1]), times
