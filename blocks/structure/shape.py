"""Rearrangements: blocks that move numbers without changing any."""

import math

from blockrun.core import Block
from blockrun.core.options import OptionError


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
