"""Blocks that put a border around images, sequences and volumes or take one off."""

from typing import Literal

import numpy as np

from blockrun.core import Block
from blockrun.core.options import OptionError

from .._window import Border, Sides, per_axis, sides

Amounts = Border | tuple[Border | Sides, ...]  # for all axes between N and C, or for each a number or (before, after)


class Pad(Block):
    """y = x with `pad` more places at both ends of every axis between N and C.      x (N, ..., C) → y (N, ..., C)

    `pad` is a number, or for each axis a number or [before, after]. `kind` says what the border holds. constant:
    `value`; edge: the number next to it; reflect: x mirrored at its first and last numbers, which are not repeated, so
    that no axis may be padded by as much as it is long.
    ∂J/∂x = δ_y where x is, and the δ_y of all its copies in the border.      (Gonzalez and Woods 2018, section 3.4)
    """

    pad: Amounts
    kind: Literal["constant", "edge", "reflect"] = "constant"
    value: float = 0.0
    batchwise = True

    def validate(self):
        if self.value and self.kind != "constant":
            raise OptionError("value", f"`value` is {self.value}; it goes with `kind: constant`, not {self.kind}")

    def forward(self, ctx, x):
        amounts = _amounts("pad", self.pad, x)
        if self.kind == "reflect":
            _refuse_wide(amounts, x)
        what = {"constant_values": self.value} if self.kind == "constant" else {}
        return np.pad(x, ((0, 0), *amounts, (0, 0)), self.kind, **what), (x.shape, amounts)

    def backward(self, ctx, saved, dy):
        shape, amounts = saved
        for axis, (before, _) in enumerate(amounts, 1):
            dy = _folded(dy, axis, before, shape[axis], self.kind)
        return dy

    @classmethod
    def examples(cls, rng):
        yield cls(pad=1), (rng.standard_normal((2, 4, 3, 5)),)
        yield cls(pad=((2, 1), 3), value=0.5), (rng.standard_normal((2, 3, 4, 2)),)
        yield cls(pad=((3, 0),), kind="edge"), (rng.standard_normal((2, 4, 3)),)
        yield cls(pad=(0, (1, 2)), kind="edge"), (rng.standard_normal((3, 1, 3, 4)),)
        yield cls(pad=((2, 1), (0, 3)), kind="reflect"), (rng.standard_normal((2, 3, 4, 2)),)
        yield cls(pad=(1, 0, (2, 1)), kind="reflect"), (rng.standard_normal((2, 4, 1, 3, 2)),)


class Crop(Block):
    """y = x without a border along every axis between N and C.      x (N, ..., C) → y (N, ..., C)

    Either `border` says how much is cut off: a number, or for each axis a number or [before, after]. Or a second input
    `like` (N, ..., any) says what size is left, from `offset` on: a number or one for each axis; unless given, the
    middle is left, and where the border is odd one more is cut off after it.
    ∂J/∂x = δ_y, and 0 in the border.      (Ronneberger, Fischer and Brox 2015)
    """

    border: Amounts | None = None
    offset: Border | tuple[Border, ...] | None = None
    nograd = ("like",)
    batchwise = True

    def validate(self):
        if self.border is not None and self.offset is not None:
            text = f"`offset` is {self.offset}; it goes with a second input, whose size is left, not with `border`"
            raise OptionError("offset", text)

    def forward(self, ctx, x, like=None):
        if (self.border is None) == (like is None):
            given = "both `border` and a second input" if like is not None else "neither `border` nor a second input"
            raise ValueError(f"crop has {given}, whose size would be left; give one of the two")
        starts, stops = self._by_border(x) if like is None else self._to_size(x, like)
        return _part(x, starts, stops), (x.shape, starts, stops)

    def backward(self, ctx, saved, dy):
        shape, starts, stops = saved
        dx = np.zeros_like(dy, shape=shape, order="C")
        _part(dx, starts, stops)[...] = dy
        return dx, None

    def _by_border(self, x):
        amounts = _amounts("border", self.border, x)
        for (before, after), size in zip(amounts, x.shape[1:-1], strict=True):
            if before + after >= size:
                raise ValueError(
                    f"`border` is {before} before and {after} after, but the axis is {size} long; cut less"
                )
        stops = tuple(size - after for (_, after), size in zip(amounts, x.shape[1:-1], strict=True))
        return tuple(before for before, _ in amounts), stops

    def _to_size(self, x, like):
        sizes, left = x.shape[1:-1], like.shape[1:-1]
        if len(sizes) != len(left):
            raise ValueError(f"x has shape {x.shape} and `like` {like.shape}; they must have as many axes")
        middle = tuple((size - rest) // 2 for size, rest in zip(sizes, left, strict=True))
        starts = middle if self.offset is None else per_axis(self.offset, len(sizes))
        if len(starts) != len(sizes):
            raise ValueError(
                f"`offset` has entries for {len(starts)} axes; x, {x.shape}, has {len(sizes)} between N and C"
            )
        stops = tuple(start + rest for start, rest in zip(starts, left, strict=True))
        for start, stop, size in zip(starts, stops, sizes, strict=True):
            if start < 0 or stop > size:
                raise ValueError(f"{stop - start} places from {start} on are to be left of {size}; x is too small")
        return starts, stops

    @classmethod
    def examples(cls, rng):
        yield cls(border=1), (rng.standard_normal((2, 4, 3, 5)),)
        yield cls(border=((2, 1), 0)), (rng.standard_normal((2, 5, 4, 3)),)
        yield cls(border=((0, 3),)), (rng.standard_normal((3, 5, 2)),)
        yield cls(), (rng.standard_normal((2, 6, 5, 3)), rng.standard_normal((2, 3, 4, 1)))
        yield cls(offset=(1, 0)), (rng.standard_normal((2, 5, 4, 3)), rng.standard_normal((2, 2, 4, 2)))
        yield cls(offset=2), (rng.standard_normal((2, 5, 3)), rng.standard_normal((2, 1, 4)))


def _amounts(option, value, x):
    """(before, after) of each axis of x between N and C."""
    axes = len(x.shape) - 2
    if axes < 1:
        raise ValueError(f"x has shape {x.shape}; there is no axis between N and C to have a border")
    amounts = per_axis(value, axes)
    if len(amounts) != axes:
        raise ValueError(f"`{option}` has entries for {len(amounts)} axes; x, {x.shape}, has {axes} between N and C")
    return tuple(map(sides, amounts))


def _refuse_wide(amounts, x):
    for amount, size in zip(amounts, x.shape[1:-1], strict=True):
        if max(amount) >= size:
            raise ValueError(
                f"`pad` is {max(amount)} along an axis of {size}; reflect can add at most {size - 1} there"
            )


def _folded(dy, axis, before, size, kind):
    """`dy` without its border along one axis, what x was copied to there added to where x is."""
    dy = np.moveaxis(dy, axis, 0)
    head, dx, tail = dy[:before], dy[before : before + size], dy[before + size :]
    if kind != "constant":
        dx = dx.copy()
    if kind == "edge":
        dx[0] += head.sum(axis=0)
        dx[-1] += tail.sum(axis=0)
    if kind == "reflect":
        dx[1 : 1 + len(head)] += head[::-1]
        dx[size - 1 - len(tail) : size - 1] += tail[::-1]
    return np.moveaxis(dx, 0, axis)


def _part(x, starts, stops):
    return x[(slice(None), *map(slice, starts, stops))]
