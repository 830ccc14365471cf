"""Reading from places that another variable names, and its gradient: shares go back there and add up."""

import math

import numpy as np

WIDE = 64  # numbers in a row, from which on a matrix product is the faster way to add rows up
PIECE = 128  # rows in one such product


def check_index(index, length, whole):
    """Raise `ValueError` unless all of `index` are integers from 0 to `length` − 1; `whole` says of what."""
    if index.dtype.kind not in "iu":
        raise ValueError(f"index is {index.dtype}; it must be integers from 0 to {length - 1}")
    if index.size and (index.min() < 0 or index.max() >= length):
        place = np.unravel_index(int(np.argmax((index < 0) | (index >= length))), index.shape)
        shown = f"index {index[place]} at position ({', '.join(str(int(i)) for i in place)})"
        raise ValueError(f"{shown} is outside {whole}: 0 to {length - 1}")


def add_rows(dy, rows, shape):
    """For an array of `shape`, laid out in rows, the sum of those rows of `dy` that `rows` says belong in each place.

    dy (M, C), rows (M,).
    """
    C = dy.shape[1]
    if C >= WIDE:
        return _add_wide_rows(dy, rows, shape)
    return add_numbers(dy, rows[:, None] * C + np.arange(C, like=rows), shape)


def add_numbers(dy, places, shape):
    """For an array of `shape` the sum of those numbers of `dy` that `places` says belong in each of its places.

    `bincount` sums in float64, and is several times as fast as `np.add.at`.
    """
    shares = dy.ravel().astype(np.float64, copy=False)
    return np.bincount(places.ravel(), shares, math.prod(shape)).reshape(shape).astype(dy.dtype)


def _add_wide_rows(dy, rows, shape):
    """The same by products: of ones, where the places agree, with the rows, some at a time.

    Sorted first, these have few different places.
    """
    order = np.argsort(rows, kind="stable")
    total = np.zeros_like(dy, shape=(math.prod(shape) // dy.shape[1], dy.shape[1]))
    for start in range(0, len(order), PIECE):
        piece = order[start : start + PIECE]
        own = np.unique(rows[piece])
        total[own] += (own[:, None] == rows[piece]) @ dy[piece]
    return total.reshape(shape)
