"""Convolution along any number of axes as matrix products: what a window reads becomes rows of a matrix, in pieces."""

import math

import numpy as np

from .._batch import pieces, slices
from .._broadcast import rowwise, sum_rows

PIECE = 2**21  # bytes of a matrix of patches: it and its product stay in the cache, and the product is large enough
SHORT = 16  # numbers; runs shorter than this are copied faster along the image


def convolve(x, W, b, win, groups):
    """y = P Wᵀ + b, where a row of P is what the window reads at one place in x padded with 0.

    x (N, ..., C), W (M, ..., C/groups), b (M,) or None → y (N, ..., M)
    """
    if _alone(W, groups):
        return _alone_convolve(x, W, b, win)
    y = np.empty_like(x, shape=(len(x), *win.output, len(W)), order="C")
    weights = W.reshape(groups, len(W) // groups, -1).swapaxes(1, 2)
    for piece, patches in _patches(x, win, groups):
        np.matmul(patches, weights, out=_rows(y[piece], groups))
        if b is not None:
            rowwise(np.add, y[piece], b, out=y[piece])
    return y


def convolve_dW(x, W, dy, win, groups):
    """∂J/∂W = δ_yᵀ P."""
    if _alone(W, groups):
        return _alone_dW(x, W, dy, win)
    dW = np.zeros_like(W, shape=(groups, len(W) // groups, W[0].size), order="C")
    for piece, patches in _patches(x, win, groups):
        dW += _rows(dy[piece], groups).swapaxes(1, 2) @ patches
    return dW.reshape(W.shape)


def convolve_dx(shape, W, dy, win, groups):
    """∂J/∂P = δ_y W for x of `shape`: a product for each position in the window, added to where that position reads."""
    if _alone(W, groups):
        return _alone_dx(shape, W, dy, win)
    weights = W.reshape(groups, -1, win.positions, W.shape[-1]).transpose(2, 0, 1, 3)
    dx = np.empty_like(dy, shape=shape, order="C")
    images, rows = _step(dx, win)
    space = _space(dx, win)
    for some in slices(len(dy), images):
        dframe = win.frame(dy, dx[some].shape)
        for part in slices(win.output[0], rows):
            dy_rows = _rows(dy[some, part], groups)
            dtaps = _part_of(space, (win.positions, dy_rows.shape[1], shape[-1]))
            np.matmul(dy_rows, weights, out=_by_group(dtaps, groups))
            for read, dtap in zip(win.taps(dframe), dtaps, strict=True):
                read[:, part] += dtap.reshape(read[:, part].shape)
        dx[some] = win.inside(dframe)
    return dx


def _patches(x, win, groups):
    """For each piece of the places where the window stands its indices, and what is read there, (groups, P, K/groups).

    A piece is some images, or some rows of one. What is read is good until the next piece: it is written over.
    """
    images, rows = _step(x, win)
    frame, space = win.frame(x, (images, *x.shape[1:])), _space(x, win)
    views = _views(win, frame, groups)
    for some in slices(len(x), images):
        count = some.stop - some.start
        win.inside(frame)[:count] = x[some]
        for part in slices(win.output[0], rows):
            read = views[:, :count, part]
            patches = _laid_out(_part_of(space, read.shape), win)
            patches[...] = read
            yield (some, part), patches.reshape(groups, -1, win.positions * x.shape[-1] // groups)


def _views(win, frame, groups):
    """All that the window reads in `frame`, without copying: (groups, N, *output, *kernel, C/groups)."""
    views, c = win.views(frame), len(win.output) + 1
    views = views.reshape(*views.shape[:c], groups, views.shape[c] // groups, *win.kernel)
    return views.transpose(c, *range(c), *range(c + 2, views.ndim), c + 1)


def _laid_out(space, win):
    """`space` (groups, N, *output, *kernel, C), the axes in memory in the order that is copied fastest."""
    run = space.shape[-1] * (win.kernel[-1] if win.dilation[-1] == 1 else 1)
    if run >= SHORT:
        return space
    half = space.ndim // 2  # (N, *output) are as many axes as (*kernel, C), so that changing places twice is none
    axes = (0, *range(half + 1, space.ndim), *range(1, half + 1))
    return space.reshape([space.shape[axis] for axis in axes]).transpose(axes)


def _space(x, win):
    """Room for what is read in a piece, or is added to x from there: written over by piece after piece."""
    images, rows = _step(x, win)
    places = images * rows * math.prod(win.output[1:])
    return np.empty_like(x, shape=(places * win.positions * x.shape[-1],))


def _part_of(space, shape):
    return space[: math.prod(shape)].reshape(shape)


def _step(x, win):
    """How many images make a piece, or how many rows of an image by itself: their patches are about `PIECE` bytes."""
    image = win.places * win.positions * x.shape[-1] * x.dtype.itemsize
    return max(1, min(len(x), PIECE // image)), -(-win.output[0] // max(1, round(image / PIECE)))


def _rows(y, groups):
    """y (..., M) as (groups, P, M/groups)."""
    return _by_group(y.reshape(-1, y.shape[-1]), groups)


def _by_group(x, groups):
    """x (..., P, C) as (..., groups, P, C/groups)."""
    return x.reshape(*x.shape[:-1], groups, -1).swapaxes(-2, -3)


def _alone(W, groups):
    """Whether every channel is convolved by itself (depthwise): such products are of numbers, matrices do not pay."""
    return len(W) == groups > 1 == W.shape[-1]


def _alone_convolve(x, W, b, win):
    y = np.empty_like(x, shape=(len(x), *win.output, len(W)), order="C")
    weights = _along_rows(W, win)
    for some in pieces(y):
        taps = win.taps(win.padded(x[some]))
        np.multiply(next(taps), weights[0], out=y[some])
        for tap, weight in zip(taps, weights[1:], strict=True):
            y[some] += tap * weight
        if b is not None:
            rowwise(np.add, y[some], b, out=y[some])
    return y


def _alone_dW(x, W, dy, win):
    dW = np.zeros_like(W, shape=(win.positions, len(W)), order="C")
    for some in pieces(dy):
        for dweight, tap in zip(dW, win.taps(win.padded(x[some])), strict=True):
            dweight += sum_rows(dy[some] * tap)
    return dW.T.reshape(W.shape)


def _alone_dx(shape, W, dy, win):
    dx = np.empty_like(dy, shape=shape, order="C")
    weights = _along_rows(W, win)
    for some in pieces(dy):
        dframe = win.frame(dy, dx[some].shape)
        for read, weight in zip(win.taps(dframe), weights, strict=True):
            read += dy[some] * weight
        dx[some] = win.inside(dframe)
    return dx


def _along_rows(W, win):
    """For each position in the window its weights, as often as a row of places is long: NumPy is slow on short axes."""
    return np.repeat(W.reshape(len(W), 1, -1).T, win.output[-1], axis=1)
