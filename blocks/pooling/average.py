"""Average pooling along one, two and three axes: the mean of what a window sees, channel by channel."""

import functools

import numpy as np

from blockrun.core import Block

from .._batch import pieces
from .._window import Pad1, Pad2, Pad3, Size, Size2, Size3, Window, window
from ._examples import ONE, THREE, TWO, examples
from ._padding import refuse_wide_pad


class AveragePool1d(Block):
    """y[n, t, c] = mean of x over the window at t.      x (N, T, C) → y (N, T', C)

    Padding does not count; with `count_padding` it counts as zeros. With `ceil` a last window that hangs over the end
    counts too, if it starts before the end; what hangs over never counts.
    ∂J/∂x: each δ_y is shared equally by what its window counted.      (LeCun et al. 1998)
    """

    size: Size
    stride: Size | None = None
    pad: Pad1 = 0
    ceil: bool = False
    count_padding: bool = False
    shapes = "x (N, T, C) -> y (N, _, C)"
    batchwise = True

    def validate(self):
        refuse_wide_pad(self, axes=1)

    def forward(self, ctx, x):
        win = _window(self, x.shape)
        counts = _counts(x, win, self.count_padding)
        return _mean(x, win, counts), (x.shape, win, counts)

    def backward(self, ctx, saved, dy):
        shape, win, counts = saved
        return _mean_dx(dy, shape, Window(*win), counts)

    @classmethod
    def examples(cls, rng):
        yield from _examples(cls, rng, ONE)


class AveragePool2d(Block):
    """y[n, i, j, c] = mean of x over the window at (i, j).      x (N, H, W, C) → y (N, H', W', C)

    Padding does not count; with `count_padding` it counts as zeros. With `ceil` last windows that hang over the end
    count too, if they start before the end (Caffe's sizes); what hangs over never counts.
    ∂J/∂x: each δ_y is shared equally by what its window counted.      (LeCun et al. 1998)
    """

    size: Size2
    stride: Size2 | None = None
    pad: Pad2 = 0
    ceil: bool = False
    count_padding: bool = False
    shapes = "x (N, H, W, C) -> y (N, _, _, C)"
    batchwise = True

    def validate(self):
        refuse_wide_pad(self, axes=2)

    def forward(self, ctx, x):
        win = _window(self, x.shape)
        counts = _counts(x, win, self.count_padding)
        return _mean(x, win, counts), (x.shape, win, counts)

    def backward(self, ctx, saved, dy):
        shape, win, counts = saved
        return _mean_dx(dy, shape, Window(*win), counts)

    @classmethod
    def examples(cls, rng):
        yield from _examples(cls, rng, TWO)


class AveragePool3d(Block):
    """y[n, i, j, k, c] = mean of x over the window at (i, j, k).      x (N, D, H, W, C) → y (N, D', H', W', C)

    Padding does not count; with `count_padding` it counts as zeros. With `ceil` last windows that hang over the end
    count too, if they start before the end; what hangs over never counts.
    ∂J/∂x: each δ_y is shared equally by what its window counted.      (LeCun et al. 1998)
    """

    size: Size3
    stride: Size3 | None = None
    pad: Pad3 = 0
    ceil: bool = False
    count_padding: bool = False
    shapes = "x (N, D, H, W, C) -> y (N, _, _, _, C)"
    batchwise = True

    def validate(self):
        refuse_wide_pad(self, axes=3)

    def forward(self, ctx, x):
        win = _window(self, x.shape)
        counts = _counts(x, win, self.count_padding)
        return _mean(x, win, counts), (x.shape, win, counts)

    def backward(self, ctx, saved, dy):
        shape, win, counts = saved
        return _mean_dx(dy, shape, Window(*win), counts)

    @classmethod
    def examples(cls, rng):
        yield from _examples(cls, rng, THREE)


def _window(block, shape):
    return window(shape, block.size, block.stride or block.size, block.pad, 1, block.ceil)


def _mean(x, win, counts):
    y = np.empty_like(x, shape=(len(x), *win.output, x.shape[-1]), order="C")
    for some in pieces(x):
        np.divide(win.sums(x[some]), counts, out=y[some])
    return y


def _mean_dx(dy, shape, win, counts):
    dx = np.empty_like(dy, shape=shape, order="C")
    for some in pieces(dx):
        dx[some] = win.spread(dy[some] / counts, shape)
    return dx


def _counts(x, win, count_padding):
    """How many numbers each window counts: one number, or (*output, C) like an image of y where they differ."""
    if not any(map(any, win.pad)):
        return win.positions
    along = [_counts_along(win, axis, size, count_padding) for axis, size in enumerate(x.shape[1:-1])]
    counts = np.asarray(functools.reduce(np.multiply.outer, along), dtype=x.dtype, like=x)
    return np.repeat(counts[..., None], x.shape[-1], axis=-1)


def _counts_along(win, axis, size, count_padding):
    """How many positions each window counts along one axis."""
    before, after = win.pad[axis]
    first, last = (-before, size + after - win.overhang[axis]) if count_padding else (0, size)
    starts = [place * win.stride[axis] - before for place in range(win.output[axis])]
    return [min(start + win.kernel[axis], last) - max(start, first) for start in starts]


def _examples(cls, rng, cases):
    yield from examples(cls, rng, cases)
    padded = [({**options, "count_padding": True}, shape) for options, shape in cases if "pad" in options]
    yield from examples(cls, rng, padded[:1] + padded[-1:])
