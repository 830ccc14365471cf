"""Initialisers whose values depend on where an entry lies in its array: they need to know what its axes mean."""

from __future__ import annotations

import math
from typing import Annotated, Any

import numpy as np
from annotated_types import Gt, MinLen

from blockrun.plugins.training.contracts import Array, Init

Fan = tuple[int, int]
Shape = tuple[int, ...]


class Orthogonal(Init):
    """gain · Q of a Gaussian matrix (out, in): orthonormal rows where out ≤ in, else orthonormal columns.

    Weights (out, ..., in) count as a matrix (out, the rest), a vector (n,) as (n, 1). The signs of R's diagonal are
    made +, without which Q is not uniform (Mezzadri 2007, section 5). (Saxe, McClelland & Ganguli 2014)
    """

    gain: Annotated[float, Gt(0)] = 1.0

    def __call__(self, rng: np.random.Generator, shape: Shape, fan: Fan, dtype: Any) -> Array:
        rows = shape[0] if shape else 1
        columns = math.prod(shape[1:])
        tall, wide = max(rows, columns), min(rows, columns)
        Q, R = np.linalg.qr(rng.standard_normal((tall, wide)))
        Q = Q * np.where(np.diag(R) < 0, -self.gain, self.gain)
        return np.asarray((Q if rows >= columns else Q.T).reshape(shape), dtype)


class Identity(Init):
    """W[i, c, ..., c, i] = gain and 0 elsewhere, c the centre k // 2 of each axis of a kernel: outputs are inputs.

    For a linear layer (D, K) it is the identity matrix. (Le, Jaitly & Hinton 2015) Raises `ValueError` where the shape
    is not (out, ..., in).
    """

    gain: Annotated[float, Gt(0)] = 1.0

    def __call__(self, rng: np.random.Generator, shape: Shape, fan: Fan, dtype: Any) -> Array:
        _require_axes("identity", "(out, ..., in)", shape, len(shape) >= 2)
        W = np.zeros(shape, dtype)
        i = np.arange(min(shape[0], shape[-1]))
        entries: tuple[Any, ...] = (i, *(k // 2 for k in shape[1:-1]), i)
        if W.size:
            W[entries] = self.gain
        return W


class Bilinear(Init):
    """W[i, y, x, i mod C] = h(y)·h(x) and 0 elsewhere: a transposed convolution by f = ⌈k/2⌉ then interpolates images.

    h(j) = 1 − |j − (k − 1)/2| / f, so that the taps that meet in a pixel add up to 1. Weights are (M, kh, kw, C).
    (Long, Shelhamer & Darrell 2015, 3.3) Raises `ValueError` where the shape has not these four axes.
    """

    def __call__(self, rng: np.random.Generator, shape: Shape, fan: Fan, dtype: Any) -> Array:
        _require_axes("bilinear", "(out, height, width, in)", shape, len(shape) == 4)
        W = np.zeros(shape, dtype)
        i = np.arange(shape[0])
        if W.size:
            W[i, :, :, i % shape[-1]] = np.outer(_tent(shape[1]), _tent(shape[2]))
        return W


class Parts(Init):
    """Axis 0 in as many equal parts as there are `values`, each filled with its own: a bias for each gate of an LSTM.

    (a forget gate that starts open, Gers, Schmidhuber & Cummins 2000) Raises `ValueError` where they do not divide it.
    """

    values: Annotated[tuple[float, ...], MinLen(1)]

    def __call__(self, rng: np.random.Generator, shape: Shape, fan: Fan, dtype: Any) -> Array:
        count = len(self.values)
        _require_axes("parts", f"of a first axis that {count} divides", shape, bool(shape) and shape[0] % count == 0)
        each = np.repeat(np.asarray(self.values, dtype), shape[0] // count)
        return np.asarray(np.broadcast_to(each.reshape(-1, *[1] * (len(shape) - 1)), shape).copy())


def _tent(k: int) -> Array:
    return np.asarray(1 - np.abs(np.arange(k) - (k - 1) / 2) / math.ceil(k / 2))


def _require_axes(name: str, wanted: str, shape: Shape, good: bool) -> None:
    if not good:
        raise ValueError(f"`{name}` starts weights {wanted}; the parameter has shape {shape}")
