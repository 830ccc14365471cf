"""Normalisation by what is near: neighbouring channels, a vector as a whole, or a window of an image."""

from typing import Annotated

import numpy as np
from annotated_types import Ge, Gt

from blockrun.core import Block
from blockrun.core.options import OptionError

from .._axes import along, axes_of, largest, leaves_examples
from .._window import Size2, per_axis


class LocalResponseNorm(Block):
    """y = x / dᵝ,   d = k + alpha Σ x² over the `size` channels around each, fewer at both ends.

    x (N, ..., C) → y (N, ..., C).   ∂J/∂x = δ_y / dᵝ − 2 alpha beta x Σ (δ_y x / dᵝ⁺¹) over the same channels.
    Caffe and PyTorch divide alpha by `size`: give theirs so divided.      (Krizhevsky, Sutskever and Hinton 2012, §3.3)
    """

    size: Annotated[int, Ge(1)] = 5
    alpha: Annotated[float, Ge(0)] = 1e-4
    beta: Annotated[float, Ge(0)] = 0.75
    k: Annotated[float, Gt(0)] = 2.0
    shapes = "x (N, ..., C) -> y (N, ..., C)"
    batchwise = True

    def validate(self):
        if self.size % 2 == 0:
            raise OptionError("size", f"`size` is {self.size}; it must be odd, a channel and as many on either side")

    def forward(self, ctx, x):
        d = self._sum(x * x)
        d *= self.alpha
        d += self.k
        return x * d**-self.beta, (x, d)

    def backward(self, ctx, saved, dy):
        x, d = saved
        dx = dy * d**-self.beta
        dx -= 2 * self.alpha * self.beta * x * self._sum(dx * x / d)
        return dx

    def _sum(self, x):
        return window_sum(x, self.size // 2, self.size // 2, x.ndim - 1)

    @classmethod
    def examples(cls, rng):
        yield cls(), (3 * rng.standard_normal((4, 7)),)
        yield cls(size=3, alpha=0.5, beta=0.4, k=1), (rng.standard_normal((2, 3, 4, 6)),)
        yield cls(size=7, alpha=0.2), (rng.standard_normal((4, 3)),)


class LpNormalize(Block):
    """y = x / n,   n = max(‖x‖ₚ, eps),   ‖x‖ₚ = (Σ |x|ᵖ)¹ᐟᵖ along `axis`.      x (...) → y (...)

    ∂J/∂x = (δ_y − sign(y) |y|ᵖ⁻¹ Σ δ_y y) / n, and δ_y / n where ‖x‖ₚ ≤ eps, the kink included; at x = 0, a kink for
    p = 1, sign is 0. The largest |x| is taken out of the sum, so that nothing overflows.
    (Vedaldi and Lenc 2015, who add eps to the sum instead)
    """

    p: Annotated[float, Ge(1)] = 2.0
    axis: int = -1
    eps: Annotated[float, Gt(0)] = 1e-12
    shapes = "x (...) -> y (...)"
    formula = "x / maximum(sum(abs(x) ** p, axis, keepdims=True) ** (1 / p), eps)"

    @property
    def batchwise(self):
        return leaves_examples(self.axis)

    def forward(self, ctx, x):
        size = np.abs(x)
        most = largest(size, axes_of(x.shape, self.axis))
        most = np.where(most > 0, most, 1)
        norm = most * ((size / most) ** self.p).sum(axis=self.axis, keepdims=True) ** (1 / self.p)
        n = np.maximum(norm, self.eps)
        y = x / n
        return y, (y, n)

    def backward(self, ctx, saved, dy):
        y, n = saved
        share = (dy * y).sum(axis=self.axis, keepdims=True) * (n > self.eps)
        return (dy - np.sign(y) * np.abs(y) ** (self.p - 1) * share) / n

    @classmethod
    def examples(cls, rng):
        yield cls(), (rng.standard_normal((4, 3)),)
        yield cls(p=1, axis=1), (rng.standard_normal((4, 3, 2)),)
        yield cls(p=3.5, axis=0), (rng.standard_normal((4, 3)),)
        yield cls(eps=2.0), (0.5 * rng.standard_normal((4, 5)),)


class SpatialNorm(Block):
    """y = x / dᵝ,   d = 1 + alpha m,   m the mean of x² over the window around each place, channel by channel.

    x (N, H, W, C) → y (N, H, W, C). The mean is over the n places that the window sees of the image; one of even `size`
    reaches further down and to the right.   ∂J/∂x = δ_y / dᵝ − 2 alpha beta x Σ (δ_y x / (n dᵝ⁺¹)), over the places
    whose windows see x.      (Vedaldi and Lenc 2015)
    """

    size: Size2
    alpha: Annotated[float, Ge(0)] = 1.0
    beta: Annotated[float, Ge(0)] = 0.5
    shapes = "x (N, H, W, C) -> y (N, H, W, C)"
    batchwise = True

    def forward(self, ctx, x):
        d = self._sum(x * x)
        d *= self.alpha / self._seen(x)
        d += 1
        return x * d**-self.beta, (x, d)

    def backward(self, ctx, saved, dy):
        x, d = saved
        dx = dy * d**-self.beta
        dx -= 2 * self.alpha * self.beta * x * self._sum(dx * x / (self._seen(x) * d), turned=True)
        return dx

    def _seen(self, x):
        """n at each place of an image."""
        return self._sum(np.ones_like(x, shape=(1, *x.shape[1:3], 1)))

    def _sum(self, x, turned=False):
        """Σ over the window; `turned` round, over the places whose windows see a place."""
        for axis, size in zip((1, 2), per_axis(self.size, 2), strict=True):
            before, after = (size - 1) // 2, size // 2
            x = window_sum(x, after, before, axis) if turned else window_sum(x, before, after, axis)
        return x

    @classmethod
    def examples(cls, rng):
        yield cls(size=3), (rng.standard_normal((2, 5, 4, 3)),)
        yield cls(size=(2, 4), alpha=0.3, beta=0.75), (rng.standard_normal((3, 4, 5, 2)),)
        yield cls(size=(1, 7), alpha=2), (rng.standard_normal((2, 2, 3, 1)),)


def window_sum(x, before, after, axis):
    """Σ of x along `axis` from `before` places before each to `after` places after, none beyond the ends."""
    total = x.copy()
    for step in range(1, before + 1):
        total[along(axis, slice(step, None))] += x[along(axis, slice(None, -step))]
    for step in range(1, after + 1):
        total[along(axis, slice(None, -step))] += x[along(axis, slice(step, None))]
    return total
