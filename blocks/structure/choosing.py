"""Choosing: blocks whose output is some of the numbers they are given, by place, by index or by condition."""

import math
from typing import Annotated

import numpy as np
from annotated_types import Ge

from blockrun.core import Block
from blockrun.core.options import OptionError
from blockrun.core.shapes import show_shape

from .._axes import along, axis_of, leaves_examples
from .._broadcast import unbroadcast
from .._scatter import add_rows, check_index


class Slice(Block):
    """y = x from `start` to before `stop` along `axis`, every `step`-th; negative ones count from the end.

    x (..., K, ...) → y (..., K', ...).   ∂J/∂x = δ_y at the places that were taken, else 0.      (selection is linear)
    """

    start: int | None = None
    stop: int | None = None
    step: Annotated[int, Ge(1)] = 1
    axis: int = -1

    @property
    def batchwise(self):
        return leaves_examples(self.axis)

    def forward(self, ctx, x):
        axis = axis_of(x.shape, self.axis)
        part = slice(self.start, self.stop, self.step)
        _require_inside(part, x.shape, axis)
        return x[along(axis, part)], (x.shape, axis)

    def backward(self, ctx, saved, dy):
        shape, axis = saved
        dx = np.zeros_like(dy, shape=shape)
        dx[along(axis, slice(self.start, self.stop, self.step))] = dy
        return dx

    @classmethod
    def examples(cls, rng):
        yield cls(stop=2), (rng.standard_normal((4, 3)),)
        yield cls(start=1, stop=-1, step=2, axis=1), (rng.standard_normal((4, 6, 2)),)
        yield cls(start=-2), (rng.standard_normal((4, 5)),)
        yield cls(step=3, axis=0), (rng.standard_normal((5, 3)),)


class Gather(Block):
    """y = x at the places `index` along `axis`, which the axes of `index` take the place of.

    x (A..., K, B...), index (I...) → y (A..., I..., B...); with `per_example` every example has places of its own:
    x (N, A..., K, B...), index (N, I...) → y (N, A..., I..., B...).
    ∂J/∂x = the sum of the δ_y that were read there; a place read twice gets both.      (selection is linear)
    """

    axis: int = -1
    per_example: bool = False

    @property
    def batchwise(self):
        return self.per_example

    def validate(self):
        if self.per_example and self.axis == 0:
            raise OptionError("axis", "`axis` is 0, that of the examples; with `per_example` it must be another")

    def forward(self, ctx, x, index):
        axis, each = axis_of(x.shape, self.axis), 1 if self.per_example else 0
        check_index(index, x.shape[axis], f"axis {axis}, which has length {x.shape[axis]}")
        if index.shape[:each] != x.shape[:each]:
            shapes = f"x has shape {show_shape(x.shape)} and index {show_shape(index.shape)}"
            raise ValueError(f"{shapes}; with `per_example` they must have equally many examples")
        y = _table(x, axis)[self._rows(x.shape, axis, index)]
        return y.reshape((*x.shape[:axis], *index.shape[each:], *x.shape[axis + 1 :])), (x.shape, axis, index)

    def backward(self, ctx, saved, dy):
        shape, axis, index = saved
        rows = self._rows(shape, axis, index)
        shares = dy.reshape(len(rows), math.prod(shape[axis + 1 :]))
        return add_rows(shares, rows, shape), None

    def _rows(self, shape, axis, index):
        """Which rows of the table of x make the table of y, in a table all that comes after `axis` being one row."""
        each = 1 if self.per_example else 0
        examples, others = math.prod(shape[:each]), math.prod(shape[each:axis])
        firsts = shape[axis] * np.arange(examples * others, like=index).reshape(examples, others, 1)
        return (firsts + index.reshape(examples, 1, math.prod(index.shape[each:])).astype(np.int64)).ravel()

    @classmethod
    def examples(cls, rng):
        yield cls(), (rng.standard_normal((4, 3)), np.array([2, 0, 2, 2, 1], np.uint64))
        yield cls(axis=1), (rng.standard_normal((4, 5, 3)), np.array([[4, 0, 4], [3, 3, 1]]))
        yield cls(axis=1), (rng.standard_normal((3, 5, 70)), rng.integers(5, size=43))
        yield cls(axis=0), (rng.standard_normal((5, 2)), np.array(3))
        yield cls(axis=1, per_example=True), (rng.standard_normal((4, 5, 3)), np.array([4, 0, 2, 2]))
        yield cls(per_example=True), (rng.standard_normal((3, 2, 5)), np.array([[4, 0, 4], [3, 3, 1], [0, 1, 4]]))


class Where(Block):
    """y = a where `condition` is true, or not 0, else b, all broadcasting.      condition, a, b → y

    ∂J/∂a = δ_y where `condition` is true, else 0,   ∂J/∂b the other way round, each summed over the axes along which it
    was broadcast. `condition` has no gradient.      (selection is linear)
    """

    batchwise = True
    nograd = ("condition",)
    formula = "where(condition, a, b)"
    gradients = {"a": "where(condition, dy, 0)", "b": "where(condition, 0, dy)"}

    def forward(self, ctx, condition, a, b):
        return np.where(condition, a, b), (condition, a.shape, b.shape)

    def backward(self, ctx, saved, dy):
        condition, a_shape, b_shape = saved
        da = unbroadcast(np.where(condition, dy, 0), a_shape) if ctx.needs.a else None
        db = unbroadcast(np.where(condition, 0, dy), b_shape) if ctx.needs.b else None
        return None, da, db

    @classmethod
    def examples(cls, rng):
        condition = np.array([[True, False, True], [False, False, True]])
        yield cls(), (condition, rng.standard_normal((2, 3)), rng.standard_normal((2, 3)))
        yield cls(), (condition.astype(int), rng.standard_normal((4, 2, 1)), rng.standard_normal(3))
        yield cls(), (condition[:, :1], rng.standard_normal(()), rng.standard_normal((2, 3)))
        yield cls(), (condition.astype(float), rng.standard_normal((1, 3)), rng.standard_normal((2, 1)))


class Argmax(Block):
    """y = the place of the largest x along `axis`, of equal ones the first; an integer, and no gradient.

    x (..., K, ...) → y (..., ...).
    """

    axis: int = -1
    formula = "argmax(x, axis)"

    @property
    def batchwise(self):
        return leaves_examples(self.axis)

    def forward(self, ctx, x):
        axis = axis_of(x.shape, self.axis)
        if x.shape[axis] == 0:
            raise ValueError(f"axis {axis} of shape {show_shape(x.shape)} has length 0; nothing there is the largest")
        return x.argmax(axis), None

    @classmethod
    def examples(cls, rng):
        yield cls(), (rng.standard_normal((4, 3)),)
        yield cls(axis=1), (rng.standard_normal((4, 5, 3)),)
        yield cls(axis=0), (rng.standard_normal((4, 3)),)


def _table(x, axis):
    """x in rows of all that comes after `axis`."""
    return x.reshape(math.prod(x.shape[: axis + 1]), math.prod(x.shape[axis + 1 :]))


def _require_inside(part, shape, axis):
    """Raise `ValueError` unless a slice takes something and reaches no further than the axis."""
    length = shape[axis]
    known = f"axis {axis} of shape {show_shape(shape)} has length {length}"
    beyond = [bound for bound in (part.start, part.stop) if bound is not None and not -length <= bound <= length]
    if beyond:
        raise ValueError(f"{known}; {beyond[0]} is beyond it")
    if length and not range(*part.indices(length)):
        raise ValueError(f"{known}; from {part.start} to before {part.stop} there is nothing")
