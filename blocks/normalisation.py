"""Normalisation: blocks that set the mean and the scale of what passes through them."""

from typing import Annotated

import numpy as np
from annotated_types import Ge, Gt, Le

from blockrun.core import Block, Param, State

from ._sums import sum_rows


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
    shapes = (
        "x (N, ..., C), gamma (C,), beta (C,), mean (C,), var (C,) -> y (N, ..., C), new_mean (C,), new_var (C,)"
    )
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
        new_mean, new_var, n = mean, var, 1
        if ctx.training:
            n = _count(ctx, x)
            mean = ctx.total(sum_rows(x)) / n
        centred = x - mean
        if ctx.training:
            var = ctx.total(sum_rows(centred * centred)) / n
            new_mean, new_var = self._moved(new_mean, mean), self._moved(new_var, var * (n / np.maximum(n - 1, 1)))
        s = 1 / np.sqrt(var + self.eps)
        y = centred * (gamma * s)
        y += beta
        return (y, new_mean, new_var), (centred, gamma, s, n)

    def backward(self, ctx, saved, dy):
        centred, gamma, s, n = saved
        dgamma, dbeta = s * sum_rows(dy * centred), sum_rows(dy)
        dx = dy
        if ctx.training:
            pull = ctx.total(dgamma) * s / n
            dx = dy - ctx.total(dbeta) / n - centred * pull
        dx = dx * (gamma * s) if ctx.needs.x else None
        return dx, dgamma if ctx.needs.gamma else None, dbeta if ctx.needs.beta else None
