"""Normalisation of each example by itself: the same in training and in evaluation, whatever else is in the batch."""

import math
from typing import Annotated

import numpy as np
from annotated_types import Ge, Gt

from blockrun.core import Block, Param

from .._broadcast import rowwise, sum_row_products, sum_rows
from ._channels import channel_products, channel_sums, channelwise


class LayerNorm(Block):
    """y = γ x̂ + β,   x̂ = (x − μ) s,   s = 1/√(σ² + eps), with μ and σ² of each row.      x (N, ..., C) → y (N, ..., C)

    With g = γ δ_y:   ∂J/∂x = s (g − mean g − x̂ mean(g x̂)), means over the row,   ∂J/∂γ = Σ δ_y x̂,   ∂J/∂β = Σ δ_y.
    σ² is the mean of (x − μ)², in a second pass, which a large μ does not harm. `scale` and `bias` are whether there
    are γ and β.      (Ba, Kiros and Hinton 2016)
    """

    eps: Annotated[float, Gt(0)] = 1e-5
    scale: bool = True
    bias: bool = True
    shapes = "x (N, ..., C), gamma (C,), beta (C,) -> y (N, ..., C)"
    batchwise = True

    def params(self, x):
        return _scale_and_bias(self, x.shape[-1:])

    def forward(self, ctx, x, *, gamma=None, beta=None):
        mu = _means(x)
        y = x - mu
        s = 1 / np.sqrt(_mean_products(y, y) + self.eps)
        y *= s
        return _scaled(y, gamma, beta), (x, mu, s, gamma)

    def backward(self, ctx, saved, dy):
        x, mu, s, gamma = saved
        xhat = x - mu
        xhat *= s
        dgamma = sum_row_products(dy, xhat) if ctx.needs.gamma else None
        dbeta = sum_rows(dy) if ctx.needs.beta else None
        if not ctx.needs.x:
            return None, dgamma, dbeta
        dx = _across(xhat, gamma, dy)
        dx -= _means(dx)  # which is mean g, since mean x̂ is 0
        dx *= s
        return dx, dgamma, dbeta

    @classmethod
    def examples(cls, rng):
        yield cls(), (1 + 2 * rng.standard_normal((4, 3)),)
        yield cls(eps=0.1, scale=False), (rng.standard_normal((4, 2, 3)) - 1,)
        yield cls(bias=False), (rng.standard_normal((2, 3, 4, 5)),)
        yield cls(scale=False, bias=False), (rng.standard_normal((4, 5)),)


class RmsNorm(Block):
    """y = γ x̂,   x̂ = x s,   s = 1/√(mean x² + eps), with the mean over each row.      x (N, ..., C) → y (N, ..., C)

    With g = γ δ_y:   ∂J/∂x = s (g − x̂ mean(g x̂)), the mean over the row,   ∂J/∂γ = Σ δ_y x̂. `scale` is whether there is
    a γ.      (Zhang and Sennrich 2019)
    """

    eps: Annotated[float, Gt(0)] = 1e-5
    scale: bool = True
    shapes = "x (N, ..., C), gamma (C,) -> y (N, ..., C)"
    batchwise = True

    def params(self, x):
        return {"gamma": Param(x.shape[-1:], init="ones")} if self.scale else {}

    def forward(self, ctx, x, *, gamma=None):
        s = 1 / np.sqrt(_mean_products(x, x) + self.eps)
        return _scaled(x * s, gamma, None), (x, s, gamma)

    def backward(self, ctx, saved, dy):
        x, s, gamma = saved
        xhat = x * s
        dgamma = sum_row_products(dy, xhat) if ctx.needs.gamma else None
        dx = np.multiply(_across(xhat, gamma, dy), s, out=xhat) if ctx.needs.x else None
        return dx, dgamma

    @classmethod
    def examples(cls, rng):
        yield cls(), (1 + 2 * rng.standard_normal((4, 3)),)
        yield cls(eps=0.1), (rng.standard_normal((4, 2, 3)),)
        yield cls(scale=False), (rng.standard_normal((2, 3, 4, 5)),)


class GroupNorm(Block):
    """y = γ x̂ + β,   x̂ = (x − μ) s,   s = 1/√(σ² + eps), with μ and σ² of the channels of one group in one example.

    x (N, ..., C) → y (N, ..., C); the C channels make `groups` groups of neighbours.
    With g = γ δ_y:   ∂J/∂x = s (g − mean g − x̂ mean(g x̂)), means over the group,   ∂J/∂γ = Σ δ_y x̂,   ∂J/∂β = Σ δ_y.
    `scale` and `bias` are whether there are γ and β.      (Wu and He 2018)
    """

    groups: Annotated[int, Ge(1)]
    eps: Annotated[float, Gt(0)] = 1e-5
    scale: bool = True
    bias: bool = True
    shapes = "x (N, ..., C), gamma (C,), beta (C,) -> y (N, ..., C)"
    batchwise = True

    def params(self, x):
        return _scale_and_bias(self, x.shape[-1:])

    def forward(self, ctx, x, *, gamma=None, beta=None):
        if x.shape[-1] % self.groups:
            raise ValueError(f"x has {x.shape[-1]} channels; they cannot make {self.groups} equal groups")
        y, mu, s = _by_groups(x, gamma, beta, self.groups, self.eps)
        return y, (x, mu, s, gamma)

    def backward(self, ctx, saved, dy):
        return _group_gradients(ctx, saved, dy, self.groups)

    @classmethod
    def examples(cls, rng):
        yield cls(groups=2), (1 + 2 * rng.standard_normal((3, 5, 4)),)
        yield cls(groups=3, eps=0.1, scale=False), (rng.standard_normal((2, 3, 4, 6)) - 1,)
        yield cls(groups=1, bias=False), (rng.standard_normal((4, 3)),)
        yield cls(groups=2, scale=False, bias=False), (rng.standard_normal((3, 2, 6)),)


class InstanceNorm(Block):
    """y = γ x̂ + β,   x̂ = (x − μ) s,   s = 1/√(σ² + eps), with μ and σ² of one channel of one example.

    x (N, ..., C) → y (N, ..., C).   With g = γ δ_y:   ∂J/∂x = s (g − mean g − x̂ mean(g x̂)), means over the positions,
    ∂J/∂γ = Σ δ_y x̂,   ∂J/∂β = Σ δ_y. `scale` and `bias` are whether there are γ and β.
    (Ulyanov, Vedaldi and Lempitsky 2016)
    """

    eps: Annotated[float, Gt(0)] = 1e-5
    scale: bool = True
    bias: bool = True
    shapes = "x (N, ..., C), gamma (C,), beta (C,) -> y (N, ..., C)"
    batchwise = True

    def params(self, x):
        return _scale_and_bias(self, x.shape[-1:])

    def forward(self, ctx, x, *, gamma=None, beta=None):
        y, mu, s = _by_groups(x, gamma, beta, x.shape[-1], self.eps)
        return y, (x, mu, s, gamma)

    def backward(self, ctx, saved, dy):
        return _group_gradients(ctx, saved, dy, dy.shape[-1])

    @classmethod
    def examples(cls, rng):
        yield cls(), (1 + 2 * rng.standard_normal((3, 5, 2)),)
        yield cls(eps=0.1, scale=False), (rng.standard_normal((2, 3, 4, 5)) - 1,)
        yield cls(bias=False), (rng.standard_normal((4, 5, 3)),)
        yield cls(scale=False, bias=False), (rng.standard_normal((2, 6, 3)),)


def _scale_and_bias(block, shape):
    gamma = {"gamma": Param(shape, init="ones")} if block.scale else {}
    return gamma | ({"beta": Param(shape, init="zeros")} if block.bias else {})


def _scaled(y, gamma, beta):
    """γ y + β, in place, each where it is given."""
    y = y if gamma is None else rowwise(np.multiply, y, gamma, out=y)
    return y if beta is None else rowwise(np.add, y, beta, out=y)


def _means(x):
    """The mean over the last axis, which stays with length 1.   A product with ones, since NumPy's sum is slower."""
    return (x @ np.ones_like(x, shape=x.shape[-1:]) / x.shape[-1])[..., None]


def _mean_products(x, y):
    """The mean of x y over the last axis, which stays with length 1, in one pass over both."""
    return np.einsum("...i,...i->...", x, y)[..., None] / x.shape[-1]


def _across(xhat, gamma, dy):
    """g − x̂ mean(g x̂) with g = γ δ_y, in the place of x̂: what of g does not lengthen x̂."""
    g = dy if gamma is None else rowwise(np.multiply, dy, gamma)
    xhat *= -_mean_products(g, xhat)
    xhat += g
    return xhat


def _by_groups(x, gamma, beta, groups, eps):
    """y, and for every channel of every example, (N, C), the μ and the s of its group."""
    mu = _group_means(channel_sums(x), x.shape, groups)
    y = channelwise(np.subtract, x, mu)
    s = 1 / np.sqrt(_group_means(channel_products(y, y), x.shape, groups) + eps)
    y = channelwise(np.multiply, y, s if gamma is None else s * gamma, out=y)
    return _scaled(y, None, beta), mu, s


def _group_gradients(ctx, saved, dy, groups):
    """What `backward` returns. All sums are first taken for every channel, (N, C), of which groups then add up some."""
    x, mu, s, gamma = saved
    centred = channelwise(np.subtract, x, mu)
    products, sums = s * channel_products(dy, centred), channel_sums(dy)
    dgamma = products.sum(axis=0) if ctx.needs.gamma else None
    dbeta = sums.sum(axis=0) if ctx.needs.beta else None
    if not ctx.needs.x:
        return None, dgamma, dbeta
    gamma = 1 if gamma is None else gamma
    dx = channelwise(np.multiply, centred, -s * s * _group_means(gamma * products, x.shape, groups), out=centred)
    dx = channelwise(np.subtract, dx, s * _group_means(gamma * sums, x.shape, groups), out=dx)
    dx += channelwise(np.multiply, dy, s * gamma)
    return dx, dgamma, dbeta


def _group_means(sums, shape, groups):
    """From sums for every channel, (N, C), of an array of `shape` the mean over each group, for every channel of it."""
    N, C = sums.shape
    total = sums.reshape(N, groups, C // groups).sum(axis=2)
    return np.repeat(total / (math.prod(shape[1:]) // groups), C // groups, axis=1)
