"""What parameters start as; drawn in float64 and rounded, so that one seed means one network in every precision."""

from __future__ import annotations

import math
from typing import Annotated, Any

import numpy as np
from annotated_types import Ge, Gt

from blockrun.plugins.training.contracts import Array, Init

Fan = tuple[int, int]
Shape = tuple[int, ...]


def fan_of(shape: Shape, fan: Fan | None = None) -> Fan:
    """How many numbers enter and leave a unit of weights laid out (out, ..., in): `fan` itself where it is given.

    A linear (D, K) has (K, D), a convolution (M, kh, kw, C) has (kh·kw·C, M·kh·kw), a vector (n,) has (n, n).
    """
    if fan is not None:
        return fan
    if len(shape) < 2:
        n = math.prod(shape)
        return n, n
    return math.prod(shape[1:]), shape[0] * math.prod(shape[1:-1])


class Zeros(Init):
    """All 0."""

    def __call__(self, rng: np.random.Generator, shape: Shape, fan: Fan, dtype: Any) -> Array:
        return np.zeros(shape, dtype)


class Ones(Init):
    """All 1."""

    def __call__(self, rng: np.random.Generator, shape: Shape, fan: Fan, dtype: Any) -> Array:
        return np.ones(shape, dtype)


class Constant(Init):
    """All `value`."""

    value: float

    def __call__(self, rng: np.random.Generator, shape: Shape, fan: Fan, dtype: Any) -> Array:
        return np.full(shape, self.value, dtype)


class Uniform(Init):
    """U(low, high)."""

    low: float = -0.1
    high: float = 0.1

    def validate(self) -> None:
        if not self.low < self.high:
            raise ValueError(f"`low` is {self.low} and `high` is {self.high}; low must be less than high")

    def __call__(self, rng: np.random.Generator, shape: Shape, fan: Fan, dtype: Any) -> Array:
        return np.asarray(rng.uniform(self.low, self.high, shape), dtype)


class Normal(Init):
    """N(mean, std²); the default is that of Krizhevsky, Sutskever & Hinton 2012."""

    mean: float = 0.0
    std: Annotated[float, Ge(0)] = 0.01

    def __call__(self, rng: np.random.Generator, shape: Shape, fan: Fan, dtype: Any) -> Array:
        return np.asarray(rng.normal(self.mean, self.std, shape), dtype)


class TruncatedNormal(Init):
    """N(mean, std²) without what lies over `bound`·std from the mean, drawn again until it does not.

    The variance is std²·(1 − 2bφ(b) / (2Φ(b) − 1)) with b = bound, so 0.774·std² for 2.
    (Johnson, Kotz & Balakrishnan 1994)
    """

    mean: float = 0.0
    std: Annotated[float, Gt(0)] = 0.01
    bound: Annotated[float, Ge(0.1)] = 2.0  # less would be drawn again too often

    def __call__(self, rng: np.random.Generator, shape: Shape, fan: Fan, dtype: Any) -> Array:
        z = rng.standard_normal(math.prod(shape))
        while (outside := np.flatnonzero(np.abs(z) > self.bound)).size:
            z[outside] = rng.standard_normal(outside.size)
        return np.asarray(self.mean + self.std * z.reshape(shape), dtype)


class Glorot(Init):
    """U(−r, r) with r = √(6 / (fan in + fan out)), for tanh and linear units (Glorot & Bengio 2010, eq. 16)."""

    def __call__(self, rng: np.random.Generator, shape: Shape, fan: Fan, dtype: Any) -> Array:
        r = math.sqrt(6 / max(sum(fan), 1))
        return np.asarray(rng.uniform(-r, r, shape), dtype)


class He(Init):
    """N(0, 2 / fan in), for rectified units (He, Zhang, Ren & Sun 2015, eq. 10)."""

    def __call__(self, rng: np.random.Generator, shape: Shape, fan: Fan, dtype: Any) -> Array:
        return np.asarray(rng.normal(0, math.sqrt(2 / max(fan[0], 1)), shape), dtype)


class Lecun(Init):
    """N(0, 1 / fan in), for self-normalising units (LeCun, Bottou, Orr & Müller 1998, eq. 16)."""

    def __call__(self, rng: np.random.Generator, shape: Shape, fan: Fan, dtype: Any) -> Array:
        return np.asarray(rng.normal(0, math.sqrt(1 / max(fan[0], 1)), shape), dtype)
