"""Position as rotation: what makes the product of a query and a key depend on how far apart they are."""

from typing import Annotated

import numpy as np
from annotated_types import Gt

from blockrun.core import Block


class Rotary(Block):
    """Features i and j = i + D/2 at position t are turned by the angle θ = t · base^(−2i/D), i = 0 … D/2 − 1.

    yᵢ = xᵢ cos θ − xⱼ sin θ,   yⱼ = xⱼ cos θ + xᵢ sin θ.      x (N, ..., T, D), D even → y (N, ..., T, D)
    The product of a query and a key so turned depends on the difference of their positions alone. The paper pairs 2i
    with 2i + 1, which is the same with the features in another order; halves are faster.
    ∂J/∂x is δ_y turned back, by −θ.      (Su et al. 2021, eq. 34)
    """

    base: Annotated[float, Gt(1)] = 10000.0
    shapes = "x (N, ..., T, D) -> y (N, ..., T, D)"
    batchwise = True

    def forward(self, ctx, x):
        if x.shape[-1] % 2:
            raise ValueError(f"x has {x.shape[-1]} features; they are turned in pairs, so their number must be even")
        cos, sin = self._turn(x)
        return _turned(x, cos, sin), None

    def backward(self, ctx, saved, dy):
        cos, sin = self._turn(dy)
        return _turned(dy, cos, -sin)

    def _turn(self, x):
        """cos θ and sin θ, (T, D/2); in double precision, since θ may be large."""
        *_, T, D = x.shape
        exact = np.result_type(x.dtype, np.float64)
        t, i = np.arange(T, dtype=exact, like=x), np.arange(D // 2, dtype=exact, like=x)
        theta = t[:, None] * self.base ** (-2 * i / max(D, 1))
        return np.cos(theta).astype(x.dtype), np.sin(theta).astype(x.dtype)

    @classmethod
    def examples(cls, rng):
        yield cls(), (rng.standard_normal((4, 5, 6)),)
        yield cls(base=100), (rng.standard_normal((3, 2, 5, 4)),)


def _turned(x, cos, sin):
    half = x.shape[-1] // 2
    a, b = x[..., :half], x[..., half:]
    y = np.empty_like(x)
    np.subtract(a * cos, b * sin, out=y[..., :half])
    np.add(b * cos, a * sin, out=y[..., half:])
    return y
