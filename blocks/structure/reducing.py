"""Reducing: blocks that make one number of many, over some axes or all."""

import math

import numpy as np

from blockrun.core import Block

from .._axes import Axes, axes_of, largest, leaves_examples


class ReduceSum(Block):
    """y = Σ x over `axis`, one or several, or over all if it is null; with `keepdims` they stay, with length 1.

    x (..., K, ...) → y (..., ...).   ∂J/∂x = δ_y in every place that was summed.      (a sum is linear)
    """

    axis: Axes | None = -1
    keepdims: bool = False
    formula = "sum(x, axis=axis, keepdims=keepdims)"

    @property
    def batchwise(self):
        return not self.keepdims if self.axis is None else leaves_examples(self.axis)  # one number adds up over pieces

    def forward(self, ctx, x):
        axes = axes_of(x.shape, self.axis)
        return x.sum(axes, keepdims=self.keepdims), (x.shape, axes)

    def backward(self, ctx, saved, dy):
        shape, axes = saved
        return np.broadcast_to(_kept(dy, shape, axes), shape)

    @classmethod
    def examples(cls, rng):
        yield from _examples(cls, rng)


class ReduceMean(Block):
    """y = the mean of x over `axis`, one or several, or of all if it is null; with `keepdims` they stay, with length 1.

    x (..., K, ...) → y (..., ...).   ∂J/∂x = δ_y / n in each of the n places; 0 of no numbers.      (a mean is linear)
    """

    axis: Axes | None = -1
    keepdims: bool = False
    formula = "mean(x, axis, keepdims=keepdims)"

    @property
    def batchwise(self):
        return self.axis is not None and leaves_examples(self.axis)

    def forward(self, ctx, x):
        axes = axes_of(x.shape, self.axis)
        n = math.prod(x.shape[i] for i in axes) or 1
        return x.sum(axes, keepdims=self.keepdims) / n, (x.shape, axes, n)

    def backward(self, ctx, saved, dy):
        shape, axes, n = saved
        return np.broadcast_to(_kept(dy, shape, axes) / n, shape)

    @classmethod
    def examples(cls, rng):
        yield from _examples(cls, rng)


class ReduceMax(Block):
    """y = the largest x over `axis`, one or several, or of all if it is null; with `keepdims` they stay, with length 1.

    x (..., K, ...) → y (..., ...).   ∂J/∂x = δ_y at the largest x, else 0; several that are equal, which is a kink,
    share it equally. Of no numbers −∞.      (Clarke 1983, Optimization and Nonsmooth Analysis, §2.3)
    """

    axis: Axes | None = -1
    keepdims: bool = False
    formula = "max(x, axis, keepdims=keepdims)"

    @property
    def batchwise(self):
        return self.axis is not None and leaves_examples(self.axis)

    def forward(self, ctx, x):
        axes = axes_of(x.shape, self.axis)
        y = largest(x, axes)
        return (y if self.keepdims else y.squeeze(axes)), (x, y, axes)

    def backward(self, ctx, saved, dy):
        x, y, axes = saved
        equal = x == y
        count = equal.sum(axes, dtype=dy.dtype, keepdims=True)
        return np.where(equal, dy.reshape(y.shape) / np.maximum(count, 1), 0)

    @classmethod
    def examples(cls, rng):
        yield from _examples(cls, rng)


class Logsumexp(Block):
    """y = ln Σ eˣ over `axis`, one or several, or over all if it is null; with `keepdims` they stay, with length 1.

    x (..., K, ...) → y (..., ...).   ∂J/∂x = δ_y eˣ⁻ʸ, which is δ_y softmax(x). The largest x is taken out of the sum,
    so that nothing overflows; of no numbers it is −∞.      (Blanchard, Higham and Higham 2021)
    """

    axis: Axes | None = -1
    keepdims: bool = False
    formula = "log(sum(exp(x), axis=axis, keepdims=keepdims))"

    @property
    def batchwise(self):
        return self.axis is not None and leaves_examples(self.axis)

    def forward(self, ctx, x):
        axes = axes_of(x.shape, self.axis)
        most = largest(x, axes)
        total = np.exp(x - most).sum(axes, keepdims=True)
        with np.errstate(divide="ignore"):  # ln 0, of no numbers
            y = most + np.log(total)
        return (y if self.keepdims else y.squeeze(axes)), (x, most, total)

    def backward(self, ctx, saved, dy):
        x, most, total = saved
        return np.exp(x - most) * dy.reshape(most.shape) / total

    @classmethod
    def examples(cls, rng):
        yield from _examples(cls, rng)


def _kept(dy, shape, axes):
    """dy with the axes that were reduced back, with length 1."""
    return dy.reshape([1 if i in axes else size for i, size in enumerate(shape)])


def _examples(cls, rng):
    yield cls(), (rng.standard_normal((4, 3)),)
    yield cls(axis=1, keepdims=True), (rng.standard_normal((4, 3, 2)),)
    yield cls(axis=(1, -1)), (rng.standard_normal((4, 3, 2)),)
    yield cls(axis=(0, 2), keepdims=True), (rng.standard_normal((4, 3, 2)),)
    yield cls(axis=None), (rng.standard_normal((4, 3)),)
    yield cls(axis=None, keepdims=True), (rng.standard_normal((4, 3)),)
    yield cls(axis=None), (rng.standard_normal(()),)
