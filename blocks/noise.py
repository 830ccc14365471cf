"""Noise that regularises: blocks that draw random numbers in training and do nothing in evaluation."""

from typing import Annotated

import numpy as np
from annotated_types import Ge, Lt

from blockrun.core import Block


class Dropout(Block):
    """y = x m / (1 − p) with mask entries m = 0 with probability p, else 1; in evaluation y = x.   x (...) → y (...)

    The mean of y is x, so that evaluation needs no correction.
    ∂J/∂x = δ_y m / (1 − p).      (Srivastava et al. 2014, scaled in training)
    """

    p: Annotated[float, Ge(0), Lt(1)] = 0.5
    shapes = "x (...) -> y (...)"
    batchwise = True

    def forward(self, ctx, x):
        mask = _mask(ctx, self.p, x.shape)
        return _masked(x, mask, self.p), mask

    def backward(self, ctx, saved, dy):
        mask = saved
        return _masked(dy, mask, self.p)

    @classmethod
    def examples(cls, rng):
        yield cls(), (rng.standard_normal((4, 3)),)
        yield cls(p=0.2), (rng.standard_normal((4, 3, 2)),)
        yield cls(p=0), (rng.standard_normal((4, 3)),)


class SpatialDropout(Block):
    """y = x m / (1 − p) with a mask entry m per example and channel: a channel is dropped everywhere or nowhere.

    Neighbours in an image say nearly the same, so that one of them dropped by itself would hardly be missed.
    x (N, ..., C) → y (N, ..., C), in evaluation y = x.   ∂J/∂x = δ_y m / (1 − p).      (Tompson et al. 2015)
    """

    p: Annotated[float, Ge(0), Lt(1)] = 0.5
    shapes = "x (N, ..., C) -> y (N, ..., C)"
    batchwise = True

    def forward(self, ctx, x):
        mask = _mask(ctx, self.p, (x.shape[0], *(1,) * (x.ndim - 2), x.shape[-1]))
        return _masked(x, mask, self.p), mask

    def backward(self, ctx, saved, dy):
        mask = saved
        return _masked(dy, mask, self.p)

    @classmethod
    def examples(cls, rng):
        yield cls(), (rng.standard_normal((4, 5, 3)),)
        yield cls(p=0.3), (rng.standard_normal((4, 2, 5, 3)),)
        yield cls(p=0), (rng.standard_normal((4, 3)),)


class DropPath(Block):
    """y = x m / (1 − p) with a mask entry m per example: the branch of a residual block is dropped whole or not at all.

    An example whose branch is dropped has only the shortcut: it goes through a network of less depth.
    x (N, ...) → y (N, ...), in evaluation y = x.
    ∂J/∂x = δ_y m / (1 − p).      (Huang et al. 2016, stochastic depth, scaled in training)
    """

    p: Annotated[float, Ge(0), Lt(1)] = 0.1
    shapes = "x (N, ...) -> y (N, ...)"
    batchwise = True

    def forward(self, ctx, x):
        mask = _mask(ctx, self.p, (x.shape[0], *(1,) * (x.ndim - 1)))
        return _masked(x, mask, self.p), mask

    def backward(self, ctx, saved, dy):
        mask = saved
        return _masked(dy, mask, self.p)

    @classmethod
    def examples(cls, rng):
        yield cls(p=0.5), (rng.standard_normal((6, 5, 3)),)
        yield cls(p=0.3), (rng.standard_normal((7,)),)
        yield cls(p=0), (rng.standard_normal((4, 3)),)


class GaussianNoise(Block):
    """y = x + std · n, n independent and normal with mean 0 and variance 1; in evaluation y = x.   x (...) → y (...)

    ∂J/∂x = δ_y.      (Bishop 1995, Training with Noise is Equivalent to Tikhonov Regularization)
    """

    std: Annotated[float, Ge(0)]
    shapes = "x (...) -> y (...)"
    batchwise = True
    gradients = {"x": "dy"}

    def forward(self, ctx, x):
        if not ctx.training or self.std == 0:
            return x, None
        noise = ctx.rng.standard_normal(x.shape, dtype=np.float32)  # so that the draws are the same in any precision
        return x + self.std * noise, None

    def backward(self, ctx, saved, dy):
        return dy

    @classmethod
    def examples(cls, rng):
        yield cls(std=0.3), (rng.standard_normal((4, 3)),)
        yield cls(std=0), (rng.standard_normal((4, 3)),)


def _mask(ctx, p, shape):
    """True with probability 1 − p, in training; None if everything is kept."""
    return ctx.rng.random(shape, dtype=np.float32) >= p if ctx.training and p else None


def _masked(x, mask, p):
    """x m / (1 − p): what is kept makes up for what is not."""
    return x if mask is None else x * np.multiply(mask, 1 / (1 - p), dtype=x.dtype)
