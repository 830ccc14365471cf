"""Max pooling along one, two and three axes: the largest of what a window sees, channel by channel."""

import numpy as np

from blockrun.core import Block

from .._batch import pieces
from .._window import Pad1, Pad2, Pad3, Size, Size2, Size3, Window, window
from ._examples import ONE, THREE, TWO, examples
from ._padding import refuse_wide_pad


class MaxPool1d(Block):
    """y[n, t, c] = max of x over the window at t; padding never wins.      x (N, T, C) → y (N, T', C)

    With `ceil` a last window that hangs over the end counts too, if it starts before the end.
    ∂J/∂x: each δ_y goes to the x that was largest; of equal ones, which is a kink, to the first.
    (Zhou and Chellappa 1988)
    """

    size: Size
    stride: Size | None = None
    pad: Pad1 = 0
    ceil: bool = False
    shapes = "x (N, T, C) -> y (N, _, C)"
    batchwise = True

    def validate(self):
        refuse_wide_pad(self, axes=1)

    def forward(self, ctx, x):
        win = _window(self, x.shape)
        y, which = _largest(x, win, ctx.needs.x)
        return y, (x.shape, win, which)

    def backward(self, ctx, saved, dy):
        shape, win, which = saved
        return _to_largest(dy, which, shape, Window(*win))

    @classmethod
    def examples(cls, rng):
        yield from examples(cls, rng, ONE)


class MaxPool2d(Block):
    """y[n, i, j, c] = max of x over the window at (i, j); padding never wins.      x (N, H, W, C) → y (N, H', W', C)

    With `ceil` last windows that hang over the end count too, if they start before the end (Caffe's sizes).
    ∂J/∂x: each δ_y goes to the x that was largest; of equal ones, which is a kink, to the first in row order.
    (Zhou and Chellappa 1988)
    """

    size: Size2
    stride: Size2 | None = None
    pad: Pad2 = 0
    ceil: bool = False
    shapes = "x (N, H, W, C) -> y (N, _, _, C)"
    batchwise = True

    def validate(self):
        refuse_wide_pad(self, axes=2)

    def forward(self, ctx, x):
        win = _window(self, x.shape)
        y, which = _largest(x, win, ctx.needs.x)
        return y, (x.shape, win, which)

    def backward(self, ctx, saved, dy):
        shape, win, which = saved
        return _to_largest(dy, which, shape, Window(*win))

    @classmethod
    def examples(cls, rng):
        yield from examples(cls, rng, TWO)


class MaxPool3d(Block):
    """y[n, i, j, k, c] = max of x over the window at (i, j, k).      x (N, D, H, W, C) → y (N, D', H', W', C)

    Padding never wins. With `ceil` last windows that hang over the end count too, if they start before the end.
    ∂J/∂x: each δ_y goes to the x that was largest; of equal ones, which is a kink, to the first in row order.
    (Zhou and Chellappa 1988)
    """

    size: Size3
    stride: Size3 | None = None
    pad: Pad3 = 0
    ceil: bool = False
    shapes = "x (N, D, H, W, C) -> y (N, _, _, _, C)"
    batchwise = True

    def validate(self):
        refuse_wide_pad(self, axes=3)

    def forward(self, ctx, x):
        win = _window(self, x.shape)
        y, which = _largest(x, win, ctx.needs.x)
        return y, (x.shape, win, which)

    def backward(self, ctx, saved, dy):
        shape, win, which = saved
        return _to_largest(dy, which, shape, Window(*win))

    @classmethod
    def examples(cls, rng):
        yield from examples(cls, rng, THREE)


def _window(block, shape):
    return window(shape, block.size, block.stride or block.size, block.pad, 1, block.ceil)


def _largest(x, win, keep):
    """The largest number under each window and, if `keep`, at which of its positions it is, as small integers."""
    y = np.empty_like(x, shape=(len(x), *win.output, x.shape[-1]), order="C")
    which = np.zeros_like(y, dtype=np.min_scalar_type(win.positions - 1)) if keep else None
    for some in pieces(x):
        first, *others = win.taps(win.padded(x[some], -np.inf))
        largest = y[some]
        largest[...] = first
        for position, tap in enumerate(others, 1):
            if keep:
                larger = np.multiply(tap > largest, position, dtype=which.dtype)
                np.maximum(which[some], larger, out=which[some])
            np.maximum(largest, tap, out=largest)
    return y, which


def _to_largest(dy, which, shape, win):
    """The gradient of `_largest` for x of `shape`."""
    dframe = win.frame(dy, shape)
    for some in pieces(dframe):
        for position, read in enumerate(win.taps(dframe[some])):
            read += dy[some] * (which[some] == position)
    return win.inside(dframe)
