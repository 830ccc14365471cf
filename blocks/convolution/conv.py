"""Convolution along one, two and three axes: the same products, written once for any number of axes."""

from typing import Annotated

from annotated_types import Ge

from blockrun.core import Block

from .._broadcast import sum_rows
from .._window import Pad1, Pad2, Pad3, Size, Size2, Size3, Window, window
from ._products import convolve, convolve_dW, convolve_dx
from ._weights import require_whole_groups, weights_for


class Conv1d(Block):
    """y[n, t, m] = b[m] + Σ x[n, t·stride + u·dilation, c] W[m, u, c], x (N, T, C) padded with 0 along T.

    x (N, T, C), W (M, k, C/groups), b (M,) → y (N, T', M); group g of the M reads group g of the C.
    `pad` is `same`, `valid`, a number, or [before, after]: [(k − 1)·dilation, 0] lets no y see a later x.
    ∂J/∂W = δ_yᵀ P,   ∂J/∂b = Σ δ_y,   ∂J/∂P = δ_y W with P the matrix of what each y reads.      (Waibel et al. 1989)
    """

    channels: Annotated[int, Ge(1)]
    kernel: Size
    stride: Size = 1
    pad: Pad1 = 0
    dilation: Size = 1
    groups: Annotated[int, Ge(1)] = 1
    bias: bool = True
    shapes = "x (N, T, C), W (channels, kernel, _), b (channels,) -> y (N, _, channels)"
    batchwise = True

    def validate(self):
        require_whole_groups(self)

    def params(self, x):
        return weights_for(self, x)

    def forward(self, ctx, x, *, W, b=None):
        win = _window(self, x)
        return convolve(x, W, b, win, self.groups), (x, W, win)

    def backward(self, ctx, saved, dy):
        x, W, win = saved
        return _gradients(ctx, x, W, dy, Window(*win), self.groups)

    @classmethod
    def examples(cls, rng):
        yield cls(channels=4, kernel=3), (rng.standard_normal((2, 13, 5)),)
        yield cls(channels=2, kernel=6, pad="same", bias=False), (rng.standard_normal((3, 4, 1)),)
        yield cls(channels=2, kernel=3, stride=2, pad="same"), (rng.standard_normal((2, 6, 3)),)
        yield cls(channels=6, kernel=2, pad=(2, 0), dilation=2, groups=2), (rng.standard_normal((2, 5, 4)),)
        yield cls(channels=4, kernel=3, pad=1, stride=2, groups=4), (rng.standard_normal((3, 16, 4)),)
        yield cls(channels=2, kernel=2, groups=2), (rng.standard_normal((3, 4, 2)),)
        yield cls(channels=3, kernel=2, pad="valid"), (rng.standard_normal((2, 2, 9)),)
        yield cls(channels=1, kernel=1, stride=2, pad="same"), (rng.standard_normal((3, 4, 2)),)


class Conv2d(Block):
    """y[n, i, j, m] = b[m] + Σ x[n, i·stride + u·dilation, j·stride + v·dilation, c] W[m, u, v, c], x padded with 0.

    x (N, H, W, C), W (M, kh, kw, C/groups), b (M,) → y (N, H', W', M); group g of the M reads group g of the C.
    With P the matrix whose rows are the patches of x: y = P Wᵀ + b, so that
    ∂J/∂W = δ_yᵀ P,   ∂J/∂b = Σ δ_y,   ∂J/∂P = δ_y W, which every patch adds to the x it was read from.
    `pad: same` gives ⌈H / stride⌉ rows.      (Dumoulin and Visin 2016; as products, Chellapilla et al. 2006)
    """

    channels: Annotated[int, Ge(1)]
    kernel: Size2
    stride: Size2 = 1
    pad: Pad2 = 0
    dilation: Size2 = 1
    groups: Annotated[int, Ge(1)] = 1
    bias: bool = True
    shapes = "x (N, H, W, C), W (channels, _, _, _), b (channels,) -> y (N, _, _, channels)"
    batchwise = True

    def validate(self):
        require_whole_groups(self)

    def params(self, x):
        return weights_for(self, x)

    def forward(self, ctx, x, *, W, b=None):
        win = _window(self, x)
        return convolve(x, W, b, win, self.groups), (x, W, win)

    def backward(self, ctx, saved, dy):
        x, W, win = saved
        return _gradients(ctx, x, W, dy, Window(*win), self.groups)

    @classmethod
    def examples(cls, rng):
        yield cls(channels=4, kernel=3), (rng.standard_normal((2, 6, 5, 3)),)
        yield cls(channels=4, kernel=(3, 2), stride=(1, 2), pad="same"), (rng.standard_normal((2, 5, 6, 3)),)
        yield cls(channels=2, kernel=2, stride=3, pad="same", bias=False), (rng.standard_normal((3, 5, 7, 1)),)
        yield cls(channels=2, kernel=(2, 3), pad="valid", dilation=(2, 1)), (rng.standard_normal((2, 5, 6, 3)),)
        yield cls(channels=6, kernel=2, pad=((0, 1), (2, 1)), groups=2), (rng.standard_normal((3, 4, 3, 4)),)
        yield cls(channels=3, kernel=3, pad=(2, 1), dilation=2, groups=3), (rng.standard_normal((2, 4, 5, 3)),)
        yield cls(channels=2, kernel=(1, 2), groups=2), (rng.standard_normal((3, 2, 4, 2)),)
        yield cls(channels=2, kernel=(1, 3), pad=1, stride=2), (rng.standard_normal((2, 4, 5, 17)),)
        yield cls(channels=1, kernel=1, stride=2, pad="same"), (rng.standard_normal((3, 2, 1, 1)),)


class Conv3d(Block):
    """y[n, p, m] = b[m] + Σ x[n, p·stride + u·dilation, c] W[m, u, c] for places p = (i, j, k), x padded with 0.

    x (N, D, H, W, C), W (M, kd, kh, kw, C/groups), b (M,) → y (N, D', H', W', M): volumes, or images over time D.
    Group g of the M reads group g of the C.
    ∂J/∂W = δ_yᵀ P,   ∂J/∂b = Σ δ_y,   ∂J/∂P = δ_y W with P the matrix of what each y reads.      (Tran et al. 2015)
    """

    channels: Annotated[int, Ge(1)]
    kernel: Size3
    stride: Size3 = 1
    pad: Pad3 = 0
    dilation: Size3 = 1
    groups: Annotated[int, Ge(1)] = 1
    bias: bool = True
    shapes = "x (N, D, H, W, C), W (channels, _, _, _, _), b (channels,) -> y (N, _, _, _, channels)"
    batchwise = True

    def validate(self):
        require_whole_groups(self)

    def params(self, x):
        return weights_for(self, x)

    def forward(self, ctx, x, *, W, b=None):
        win = _window(self, x)
        return convolve(x, W, b, win, self.groups), (x, W, win)

    def backward(self, ctx, saved, dy):
        x, W, win = saved
        return _gradients(ctx, x, W, dy, Window(*win), self.groups)

    @classmethod
    def examples(cls, rng):
        yield cls(channels=4, kernel=2), (rng.standard_normal((2, 3, 5, 4, 3)),)
        yield cls(channels=1, kernel=(1, 3, 2), stride=(1, 2, 3), pad="same"), (rng.standard_normal((2, 2, 3, 5, 1)),)
        yield cls(channels=2, kernel=2, dilation=(1, 2, 1), pad="valid"), (rng.standard_normal((2, 3, 4, 2, 5)),)
        pad = ((0, 1), (2, 0), (1, 1))
        yield cls(channels=4, kernel=2, pad=pad, groups=2, bias=False), (rng.standard_normal((2, 2, 1, 3, 6)),)
        yield cls(channels=3, kernel=(2, 1, 3), pad=(0, 1, 2), groups=3), (rng.standard_normal((2, 3, 1, 2, 3)),)
        yield cls(channels=2, kernel=(1, 2, 1), groups=2), (rng.standard_normal((3, 1, 4, 2, 2)),)


def _gradients(ctx, x, W, dy, win, groups):
    dx = convolve_dx(x.shape, W, dy, win, groups) if ctx.needs.x else None
    dW = convolve_dW(x, W, dy, win, groups) if ctx.needs.W else None
    db = sum_rows(dy) if ctx.needs.b else None
    return dx, dW, db


def _window(block, x):
    return window(x.shape, block.kernel, block.stride, block.pad, block.dilation, False)
