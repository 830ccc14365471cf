"""What changes an image and not what it is of: flipped, moved, turned, with a piece missing."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

import numpy as np
from annotated_types import Ge, Gt, Le

from blockrun.core.options import OptionError
from blockrun.plugins.data.source import Description, Field
from blockrun.plugins.data.transform import Array, Draw, Known, Transform

Count = Annotated[int, Ge(1)]


class Flip(Transform):
    """Turned around along `axis` in training, with probability `p`: 2 of images (N, H, W, C) is left to right."""

    p: Annotated[float, Ge(0), Le(1)] = 0.5
    axis: Count = 2

    def describe(self, given: Description, on: str) -> Description:
        axes = 1 + len(given.fields[on].shape)
        if self.axis >= axes:
            raise OptionError("axis", f"`axis` is {self.axis}; `{on}` has axes 0 to {axes - 1}, 0 that of the examples")
        return given

    def augment(self, x: Array, known: Known, draw: Draw) -> Array:
        chosen = draw.uniform() < self.p
        y = x.copy()
        y[chosen] = np.flip(x[chosen], self.axis)
        return y


class Crop(Transform):
    """A window of `size` [height, width], by default the size of the image, out of it with `pad` zeros on every side.

    It is anywhere in training, each place as likely, and in the middle in evaluation.
    """

    size: tuple[Count, Count] | None = None
    pad: Annotated[int, Ge(0)] = 0

    def validate(self) -> None:
        if self.size is None and not self.pad:
            raise OptionError("pad", "neither `size` nor `pad` is given, so there would be nothing to crop")

    def describe(self, given: Description, on: str) -> Description:
        rows, columns, channels = _image(given, on, self.name)
        height, width = self.size or (rows, columns)
        if height > rows + 2 * self.pad or width > columns + 2 * self.pad:
            there = f"[{rows + 2 * self.pad}, {columns + 2 * self.pad}]"
            raise OptionError("size", f"`size` is [{height}, {width}]; `{on}` with its `pad` is {there}")
        values = given.values
        if values.get("shape") == [rows, columns, channels]:
            values = {**values, "shape": [height, width, channels]}
        field = Field((height, width, channels), given.fields[on].dtype)
        return replace(given, fields={**given.fields, on: field}, values=values)

    def apply(self, x: Array, known: Known) -> Array:
        room = self._room(x)
        return self._cut(x, *(np.full(len(x), size // 2) for size in room))

    def augment(self, x: Array, known: Known, draw: Draw) -> Array:
        u, room = draw.uniform(2), self._room(x)
        return self._cut(x, *((u[:, i] * (room[i] + 1)).astype(np.int64) for i in (0, 1)))

    def _room(self, x: Array) -> tuple[int, int]:
        """How far down and to the right the window can be moved."""
        height, width = self.size or x.shape[1:3]
        return x.shape[1] + 2 * self.pad - height, x.shape[2] + 2 * self.pad - width

    def _cut(self, x: Array, top: Array, left: Array) -> Array:
        height, width = self.size or x.shape[1:3]
        padded = _padded(x, self.pad, self.pad)
        rows, columns = top[:, None] + np.arange(height), left[:, None] + np.arange(width)
        return _pick(padded, rows[:, :, None], columns[:, None, :])


class Rotate(Transform):
    """Turned about its middle in training, by up to `degrees` either way, every angle as likely.

    Between pixels, values are weighted by their distance along rows and columns (bilinear); outside there are zeros.
    """

    degrees: Annotated[float, Gt(0), Le(180)]

    def describe(self, given: Description, on: str) -> Description:
        _image(given, on, self.name)
        if given.fields[on].dtype.kind != "f":
            raise ValueError(
                f"`{on}` is {given.fields[on].dtype}; what is between two pixels is a number with a fraction"
            )
        return given

    def augment(self, x: Array, known: Known, draw: Draw) -> Array:
        return turned(x, np.radians((2 * draw.uniform() - 1) * self.degrees))


def turned(x: Array, angle: Array) -> Array:
    """Images (N, H, W, C), each turned by its `angle` in radians, counter-clockwise where rows are counted down."""
    middle = [(size - 1) / 2 for size in x.shape[1:3]]
    down, right = (np.arange(size) - at for size, at in zip(x.shape[1:3], middle, strict=True))
    c, s = (f(angle)[:, None, None] for f in (np.cos, np.sin))
    y = np.clip(middle[0] + c * down[:, None] + s * right, -1, x.shape[1])
    z = np.clip(middle[1] - s * down[:, None] + c * right, -1, x.shape[2])
    rows, columns = np.floor(y).astype(np.int64), np.floor(z).astype(np.int64)
    lower, further = (_for_channels((at - whole).astype(x.dtype), x) for at, whole in ((y, rows), (z, columns)))
    pixels, corner = _flat(_padded(x, 1, 2), rows + 1, columns + 1)
    below = corner + x.shape[2] + 3
    upper, under = (_between(pixels, first, further) for first in (corner, below))
    under -= upper
    under *= lower
    return under + upper


def _for_channels(share: Array, x: Array) -> Array:
    """A number for each pixel once for each channel, which is quicker than to broadcast over so few."""
    return np.repeat(share[..., None], x.shape[3], axis=3)


def _between(pixels: Array, first: Array, share: Array) -> Array:
    """Pixels and those to the right of them, of which there is a `share`."""
    left, right = _taken(pixels, first), _taken(pixels, first + 1)
    right -= left
    right *= share
    left += right
    return left


class Cutout(Transform):
    """A square of `size` pixels set to 0 in training, its middle anywhere in the image (DeVries and Taylor 2017)."""

    size: Count

    def describe(self, given: Description, on: str) -> Description:
        _image(given, on, self.name)
        return given

    def augment(self, x: Array, known: Known, draw: Draw) -> Array:
        u = draw.uniform(2)
        rows, columns = (self._within(u[:, i], x.shape[1 + i]) for i in (0, 1))
        return np.where((rows[:, :, None] & columns[:, None, :])[..., None], np.zeros((), x.dtype), x)

    def _within(self, u: Array, length: int) -> Array:
        """Which of `length` rows or columns the square is in, for each example."""
        first = (u * length).astype(np.int64) - self.size // 2
        place = np.arange(length) - first[:, None]
        return np.asarray((place >= 0) & (place < self.size))


def _image(given: Description, on: str, name: str) -> tuple[int, ...]:
    shape = given.fields[on].shape
    if len(shape) != 3:
        raise ValueError(f"`{on}` has shape {list(shape)}; `{name}` is for images, [height, width, channels]")
    return shape


def _padded(x: Array, before: int, after: int) -> Array:
    """Zeros around the rows and columns."""
    return np.pad(x, ((0, 0), (before, after), (before, after), (0, 0)))


def _pick(x: Array, rows: Array, columns: Array) -> Array:
    """The pixels of each image at `rows` and `columns` (N, H, W)."""
    pixels, places = _flat(x, rows, columns)
    return _taken(pixels, places)


def _taken(pixels: Array, places: Array) -> Array:
    return np.take(pixels, places, axis=0, mode="clip")  # none is out of bounds; to raise if one is takes a buffer


def _flat(x: Array, rows: Array, columns: Array) -> tuple[Array, Array]:
    """All pixels of all images in one row, and the places in it of those at `rows` and `columns` of each."""
    first = (np.arange(len(x)) * (x.shape[1] * x.shape[2]))[:, None, None]
    return x.reshape(-1, x.shape[3]), first + rows * x.shape[2] + columns
