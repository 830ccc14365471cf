"""Patches: what a window reads, laid out as channels."""

import numpy as np

from blockrun.core import Block

from .._window import Pad2, Size2, Window, window


class Unfold(Block):
    """y[n, i, j, (u, v, c)] = x[n, i·stride + u·dilation, j·stride + v·dilation, c], x padded with 0.

    x (N, H, W, C) → y (N, H', W', kh kw C): the patches of x, whose numbers lie in the order of the weights of conv2d,
    so that linear with W (M, kh kw C) after it is a convolution.
    ∂J/∂x = the fold of δ_y: every number of a patch is added to the x it was read from, and what was read several times
    gets a sum.      (im2col; Chellapilla, Puri and Simard 2006)
    """

    kernel: Size2
    stride: Size2 = 1
    pad: Pad2 = 0
    dilation: Size2 = 1
    shapes = "x (N, H, W, C) -> y (N, _, _, _)"
    batchwise = True

    def forward(self, ctx, x):
        win = window(x.shape, self.kernel, self.stride, self.pad, self.dilation, False)
        read = np.moveaxis(win.views(win.padded(x)), 3, -1)
        return read.reshape(len(x), *win.output, win.positions * x.shape[-1]), (x.shape, win)

    def backward(self, ctx, saved, dy):
        shape, win = saved
        win = Window(*win)
        dframe, dtaps = win.frame(dy, shape), dy.reshape(*dy.shape[:-1], win.positions, shape[-1])
        for position, read in enumerate(win.taps(dframe)):
            read += dtaps[..., position, :]
        return win.inside(dframe)

    @classmethod
    def examples(cls, rng):
        yield cls(kernel=2), (rng.standard_normal((2, 3, 4, 5)),)
        yield cls(kernel=(3, 2), stride=(1, 2), pad="same"), (rng.standard_normal((2, 4, 3, 2)),)
        yield cls(kernel=(1, 3), stride=2, pad=((1, 0), (2, 1)), dilation=2), (rng.standard_normal((3, 2, 5, 1)),)
