"""Pooling of regions that another input names, each in as many cells whatever its size."""

from typing import Annotated

import numpy as np
from annotated_types import Gt

from blockrun.core import Block

from .._batch import pieces
from .._scatter import add_numbers
from .._window import Size2, per_axis


class RoiPool(Block):
    """y[r, i, j, c] = max of x[n, ..., c] over cell (i, j) of region r of image n.

    x (N, H, W, C), rois (R, 5) → y (R, h, w, C), `size` (h, w). A region is (n, left, top, right, bottom), ends too,
    in pixels of x once multiplied by `scale` and rounded, halves up. Of its s rows cell i has those from ⌊i s / h⌋ to
    before ⌈(i + 1) s / h⌉, so that neighbours may share one; what lies outside x does not count, and a cell that has
    nothing else is 0.
    ∂J/∂x: each δ_y goes to the x that was largest; of equal ones, which is a kink, to the first in row order.
    (Girshick 2015)
    """

    size: Size2
    scale: Annotated[float, Gt(0)] = 1.0
    nograd = ("rois",)
    shapes = "x (N, H, W, C), rois (R, 5) -> y (R, _, _, C)"

    def forward(self, ctx, x, rois):
        cells, pixels = self._cells(x.shape, rois), x.reshape(-1, x.shape[-1])
        y = np.empty_like(x, shape=(*cells.shape[1:], x.shape[-1]), order="C")
        tallest, widest = _largest(cells)
        which = np.zeros_like(y, dtype=np.min_scalar_type(tallest * widest))
        for some in pieces(y):
            part, first = cells[:, some], which[some]
            most = np.take(pixels, _pixel(part, 0, 0, x.shape), axis=0)
            for position in range(1, tallest * widest):
                seen = np.take(pixels, _pixel(part, *divmod(position, widest), x.shape), axis=0)
                np.maximum(first, np.multiply(seen > most, position, dtype=first.dtype), out=first)
                np.maximum(most, seen, out=most)
            y[some] = np.where(_is_empty(part)[..., None], 0, most)
        return y, (x.shape, cells, widest, which)

    def backward(self, ctx, saved, dy):
        shape, cells, widest, which = saved
        pixels = _pixel(cells[..., None], which // widest, which % widest, shape)
        places = pixels * shape[-1] + np.arange(shape[-1], like=pixels)
        shares = np.where(_is_empty(cells)[..., None], 0, dy)
        return add_numbers(shares, places, shape), None

    def _cells(self, shape, rois):
        """(5, R, h, w): the image of each cell, its first row and the one after its last, and its columns likewise."""
        left, top, right, bottom = _whole(rois[:, 1:] * self.scale).T
        h, w = per_axis(self.size, 2)
        rows = [row[:, :, None] for row in _cut(top, bottom, h, shape[1])]
        columns = [column[:, None] for column in _cut(left, right, w, shape[2])]
        return np.stack(np.broadcast_arrays(_images(rois, shape[0])[:, None, None], *rows, *columns))

    @classmethod
    def examples(cls, rng):
        x = rng.permutation(np.linspace(-2, 2, 2 * 5 * 6 * 3)).reshape(2, 5, 6, 3)
        whole, part, cut, dot, out = (
            [0, 0, 0, 5, 4],
            [1, 1, 2, 4, 3],
            [1, -3, 3, 1, 7],
            [0, 2, 2, 2, 2],
            [1, 6, 0, 9, 4],
        )
        yield cls(size=2), (x, np.array([whole, part, cut], float))
        yield cls(size=(3, 2)), (x, np.array([part, cut, dot, whole], float))
        yield cls(size=(1, 3), scale=0.4), (x, np.array([whole, [1, 2, 3, 11, 8], out, [0, -5, 2, 4, 12]], float))
        above, last = [0, -5, -5, -1, -1], [1, 6, 4, 9, 9]
        yield cls(size=(2, 1)), (x[..., :1], np.array([out, part, above, last], float))
        x = rng.permutation(np.linspace(-2, 2, 2 * 5 * 6 * 15)).reshape(2, 5, 6, 15)  # y in pieces, every x is read
        yield cls(size=(40, 37)), (x, np.array([whole, [1, 0, 0, 5, 4], part]) + 0.1)


def _whole(x):
    """The nearest integers, of two the larger."""
    return np.floor(x + 0.5).astype(np.intp)


def _images(rois, count):
    """The image of each region; raises `ValueError` if there is no such image."""
    n = _whole(rois[:, 0])
    wrong = (n < 0) | (n >= count)
    if wrong.any():
        r = int(wrong.argmax())
        raise ValueError(f"rois[{r}, 0] is image {int(n[r])}; x has images 0 to {count - 1}")
    return n


def _cut(start, end, cells, length):
    """Where each cell of the places `start` to `end` starts and stops, both (R, cells), what lies outside cut off."""
    size, i = np.maximum(end - start + 1, 1)[:, None], np.arange(cells, like=start)
    starts, stops = start[:, None] + i * size // cells, start[:, None] - (-(i + 1) * size // cells)
    return np.clip(starts, 0, length), np.clip(stops, 0, length)


def _largest(cells):
    """How many rows the tallest cell has, and how many columns the widest."""
    _, top, bottom, left, right = cells
    return int((bottom - top).max(initial=1)), int((right - left).max(initial=1))


def _is_empty(cells):
    _, top, bottom, left, right = cells
    return (bottom == top) | (right == left)


def _pixel(cells, i, j, shape):
    """Where the pixel (i, j) of each cell is among all pixels of x; where the cell is smaller, its last one again.

    Of an empty cell any will do.
    """
    image, top, bottom, left, right = cells
    row, column = np.minimum(top + i, bottom - 1), np.minimum(left + j, right - 1)
    return np.maximum((image * shape[1] + row) * shape[2] + column, 0)
