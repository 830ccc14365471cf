"""Transposed convolution: the linear map of a convolution turned round, its forward the other's gradient."""

import math
from typing import Annotated

import numpy as np
from annotated_types import Ge

from blockrun.core import Block

from .._broadcast import rowwise, sum_rows
from .._window import Pad2, Size2, Window, per_axis, sides, span, window
from ._products import convolve, convolve_dW, convolve_dx
from ._weights import require_whole_groups, weights_for


class ConvTranspose2d(Block):
    """Each x[n, i, j, c] adds x W[m, u, v, c] to y[n, i·stride + u·dilation, j·stride + v·dilation, m], which has b[m].

    x (N, H, W, C), W (M, kh, kw, C/groups), b (M,) → y (N, H', W', M), H' = (H − 1)·stride + (kh − 1)·dilation + 1 less
    `pad`, which is cut off here; `pad: same` leaves H·stride. Group g of the M is written by group g of the C.
    As a linear map it is the transpose of conv2d from M to C with these options and W[m, u, v, c] as W[c, u, v, m].
    So y is that conv2d's ∂J/∂x, ∂J/∂x that conv2d of δ_y, ∂J/∂W its ∂J/∂W with x for δ_y and δ_y for x, and
    ∂J/∂b = Σ δ_y.      (Zeiler et al. 2010; Dumoulin and Visin 2016)
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
    transposed = True  # a place of x writes what a place of y reads elsewhere

    def validate(self):
        require_whole_groups(self)

    def params(self, x):
        return weights_for(self, x, apart=math.prod(per_axis(self.stride, 2)))

    def forward(self, ctx, x, *, W, b=None):
        shape = (len(x), *self._sizes(x.shape[1:-1]), self.channels)
        win = window(shape, self.kernel, self.stride, self.pad, self.dilation, False)
        y = convolve_dx(shape, _turned(W, self.groups), x, win, self.groups)
        return y if b is None else rowwise(np.add, y, b, out=y), (x, W, win)

    def backward(self, ctx, saved, dy):
        x, W, win = saved
        win, turned = Window(*win), _turned(W, self.groups)
        dx = convolve(dy, turned, None, win, self.groups) if ctx.needs.x else None
        dW = _turned(convolve_dW(dy, turned, x, win, self.groups), self.groups) if ctx.needs.W else None
        db = sum_rows(dy) if ctx.needs.b else None
        return dx, dW, db

    def _sizes(self, sizes):
        """(H', W'), of which the convolution makes (H, W)."""
        stride, spans = per_axis(self.stride, 2), map(span, per_axis(self.kernel, 2), per_axis(self.dilation, 2))
        if self.pad == "same":
            return tuple(size * step for size, step in zip(sizes, stride, strict=True))
        pads = [sum(sides(pad)) for pad in per_axis(0 if self.pad == "valid" else self.pad, 2)]
        made = [(n - 1) * step + width for n, step, width in zip(sizes, stride, spans, strict=True)]
        if any(size <= pad for size, pad in zip(made, pads, strict=True)):
            cut = " × ".join(map(str, pads))
            raise ValueError(f"the windows reach over {made[0]} × {made[1]} and `pad` cuts off {cut}; nothing is left")
        return tuple(size - pad for size, pad in zip(made, pads, strict=True))

    @classmethod
    def examples(cls, rng):
        yield cls(channels=7, kernel=3), (rng.standard_normal((2, 3, 4, 5)),)
        yield cls(channels=2, kernel=(3, 4), stride=2, pad="same"), (rng.standard_normal((3, 2, 3, 1)),)
        yield cls(channels=3, kernel=2, stride=(3, 1), pad="same", bias=False), (rng.standard_normal((2, 2, 3, 2)),)
        odd = {"kernel": 3, "stride": 2, "pad": ((1, 0), (0, 1)), "dilation": (1, 2)}
        yield cls(channels=6, groups=2, **odd), (rng.standard_normal((2, 3, 2, 4)),)
        alone = {"kernel": 2, "stride": (2, 1), "pad": 1, "dilation": (2, 3)}
        yield cls(channels=3, groups=3, **alone), (rng.standard_normal((2, 3, 4, 3)),)
        yield cls(channels=2, groups=2, kernel=(1, 2)), (rng.standard_normal((3, 2, 3, 2)),)
        yield cls(channels=1, kernel=(1, 3), stride=(2, 1), pad="valid"), (rng.standard_normal((3, 2, 1, 17)),)


def _turned(W, groups):
    """W (M, ..., C/groups) as the weights (C, ..., M/groups) of a convolution from M to C, or the other way round."""
    made, *kernel, read = W.shape
    parts = W.reshape(groups, made // groups, math.prod(kernel), read)
    return parts.transpose(0, 3, 2, 1).reshape(groups * read, *kernel, made // groups)
