"""Joining and parting: blocks that make one variable of several, or several of one."""

from itertools import accumulate
from typing import Annotated

import numpy as np
from annotated_types import Ge, Le, MinLen

from blockrun.core import Block
from blockrun.core.options import OptionError
from blockrun.core.shapes import show_shape

from .._axes import along, axis_of, leaves_examples

MOST = 10_000  # outputs: every one has a name, and a file should not fill the memory with them
Count = Annotated[int, Ge(1), Le(MOST)]


class Concat(Block):
    """y = x₁, x₂, … one after another along `axis`; all other axes must agree.      xs (..., Kᵢ) → y (..., Σ Kᵢ)

    ∂J/∂xᵢ = the part of δ_y that xᵢ became.      (selection is linear)
    """

    axis: int = -1
    formula = "concatenate(xs, axis)"

    @property
    def batchwise(self):
        return leaves_examples(self.axis)

    def forward(self, ctx, *xs):
        _require_one(self, xs)
        axis = axis_of(xs[0].shape, self.axis)
        _require_equal(xs, f" but for axis {axis}", lambda shape: (*shape[:axis], *shape[axis + 1 :]))
        return np.concatenate(xs, axis), tuple(x.shape[axis] for x in xs)

    def backward(self, ctx, saved, dy):
        parts = np.split(dy, list(accumulate(saved))[:-1], self.axis)
        return tuple(part if need else None for part, need in zip(parts, ctx.needs.xs, strict=True))

    @classmethod
    def examples(cls, rng):
        yield cls(), (rng.standard_normal((4, 3)), rng.standard_normal((4, 2)), rng.standard_normal((4, 5)))
        yield cls(axis=1), (rng.standard_normal((4, 3, 2)), rng.standard_normal((4, 1, 2)))
        yield cls(axis=0), (rng.standard_normal((4, 3)), rng.standard_normal((2, 3)))
        yield cls(), (rng.standard_normal((4, 3)),)


class Stack(Block):
    """y = x₁, x₂, … side by side along a new axis, which is `axis` of y.      xs (...), all of one shape → y (..., n)

    ∂J/∂xᵢ = δ_y at place i of that axis.      (selection is linear)
    """

    axis: int = -1
    formula = "stack(xs, axis)"

    @property
    def batchwise(self):
        return leaves_examples(self.axis)

    def forward(self, ctx, *xs):
        _require_one(self, xs)
        axis = axis_of(xs[0].shape, self.axis, new=1)
        _require_equal(xs, "", lambda shape: shape)
        return np.stack(xs, axis), None

    def backward(self, ctx, saved, dy):
        parts = np.moveaxis(dy, self.axis, 0)
        return tuple(parts[i] if need else None for i, need in enumerate(ctx.needs.xs))

    @classmethod
    def examples(cls, rng):
        yield cls(), (rng.standard_normal((4, 3)), rng.standard_normal((4, 3)))
        yield cls(axis=1), tuple(rng.standard_normal((4, 3, 2)) for _ in range(5))
        yield cls(axis=0), (rng.standard_normal((4, 3)),)


class Unstack(Block):
    """y0, y1, … = x at each of the `count` places of `axis`, an axis that they lose.      x (..., count) → y0 (...), …

    ∂J/∂x = δ_y0, δ_y1, … side by side.      (selection is linear)
    """

    count: Count
    axis: int = -1

    @property
    def outputs(self):
        return _numbered(self.count)

    @property
    def batchwise(self):
        return leaves_examples(self.axis)

    def forward(self, ctx, x):
        axis = axis_of(x.shape, self.axis)
        if x.shape[axis] != self.count:
            raise ValueError(f"axis {axis} of shape {show_shape(x.shape)} has length {x.shape[axis]}, not {self.count}")
        return _outputs(x[along(axis, i)] for i in range(self.count)), None

    def backward(self, ctx, saved, *dys):
        return np.stack(dys, self.axis)

    @classmethod
    def examples(cls, rng):
        yield cls(count=3), (rng.standard_normal((4, 3)),)
        yield cls(count=2, axis=1), (rng.standard_normal((4, 2, 3)),)
        yield cls(count=1), (rng.standard_normal((4, 1)),)
        yield cls(count=4, axis=0), (rng.standard_normal((4, 3)),)


class Split(Block):
    """y0, y1, … = x cut along `axis` into parts of the lengths `sizes`, or into `parts` equal ones, two if neither is
    given.      x (..., Σ Kᵢ) → y0 (..., K₀), y1 (..., K₁), …

    ∂J/∂x = δ_y0, δ_y1, … one after another.      (selection is linear)
    """

    parts: Count | None = None
    sizes: Annotated[tuple[Annotated[int, Ge(1)], ...], MinLen(1)] | None = None
    axis: int = -1

    @property
    def outputs(self):
        return _numbered(len(self.sizes) if self.sizes else self.parts or 2)

    @property
    def batchwise(self):
        return leaves_examples(self.axis)

    def validate(self):
        if self.parts is not None and self.sizes is not None:
            raise OptionError("sizes", "`parts` and `sizes` are both given; one of them says it all")

    def forward(self, ctx, x):
        axis = axis_of(x.shape, self.axis)
        ends = accumulate(self._sizes(x.shape, axis))
        return _outputs(np.split(x, list(ends)[:-1], axis)), None

    def backward(self, ctx, saved, *dys):
        return np.concatenate(dys, self.axis)

    def _sizes(self, shape, axis):
        """The lengths of the parts; raises `ValueError` if they are not together as long as the axis."""
        length, parts = shape[axis], len(self.outputs)
        known = f"axis {axis} of shape {show_shape(shape)} has length {length}"
        if self.sizes is None and length % parts:
            raise ValueError(f"{known}, which cannot be cut into {parts} equal parts")
        if self.sizes is not None and sum(self.sizes) != length:
            raise ValueError(f"{known}; sizes {list(self.sizes)} add up to {sum(self.sizes)}")
        return self.sizes or (length // parts,) * parts

    @classmethod
    def examples(cls, rng):
        yield cls(), (rng.standard_normal((5, 4)),)
        yield cls(parts=3, axis=1), (rng.standard_normal((4, 6, 2)),)
        yield cls(sizes=(2, 1, 4)), (rng.standard_normal((3, 7)),)
        yield cls(sizes=(3,), axis=0), (rng.standard_normal((3, 2)),)


def _numbered(count):
    return tuple(f"y{i}" for i in range(count))


def _outputs(parts):
    """A tuple of outputs, or the bare array if there is one only."""
    first, *rest = parts
    return (first, *rest) if rest else first


def _require_one(block, xs):
    if not xs:
        raise ValueError(f"{block.name} has 0 inputs; it needs at least 1")


def _require_equal(xs, except_for, compared):
    """Raise `ValueError` unless all shapes agree in what `compared` takes from them."""
    for x in xs[1:]:
        if compared(x.shape) != compared(xs[0].shape):
            shapes = f"shapes {show_shape(xs[0].shape)} and {show_shape(x.shape)} differ"
            raise ValueError(f"{shapes}; they must be the same{except_for}")
