"""Convolution as matrix products: what a window reads is copied into the rows of a matrix, a cacheful at a time."""

from typing import Annotated

import numpy as np
from annotated_types import Ge

from blockrun.core import Block, Param
from blockrun.core.options import OptionError

from ._broadcast import rowwise, sum_rows
from ._window import Pad, Sizes, pair, window

PIECE = 2**21  # bytes of a matrix of patches: it and its product stay in the cache, and the product is large enough
SHORT = 16  # numbers; runs shorter than this are copied faster along the image


class Conv2d(Block):
    """y[n, i, j, m] = b[m] + Σ x[n, i·stride + u·dilation, j·stride + v·dilation, c] W[m, u, v, c], x padded with 0.

    x (N, H, W, C), W (M, kh, kw, C/groups), b (M,) → y (N, H', W', M); group g of the M reads group g of the C.
    With P the matrix whose rows are the patches of x: y = P Wᵀ + b, so that
    ∂J/∂W = δ_yᵀ P,   ∂J/∂b = Σ δ_y,   ∂J/∂P = δ_y W, which every patch adds to the x it was read from.
    `pad: same` gives ⌈H / stride⌉ rows.      (Dumoulin and Visin 2016; as products, Chellapilla et al. 2006)
    """

    channels: Annotated[int, Ge(1)]
    kernel: Sizes
    stride: Sizes = 1
    pad: Pad = 0
    dilation: Sizes = 1
    groups: Annotated[int, Ge(1)] = 1
    bias: bool = True
    shapes = "x (N, H, W, C), W (channels, _, _, _), b (channels,) -> y (N, _, _, channels)"
    batchwise = True

    def validate(self):
        if self.channels % self.groups:
            raise OptionError("groups", f"`groups` is {self.groups}; it must divide `channels`, {self.channels}")

    def params(self, x):
        if x.shape[-1] % self.groups:
            raise ValueError(f"x has {x.shape[-1]} channels; `groups`, {self.groups}, must divide them")
        M, (kh, kw), C = self.channels, pair(self.kernel), x.shape[-1] // self.groups
        W = {"W": Param((M, kh, kw, C), init="glorot", fan=(kh * kw * C, kh * kw * M // self.groups))}
        return W | {"b": Param((M,), init="zeros")} if self.bias else W

    def forward(self, ctx, x, *, W, b=None):
        win = self._window(x)
        y = np.empty_like(x, shape=(len(x), *win.output, self.channels), order="C")
        weights = W.reshape(self.groups, self.channels // self.groups, -1).swapaxes(1, 2)
        for piece, patches in self._patches(x, win):
            np.matmul(patches, weights, out=self._rows(y[piece]))
            if b is not None:
                rowwise(np.add, y[piece], b, out=y[piece])
        return y, (x, W)

    def backward(self, ctx, saved, dy):
        x, W = saved
        dx = self._dx(x, W, dy) if ctx.needs.x else None
        dW = self._dW(x, W, dy) if ctx.needs.W else None
        db = sum_rows(dy) if ctx.needs.b else None
        return dx, dW, db

    def _dW(self, x, W, dy):
        dW = np.zeros_like(W, shape=(self.groups, self.channels // self.groups, W[0].size), order="C")
        for piece, patches in self._patches(x, self._window(x)):
            dW += self._rows(dy[piece]).swapaxes(1, 2) @ patches
        return dW.reshape(W.shape)

    def _dx(self, x, W, dy):
        """One product for each position in the window, added to where that position reads."""
        win, (kh, kw) = self._window(x), pair(self.kernel)
        weights = W.reshape(self.groups, -1, kh * kw, W.shape[3]).transpose(2, 0, 1, 3)
        dx = np.empty_like(x, order="C")
        step = _step(x, win)
        frame = win.frame(x, step)
        space = np.empty_like(x, shape=(kh * kw, step * win.places, x.shape[3]), order="C")
        for piece in _pieces(len(x), step):
            dtaps, dframe = space[:, : len(dy[piece]) * win.places], frame[: len(dy[piece])]
            np.matmul(self._rows(dy[piece]), weights, out=_by_group(dtaps, self.groups))
            dframe[...] = 0
            for read, dtap in zip(win.taps(dframe), dtaps, strict=True):
                read += dtap.reshape(read.shape)
            dx[piece] = win.inside(dframe)
        return dx

    def _patches(self, x, win):
        """For each piece of the batch its slice and its patches, (groups, n H' W', kh kw C/groups).

        Both are good until the next piece: the patches are written over.
        """
        step = _step(x, win)
        frame = win.frame(x, step)
        views = self._views(win, frame)
        space = np.empty_like(x, shape=(views.size,), order="C")
        for piece in _pieces(len(x), step):
            n = piece.stop - piece.start
            win.inside(frame)[:n] = x[piece]
            read = views[:, :n]
            patches = _laid_out(space[: read.size], read.shape, min(win.dilation) > 1)
            patches[...] = read
            yield piece, patches.reshape(self.groups, n * win.places, -1)

    def _views(self, win, frame):
        """All that the window reads in `frame`, without copying: (groups, N, H', W', kh, kw, C/groups)."""
        views = win.views(frame)
        n, height, width, C, kh, kw = views.shape
        return views.reshape(n, height, width, self.groups, C // self.groups, kh, kw).transpose(3, 0, 1, 2, 5, 6, 4)

    def _rows(self, y):
        """y (n, H', W', M) as (groups, n H' W', M/groups)."""
        return _by_group(y.reshape(-1, self.channels), self.groups)

    def _window(self, x):
        return window(x.shape, self.kernel, self.stride, self.pad, self.dilation)

    @classmethod
    def examples(cls, rng):
        yield cls(channels=4, kernel=3), (rng.standard_normal((2, 6, 5, 3)),)
        yield cls(channels=4, kernel=(3, 2), stride=(1, 2), pad="same"), (rng.standard_normal((2, 5, 6, 3)),)
        yield cls(channels=2, kernel=2, stride=3, pad="same", bias=False), (rng.standard_normal((3, 5, 7, 1)),)
        yield cls(channels=2, kernel=(2, 3), pad="valid", dilation=(2, 1)), (rng.standard_normal((2, 5, 6, 3)),)
        yield cls(channels=6, kernel=2, pad=((0, 1), (2, 1)), groups=2), (rng.standard_normal((3, 4, 3, 4)),)
        yield cls(channels=3, kernel=3, pad=(2, 1), dilation=2, groups=3), (rng.standard_normal((2, 4, 5, 3)),)
        yield cls(channels=2, kernel=(1, 3), pad=1, stride=2), (rng.standard_normal((2, 4, 5, 17)),)
        yield cls(channels=1, kernel=1, stride=2, pad="same"), (rng.standard_normal((3, 2, 1, 1)),)


def _step(x, win):
    """How many images make a piece: the matrix of their patches is about `PIECE` bytes."""
    size = win.places * win.kernel[0] * win.kernel[1] * x.shape[3] * x.dtype.itemsize
    return max(1, min(len(x), PIECE // size))


def _pieces(count, step):
    return [slice(start, min(start + step, count)) for start in range(0, count, step)]


def _by_group(x, groups):
    """x (..., P, C) as (..., groups, P, C/groups)."""
    return x.reshape(*x.shape[:-1], groups, -1).swapaxes(-2, -3)


def _laid_out(space, shape, dilated):
    """`space` as an array (groups, n, H', W', kh, kw, C), the axes in the order that is copied fastest."""
    *places, kh, kw, C = shape
    if C * (1 if dilated else kw) >= SHORT:
        return space.reshape(shape)
    groups, *places = places
    return space.reshape(groups, kh, kw, C, *places).transpose(0, 4, 5, 6, 1, 2, 3)
