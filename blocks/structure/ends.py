"""Ends: blocks where a graph or its gradient begins, stops, or only passes through."""

from typing import Annotated

import numpy as np
from annotated_types import Ge

from blockrun.core import Block, Param

Shape = tuple[Annotated[int, Ge(1)], ...]


class Identity(Block):
    """y = x.      x (...) → y (...)

    ∂J/∂x = δ_y.      (the identity is its own derivative)
    """

    shapes = "x (...) -> y (...)"
    batchwise = True
    formula = "x"
    gradients = {"x": "dy"}

    def forward(self, ctx, x):
        return x, None

    def backward(self, ctx, saved, dy):
        return dy

    @classmethod
    def examples(cls, rng):
        yield cls(), (rng.standard_normal((4, 3)),)


class StopGradient(Block):
    """y = x, as if it were a constant: nothing that y is used for is learned by what makes x.      x (...) → y (...)"""

    shapes = "x (...) -> y (...)"
    batchwise = True
    formula = "x"

    def forward(self, ctx, x):
        return x, None

    @classmethod
    def examples(cls, rng):
        yield cls(), (rng.standard_normal((4, 3)),)


class Zeros(Block):
    """y = 0, of the shape of `like`, or with as many examples as that and `shape` for each.

    like (N, ...) → y (N, ...) or (N, *shape), floating even where `like` is not. No gradient: it is a constant, such as
    the state a recurrent net starts from, {block: zeros, in: x, shape: [units]}.
    """

    shape: Shape | None = None
    batchwise = True
    nograd = ("like",)

    @property
    def shapes(self):
        return f"like (N, ...) -> y ({', '.join(['N', '...'] if self.shape is None else ['N', *map(str, self.shape)])})"

    def forward(self, ctx, like):
        shape = like.shape if self.shape is None else (len(like), *self.shape)
        return np.zeros_like(like, shape=shape, dtype=like.dtype if like.dtype.kind == "f" else ctx.dtype), None

    @classmethod
    def examples(cls, rng):
        yield cls(), (rng.standard_normal((4, 3)),)
        yield cls(shape=(2, 5)), (rng.standard_normal((4, 3)),)
        yield cls(shape=()), (rng.integers(0, 5, (4, 3)),)


class Parameter(Block):
    """y = a learned array of its own, of the given `shape`; `init` says what it starts as.      value → y, both `shape`

    ∂J/∂value = δ_y. It reads nothing: what uses it names it, as in `in: [x, W]`.
    """

    shape: Shape
    formula = "value"
    gradients = {"value": "dy"}

    def params(self):
        return {"value": Param(self.shape)}

    def forward(self, ctx, *, value):
        return value, None

    def backward(self, ctx, saved, dy):
        return dy

    @classmethod
    def examples(cls, rng):
        yield cls(shape=(4, 3)), ()
        yield cls(shape=()), ()
