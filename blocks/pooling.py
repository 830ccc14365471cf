"""Pooling: blocks that put one number in the place of all those a window sees, channel by channel."""

import numpy as np

from blockrun.core import Block
from blockrun.core.options import OptionError

from ._window import Pad, Sizes, pair, window


class MaxPool2d(Block):
    """y[n, i, j, c] = max of x over the window at (i, j); padding never wins.      x (N, H, W, C) → y (N, H', W', C)

    ∂J/∂x: each δ_y goes to the x that was largest; of equal ones, which is a kink, to the first in row order.
    (Zhou and Chellappa 1988)
    """

    size: Sizes
    stride: Sizes | None = None
    pad: Pad = 0
    shapes = "x (N, H, W, C) -> y (N, _, _, C)"
    batchwise = True

    def validate(self):
        _refuse_wide_pad(self)

    def forward(self, ctx, x):
        win = _window(self, x)
        first, *taps = win.taps(win.padded(x, -np.inf))
        y = first.copy(order="C")
        for tap in taps:
            np.maximum(y, tap, out=y)
        return y, (x, y)

    def backward(self, ctx, saved, dy):
        x, y = saved
        win = _window(self, x)
        dx = win.frame(x, len(x))
        waiting = np.ones_like(y, dtype=bool)
        for tap, dtap in zip(win.taps(win.padded(x, -np.inf)), win.taps(dx), strict=True):
            largest = (tap == y) & waiting
            dtap += dy * largest
            waiting &= ~largest
        return win.inside(dx)

    @classmethod
    def examples(cls, rng):
        yield from _examples(cls, rng)


class AveragePool2d(Block):
    """y[n, i, j, c] = mean of x over the window at (i, j); padding is not counted.   x (N, H, W, C) → y (N, H', W', C)

    ∂J/∂x: each δ_y is shared equally by the x that its window saw.      (LeCun et al. 1998)
    """

    size: Sizes
    stride: Sizes | None = None
    pad: Pad = 0
    shapes = "x (N, H, W, C) -> y (N, _, _, C)"
    batchwise = True

    def validate(self):
        _refuse_wide_pad(self)

    def forward(self, ctx, x):
        win = _window(self, x)
        count = _sum_of_taps(win, np.ones_like(x, shape=(1, *x.shape[1:3], 1)))
        y = _sum_of_taps(win, x)
        y /= count
        return y, (x.shape, count)

    def backward(self, ctx, saved, dy):
        shape, count = saved
        dx = np.zeros_like(dy, shape=shape, order="C")
        win = _window(self, dx)
        frame, share = win.padded(dx), dy / count
        for dtap in win.taps(frame):
            dtap += share
        return win.inside(frame)

    @classmethod
    def examples(cls, rng):
        yield from _examples(cls, rng)


def _sum_of_taps(win, x):
    first, *taps = win.taps(win.padded(x))
    y = first.copy(order="C")
    for tap in taps:
        y += tap
    return y


def _window(block, x):
    return window(x.shape, block.size, block.size if block.stride is None else block.stride, block.pad)


def _refuse_wide_pad(block):
    """A window that sees nothing but padding has neither a maximum nor a mean."""
    if isinstance(block.pad, str):
        return
    for pads, size in zip(pair(block.pad), pair(block.size), strict=True):
        if max(pair(pads)) >= size:
            raise OptionError("pad", f"`pad` is {block.pad}; it must be smaller than `size`, {block.size}")


def _examples(cls, rng):
    yield cls(size=2), (_distinct(rng, (2, 4, 6, 3)),)
    yield cls(size=(3, 2), stride=(1, 2), pad=1), (_distinct(rng, (2, 4, 5, 3)),)
    yield cls(size=3, stride=2, pad="same"), (_distinct(rng, (2, 6, 5, 3)),)
    yield cls(size=3, stride=1, pad="same"), (_distinct(rng, (2, 4, 5, 3)),)
    yield cls(size=1, stride=2, pad="same"), (_distinct(rng, (2, 4, 2, 3)),)
    for pad in (((1, 0), (0, 0)), ((0, 1), (0, 0)), ((0, 0), (1, 0)), ((0, 0), (0, 1))):
        yield cls(size=2, stride=1, pad=pad), (_distinct(rng, (2, 3, 4, 2)),)
    yield cls(size=(2, 3), stride=1, pad="valid"), (_distinct(rng, (2, 3, 5, 4)),)
    yield cls(size=(2, 3), stride=4, pad=((0, 1), (2, 1))), (_distinct(rng, (2, 5, 6, 3)),)


def _distinct(rng, shape):
    """Numbers that differ by enough for a small step not to change which is the largest."""
    count = int(np.prod(shape))
    return rng.permutation(np.linspace(-2, 2, count)).reshape(shape)
