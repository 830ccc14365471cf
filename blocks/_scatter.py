"""Reading from places that another variable names, and its gradient: shares go back there and add up."""

import math

import numpy as np


def check_index(index, length, axis):
    """Raise `ValueError` unless all of `index` are integers from 0 to `length` − 1, the places along `axis`."""
    if index.dtype.kind not in "iu":
        raise ValueError(f"index is {index.dtype}; it must be integers, places along axis {axis}")
    if index.size and (index.min() < 0 or index.max() >= length):
        place = np.unravel_index(int(np.argmax((index < 0) | (index >= length))), index.shape)
        shown = f"index {index[place]} at position ({', '.join(str(int(i)) for i in place)})"
        raise ValueError(f"{shown} is outside axis {axis}, which has length {length}: 0 to {length - 1}")


def add_rows(dy, rows, shape):
    """For an array of `shape`, laid out in rows, the sum of those rows of `dy` that `rows` says belong in each place.

    dy (M, C), rows (M,).   `bincount` sums in float64, and is several times as fast as `np.add.at` on rows.
    """
    C = dy.shape[1]
    places = (rows[:, None] * C + np.arange(C, like=rows)).ravel()
    shares = dy.ravel().astype(np.float64, copy=False)
    return np.bincount(places, shares, math.prod(shape)).reshape(shape).astype(dy.dtype)
