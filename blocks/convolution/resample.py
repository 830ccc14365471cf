"""Images made larger by a whole factor: by copying, by interpolation, or out of channels."""

from typing import Literal

import numpy as np

from blockrun.core import Block

from .._batch import pieces
from .._window import Size2, per_axis


class Upsample(Block):
    """y = x with f times as many rows and g times as many columns.      x (N, H, W, C) → y (N, H·f, W·g, C)

    `factor` is (f, g), or one number for both. nearest: y[i] = x[⌊i / f⌋] along each axis. bilinear: numbers stand in
    the middle of their pixels, so that y[i] lies at s = (i + ½) / f − ½ of x and is (1 − t) x[⌊s⌋] + t x[⌊s⌋ + 1] with
    t = s − ⌊s⌋, where x goes on as it ends (PyTorch's `align_corners=False`).
    ∂J/∂x: every δ_y with the weights its y has in x.      (Long, Shelhamer and Darrell 2015)
    """

    factor: Size2
    kind: Literal["nearest", "bilinear"] = "nearest"
    shapes = "x (N, H, W, C) -> y (N, _, _, C)"
    batchwise = True

    def forward(self, ctx, x):
        factors = per_axis(self.factor, 2)
        return (_copied(x, *factors) if self.kind == "nearest" else _blended(x, factors)), None

    def backward(self, ctx, saved, dy):
        factors = per_axis(self.factor, 2)
        return _copied_dx(dy, factors) if self.kind == "nearest" else _blended_dx(dy, factors)

    @classmethod
    def examples(cls, rng):
        for kind in ("nearest", "bilinear"):
            yield cls(factor=2, kind=kind), (rng.standard_normal((2, 3, 4, 5)),)
            yield cls(factor=(3, 1), kind=kind), (rng.standard_normal((3, 2, 4, 1)),)
            yield cls(factor=(2, 5), kind=kind), (rng.standard_normal((2, 1, 3, 2)),)


class PixelShuffle(Block):
    """y[n, i·f + u, j·g + v, c] = x[n, i, j, (u·g + v)·C + c].      x (N, H, W, f·g·C) → y (N, H·f, W·g, C)

    Every f × g square of y is the channels of one pixel of x, `factor` (f, g) or one number for both. Channels of one
    pixel of y lie together in x, as in TensorFlow's depth_to_space; PyTorch's pixel_shuffle counts them c first.
    ∂J/∂x = δ_y put back in its place.      (Shi et al. 2016, equation 4)
    """

    factor: Size2
    shapes = "x (N, H, W, _) -> y (N, _, _, _)"
    batchwise = True

    def forward(self, ctx, x):
        N, H, W, channels = x.shape
        f, g = per_axis(self.factor, 2)
        if channels % (f * g):
            raise ValueError(f"x has {channels} channels; `factor`, {f} × {g}, takes a multiple of {f * g}")
        squares = x.reshape(N, H, W, f, g, channels // (f * g)).swapaxes(2, 3)
        return squares.reshape(N, H * f, W * g, channels // (f * g)), None

    def backward(self, ctx, saved, dy):
        N, H, W, C = dy.shape
        f, g = per_axis(self.factor, 2)
        return dy.reshape(N, H // f, f, W // g, g, C).swapaxes(2, 3).reshape(N, H // f, W // g, f * g * C)

    @classmethod
    def examples(cls, rng):
        yield cls(factor=2), (rng.standard_normal((2, 3, 5, 12)),)
        yield cls(factor=(3, 2)), (rng.standard_normal((3, 2, 1, 24)),)


def _copied(x, f, g):
    N, H, W, C = x.shape
    return np.broadcast_to(x[:, :, None, :, None], (N, H, f, W, g, C)).reshape(N, H * f, W * g, C)


def _copied_dx(dy, factors):
    for axis, factor in enumerate(factors, 1):
        first, *others = (dy[_at(axis, phase, None, factor)] for phase in range(factor))
        dy = first.copy()
        for other in others:
            dy += other
    return dy


def _blended(x, factors):
    f, g = factors
    y = np.empty_like(x, shape=(len(x), x.shape[1] * f, x.shape[2] * g, x.shape[3]), order="C")
    for some in pieces(x):
        y[some] = _blended_along(_blended_along(x[some], 1, f), 2, g)
    return y


def _blended_dx(dy, factors):
    f, g = factors
    dx = np.empty_like(dy, shape=(len(dy), dy.shape[1] // f, dy.shape[2] // g, dy.shape[3]), order="C")
    for some in pieces(dy):
        dx[some] = _blended_along_dx(_blended_along_dx(dy[some], 2, g), 1, f)
    return dx


def _blended_along(x, axis, factor):
    size = x.shape[axis]
    ends = np.concatenate([x[_at(axis, 0, 1)], x, x[_at(axis, size - 1, size)]], axis=axis)
    y = np.empty_like(x, shape=(*x.shape[:axis], size * factor, *x.shape[axis + 1 :]), order="C")
    for phase, (below, t) in enumerate(_between(factor)):
        y[_at(axis, phase, None, factor)] = (1 - t) * ends[_at(axis, below, below + size)]
        y[_at(axis, phase, None, factor)] += t * ends[_at(axis, below + 1, below + 1 + size)]
    return y


def _blended_along_dx(dy, axis, factor):
    size = dy.shape[axis] // factor
    dends = np.zeros_like(dy, shape=(*dy.shape[:axis], size + 2, *dy.shape[axis + 1 :]), order="C")
    for phase, (below, t) in enumerate(_between(factor)):
        dends[_at(axis, below, below + size)] += (1 - t) * dy[_at(axis, phase, None, factor)]
        dends[_at(axis, below + 1, below + 1 + size)] += t * dy[_at(axis, phase, None, factor)]
    dends[_at(axis, 1, 2)] += dends[_at(axis, 0, 1)]
    dends[_at(axis, size, size + 1)] += dends[_at(axis, size + 1, size + 2)]
    return dends[_at(axis, 1, 1 + size)]


def _between(factor):
    """For each of the `factor` y to a pixel where the number below it begins in x with its ends repeated, and t."""
    for phase in range(factor):
        s = (phase + 0.5) / factor - 0.5
        yield (1, s) if s >= 0 else (0, s + 1)


def _at(axis, *part):
    return (*(slice(None),) * axis, slice(*part))
