"""Normalisation over the batch: in training what becomes of an example depends on the others, afterwards on state."""

import math
from typing import Annotated

import numpy as np
from annotated_types import Ge, Gt, Le

from blockrun.core import Block, Param, State

from .._broadcast import rowwise, sum_row_products, sum_rows


class BatchNorm(Block):
    """y = γ x̂ + β,   x̂ = (x − μ) s,   s = 1/√(σ² + eps), over all axes but the last.      x (N, ..., C) → y (N, ..., C)

    In training μ and σ² are the mean and the biased variance of the n rows of the batch, and the running `mean` and
    `var` move towards μ and the unbiased σ² n/(n − 1) by `momentum`; in evaluation they take the place of μ and σ².
    ∂J/∂γ = Σ δ_y x̂,   ∂J/∂β = Σ δ_y,   ∂J/∂x = γ s (δ_y − (Σ δ_y + x̂ Σ δ_y x̂) / n), in evaluation γ s δ_y.
    (Ioffe and Szegedy 2015)
    """

    eps: Annotated[float, Gt(0)] = 1e-5
    momentum: Annotated[float, Ge(0), Le(1)] = 0.1
    outputs = ("y", "new_mean", "new_var")
    shapes = "x (N, ..., C), gamma (C,), beta (C,), mean (C,), var (C,) -> y (N, ..., C), new_mean (C,), new_var (C,)"
    batchwise = True

    def params(self, x):
        shape = x.shape[-1:]
        return {
            "gamma": Param(shape, init="ones"),
            "beta": Param(shape, init="zeros"),
            "mean": State(shape, init="zeros", update="new_mean"),
            "var": State(shape, init="ones", update="new_var"),
        }

    def forward(self, ctx, x, *, gamma, beta, mean, var):
        n, mu, sigma2, centred = _statistics(ctx, x) if ctx.training else (0, mean, var, rowwise(np.subtract, x, mean))
        s = 1 / np.sqrt(sigma2 + self.eps)
        y = rowwise(np.multiply, centred, gamma * s, out=centred)
        y = rowwise(np.add, y, beta, out=y)
        new_mean, new_var = mean, var
        if n > 0:
            new_mean = self._moved(mean, mu)
            new_var = self._moved(var, sigma2 * (n / max(n - 1, 1)))
        return (y, new_mean, new_var), (x, mu, gamma, s, n)

    def backward(self, ctx, saved, dy):
        x, mu, gamma, s, n = saved
        through = ctx.training and ctx.needs.x  # the statistics, which need the sums of the other two gradients
        centred = rowwise(np.subtract, x, mu) if through or ctx.needs.gamma else None
        dgamma = s * sum_row_products(dy, centred) if through or ctx.needs.gamma else None
        dbeta = sum_rows(dy) if through or ctx.needs.beta else None
        dx = dy
        if through:
            dx = rowwise(np.multiply, centred, ctx.total(dgamma) * (-s / max(n, 1)), out=centred)
            dx += dy
            dx = rowwise(np.subtract, dx, ctx.total(dbeta) / max(n, 1), out=dx)
        dx = rowwise(np.multiply, dx, gamma * s, out=centred) if ctx.needs.x else None
        return dx, dgamma if ctx.needs.gamma else None, dbeta if ctx.needs.beta else None

    def _moved(self, old, new):
        return (1 - self.momentum) * old + self.momentum * new

    @classmethod
    def examples(cls, rng):
        yield cls(), (1 + 2 * rng.standard_normal((5, 3)),)
        yield cls(eps=0.1, momentum=0.3), (rng.standard_normal((4, 2, 3)) - 1,)


def _statistics(ctx, x):
    """Of the whole batch, whatever piece of it `x` is: the number of rows, their mean, their variance; and x − mean.

    In two passes, since Σ x² − n μ² loses every digit where the mean is large.
    """
    n = int(ctx.total(np.full_like(x, math.prod(x.shape[:-1]), shape=(), dtype=np.float64)))
    mu = ctx.total(sum_rows(x)) / max(n, 1)
    centred = rowwise(np.subtract, x, mu)
    sigma2 = ctx.total(sum_row_products(centred, centred)) / max(n, 1)
    return n, mu, sigma2, centred
