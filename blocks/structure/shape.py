"""Rearrangements: blocks that move numbers without changing any."""

import math

import numpy as np

from blockrun.core import Block
from blockrun.core.options import OptionError
from blockrun.core.shapes import show_shape

from .._axes import Axes, axes_of, axis_of, leaves_examples


class Flatten(Block):
    """y = x with all axes but the first laid out in one.      x (N, ...) → y (N, K)

    ∂J/∂x = δ_y in the shape of x.      (a permutation of the entries is its own derivative)
    """

    shapes = "x (N, ...) -> y (N, _)"
    batchwise = True
    formula = "x.reshape(x.shape[0], -1)"
    gradients = {"x": "dy.reshape(x.shape)"}

    def forward(self, ctx, x):
        return x.reshape(x.shape[0], math.prod(x.shape[1:])), x.shape

    def backward(self, ctx, saved, dy):
        shape = saved
        return dy.reshape(shape)

    @classmethod
    def examples(cls, rng):
        yield cls(), (rng.standard_normal((4, 3, 2)),)
        yield cls(), (rng.standard_normal((4,)),)


class Reshape(Block):
    """y = x with every example in the shape `shape`; one size may be −1 and is worked out.      x (N, ...) → y (N, ...)

    ∂J/∂x = δ_y in the shape of x.      (a permutation of the entries is its own derivative)
    """

    shape: tuple[int, ...]
    batchwise = True
    formula = "x.reshape(x.shape[0], *shape)"
    gradients = {"x": "dy.reshape(x.shape)"}

    @property
    def shapes(self):
        return f"x (N, ...) -> y ({', '.join(['N', *('_' if size == -1 else str(size) for size in self.shape)])})"

    def validate(self):
        if any(size < 1 and size != -1 for size in self.shape) or self.shape.count(-1) > 1:
            raise OptionError("shape", f"`shape` is {list(self.shape)}; sizes must be at least 1, and one may be -1")

    def forward(self, ctx, x):
        return x.reshape(x.shape[0], *self._sizes(x.shape[1:])), x.shape

    def backward(self, ctx, saved, dy):
        shape = saved
        return dy.reshape(shape)

    def _sizes(self, given):
        """`shape` with −1 worked out from one example, since an empty batch says nothing about it."""
        total, known = math.prod(given), math.prod(size for size in self.shape if size != -1)
        if total % known if -1 in self.shape else total != known:
            wanted = f"a multiple of {known}" if -1 in self.shape else str(known)
            raise ValueError(f"an example has shape {given}, {total} numbers; shape {list(self.shape)} takes {wanted}")
        return tuple(total // known if size == -1 else size for size in self.shape)

    @classmethod
    def examples(cls, rng):
        yield cls(shape=(2, 6)), (rng.standard_normal((5, 4, 3)),)
        yield cls(shape=(2, -1, 3)), (rng.standard_normal((5, 12)),)
        yield cls(shape=()), (rng.standard_normal((5, 1)),)


class Squeeze(Block):
    """y = x without the axes `axis`, one or several, each of which must have length 1.      x (..., 1, ...) → y (...)

    ∂J/∂x = δ_y in the shape of x.      (the entries stay where they are)
    """

    axis: Axes = -1
    formula = "squeeze(x, axis)"
    gradients = {"x": "dy.reshape(x.shape)"}

    @property
    def batchwise(self):
        return leaves_examples(self.axis)

    def forward(self, ctx, x):
        axes = axes_of(x.shape, self.axis)
        long = [i for i in axes if x.shape[i] != 1]
        if long:
            shown = f"axis {long[0]} of shape {show_shape(x.shape)} has length {x.shape[long[0]]}"
            raise ValueError(f"{shown}; only an axis of length 1 can be left out")
        return x.reshape([size for i, size in enumerate(x.shape) if i not in axes]), x.shape

    def backward(self, ctx, saved, dy):
        shape = saved
        return dy.reshape(shape)

    @classmethod
    def examples(cls, rng):
        yield cls(), (rng.standard_normal((4, 3, 1)),)
        yield cls(axis=(1, -2)), (rng.standard_normal((4, 1, 3, 1, 2)),)
        yield cls(axis=0), (rng.standard_normal((1, 3)),)


class Expand(Block):
    """y = x with a new axis of length 1, which is `axis` of y.      x (...) → y (..., 1, ...)

    ∂J/∂x = δ_y in the shape of x.      (the entries stay where they are)
    """

    axis: int = -1
    formula = "expand_dims(x, axis)"
    gradients = {"x": "dy.reshape(x.shape)"}

    @property
    def batchwise(self):
        return leaves_examples(self.axis)

    def forward(self, ctx, x):
        axis = axis_of(x.shape, self.axis, new=1)
        return x.reshape(*x.shape[:axis], 1, *x.shape[axis:]), x.shape

    def backward(self, ctx, saved, dy):
        shape = saved
        return dy.reshape(shape)

    @classmethod
    def examples(cls, rng):
        yield cls(), (rng.standard_normal((4, 3)),)
        yield cls(axis=1), (rng.standard_normal((4, 3, 2)),)
        yield cls(axis=0), (rng.standard_normal((4, 3)),)


class Transpose(Block):
    """y = x with its axes in the order `axes`, or with the two axes `swap` exchanged, which are the last two if neither
    is given.      x (...) → y, the same sizes in another order

    ∂J/∂x = δ_y with every axis back in its place.      (a permutation of the entries is its own derivative)
    """

    axes: tuple[int, ...] | None = None
    swap: tuple[int, int] | None = None

    @property
    def batchwise(self):
        return leaves_examples(self.swap or (-2, -1)) if self.axes is None else self.axes[:1] == (0,)

    @property
    def formula(self):
        if self.axes is not None:
            return "transpose(x, axes)"
        return "swapaxes(x, *swap)" if self.swap else "swapaxes(x, -2, -1)"

    def validate(self):
        if self.axes is not None and self.swap is not None:
            raise OptionError("swap", "`axes` and `swap` are both given; one of them says it all")

    def forward(self, ctx, x):
        order = self._order(x.shape)
        return x.transpose(order), order

    def backward(self, ctx, saved, dy):
        order = saved
        return dy.transpose(sorted(range(len(order)), key=order.__getitem__))

    def _order(self, shape):
        if self.axes is None:
            order = list(range(len(shape)))
            i, j = axes_of(shape, self.swap or (-2, -1))
            order[i], order[j] = j, i
            return tuple(order)
        order = axes_of(shape, self.axes)
        if len(order) < len(shape):
            raise ValueError(
                f"axes {list(order)} of shape {show_shape(shape)}: each of its {len(shape)} must be listed"
            )
        return order

    @classmethod
    def examples(cls, rng):
        yield cls(), (rng.standard_normal((4, 3, 2)),)
        yield cls(swap=(1, -1)), (rng.standard_normal((4, 3, 2, 5)),)
        yield cls(swap=(0, 1)), (rng.standard_normal((4, 3)),)
        yield cls(axes=(0, -1, 1, 2)), (rng.standard_normal((4, 3, 2, 5)),)
        yield cls(axes=(2, 0, 1)), (rng.standard_normal((4, 3, 2)),)


class Flip(Block):
    """y = x backwards along `axis`, one or several.      x (...) → y (...)

    ∂J/∂x = δ_y backwards along the same axes.      (a permutation of the entries is its own derivative)
    """

    axis: Axes = -1
    shapes = "x (...) -> y (...)"
    formula = "flip(x, axis)"
    gradients = {"x": "flip(dy, axis)"}

    @property
    def batchwise(self):
        return leaves_examples(self.axis)

    def forward(self, ctx, x):
        return np.flip(x, axes_of(x.shape, self.axis)), None

    def backward(self, ctx, saved, dy):
        return np.flip(dy, self.axis)

    @classmethod
    def examples(cls, rng):
        yield cls(), (rng.standard_normal((4, 3)),)
        yield cls(axis=(1, -1)), (rng.standard_normal((4, 3, 2)),)
        yield cls(axis=0), (rng.standard_normal((4, 3)),)
