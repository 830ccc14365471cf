"""Rectifiers: the identity where the input is positive, and something that lets less through where it is not."""

from typing import Annotated

import numpy as np
from annotated_types import Ge, Le

from blockrun.core import Block, Param

from .._broadcast import rowwise, sum_rows


class Relu(Block):
    """y = max(x, 0).      x (...) → y (...)

    ∂J/∂x = δ_y where x > 0, else 0; at the kink x = 0 the subgradient 0.      (Nair and Hinton 2010)
    """

    shapes = "x (...) -> y (...)"
    batchwise = True
    formula = "maximum(x, 0)"
    gradients = {"x": "dy * (x > 0)"}

    def forward(self, ctx, x):
        y = x.clip(0, np.inf)  # three times as fast as np.maximum(x, 0)
        return y, y

    def backward(self, ctx, saved, dy):
        y = saved
        return dy * (y > 0)

    @classmethod
    def examples(cls, rng):
        yield cls(), (_off_zero(rng, (4, 3)),)


class LeakyRelu(Block):
    """y = max(x, slope · x): x where x > 0, else slope · x.      x (...) → y (...)

    ∂J/∂x = δ_y where x > 0, else slope · δ_y; at the kink x = 0 the subgradient slope · δ_y.      (Maas et al. 2013)
    """

    slope: Annotated[float, Ge(0), Le(1)] = 0.01
    shapes = "x (...) -> y (...)"
    batchwise = True
    formula = "maximum(x, slope * x)"
    gradients = {"x": "dy * where(x > 0, 1, slope)"}

    def forward(self, ctx, x):
        y = np.maximum(x, self.slope * x)
        return y, y

    def backward(self, ctx, saved, dy):
        y = saved
        return dy * (y > 0).astype(dy.dtype).clip(self.slope, 1)

    @classmethod
    def examples(cls, rng):
        yield cls(), (_off_zero(rng, (4, 3)),)
        yield cls(slope=0.3), (_off_zero(rng, (4, 3, 2)),)
        yield cls(slope=0), (_off_zero(rng, (4, 3)),)


class Prelu(Block):
    """y = x where x > 0, else slope · x, with a learned slope for each channel, or one for all unless `per_channel`.

    x (N, ..., C), slope (C,) or (1,) → y (N, ..., C).
    ∂J/∂x = δ_y where x > 0, else slope · δ_y, also at the kink x = 0;   ∂J/∂slope = Σ δ_y min(x, 0).
    (He et al. 2015, Delving Deep into Rectifiers, §2.1)
    """

    per_channel: bool = True
    batchwise = True
    formula = "where(x > 0, x, slope * x)"
    gradients = {"x": "dy * where(x > 0, 1, slope)", "slope": "dy * minimum(x, 0)"}

    @property
    def shapes(self):
        one = "x (N, ...), slope (1,) -> y (N, ...)"
        return "x (N, ..., C), slope (C,) -> y (N, ..., C)" if self.per_channel else one

    def params(self, x):
        return {"slope": Param(x.shape[-1:] if self.per_channel else (1,), init=0.25)}

    def forward(self, ctx, x, *, slope):
        slopes = np.broadcast_to(slope, x.shape[-1:])
        y = rowwise(np.multiply, x.clip(-np.inf, 0), slopes)
        return y + x.clip(0, np.inf), (x, slopes)

    def backward(self, ctx, saved, dy):
        x, slopes = saved
        dx = dy * (rowwise(np.multiply, x <= 0, slopes) + (x > 0)) if ctx.needs.x else None
        dslope = self._summed(dy * x.clip(-np.inf, 0)) if ctx.needs.slope else None
        return dx, dslope

    def _summed(self, share):
        return sum_rows(share) if self.per_channel else sum_rows(share).sum(keepdims=True)

    @classmethod
    def examples(cls, rng):
        yield cls(), (_off_zero(rng, (4, 3)),)
        yield cls(), (_off_zero(rng, (4, 5, 2, 3)),)
        yield cls(per_channel=False), (_off_zero(rng, (4, 2, 3)),)
        yield cls(per_channel=False), (_off_zero(rng, (5,)),)


class Elu(Block):
    """y = x where x > 0, else α (eˣ − 1), which stays above −α.      x (...) → y (...)

    ∂J/∂x = δ_y where x > 0, else δ_y α eˣ = δ_y (y + α); at the kink x = 0, where there is one, the subgradient α δ_y.
    (Clevert, Unterthiner and Hochreiter 2016)
    """

    alpha: Annotated[float, Ge(0)] = 1.0
    shapes = "x (...) -> y (...)"
    batchwise = True
    formula = "where(x > 0, x, alpha * expm1(x))"
    gradients = {"x": "dy * where(x > 0, 1, y + alpha)"}

    def forward(self, ctx, x):
        y = x.clip(0, np.inf) + self.alpha * np.expm1(x.clip(-np.inf, 0))
        return y, y

    def backward(self, ctx, saved, dy):
        y = saved
        return dy * ((y > 0) + (y <= 0) * (y + self.alpha))

    @classmethod
    def examples(cls, rng):
        yield cls(), (_off_zero(rng, (4, 3)),)
        yield cls(alpha=0.6), (_off_zero(rng, (4, 3, 2)),)


ALPHA = 1.6732632423543772  # of selu: independent inputs of mean 0 and variance 1 give outputs of mean 0
LAMBDA = 1.0507009873554805  # and variance 1; both in closed form in Klambauer et al. 2017, equation 14


class Selu(Block):
    """y = λ x where x > 0, else λ α (eˣ − 1), with the λ and α that keep mean 0 and variance 1.      x (...) → y (...)

    α = −√(2/π) / (erfc(√½) √e − 1) = 1.6733, λ = 1.0507.
    ∂J/∂x = λ δ_y where x > 0, else δ_y λ α eˣ = δ_y (y + λ α); at the kink x = 0 the subgradient λ α δ_y.
    (Klambauer et al. 2017)
    """

    shapes = "x (...) -> y (...)"
    batchwise = True
    formula = "1.0507009873554805 * where(x > 0, x, 1.6732632423543772 * expm1(x))"
    gradients = {"x": "dy * where(x > 0, 1.0507009873554805, y + 1.0507009873554805 * 1.6732632423543772)"}

    def forward(self, ctx, x):
        y = LAMBDA * (x.clip(0, np.inf) + ALPHA * np.expm1(x.clip(-np.inf, 0)))
        return y, y

    def backward(self, ctx, saved, dy):
        y = saved
        return LAMBDA * (dy * ((y > 0) + (y <= 0) * (y / LAMBDA + ALPHA)))

    @classmethod
    def examples(cls, rng):
        yield cls(), (_off_zero(rng, (4, 3)),)


def _off_zero(rng, shape):
    """Normal, and away from the kink at 0."""
    x = rng.standard_normal(shape)
    return x + 0.1 * np.sign(x)
