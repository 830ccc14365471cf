"""Blocks small enough to check by eye, so that the executor is tested without the library."""

from types import SimpleNamespace
from typing import Annotated, Literal

import numpy as np
import pytest
from annotated_types import Ge

from blockrun.core import Block, Param, State


class Double(Block):
    """y = 2 x"""

    def forward(self, ctx, x):
        return 2 * x, None

    def backward(self, ctx, saved, dy):
        return 2 * dy


class Plus(Block):
    """y = Σ xs"""

    def forward(self, ctx, *xs):
        return sum(xs), None

    def backward(self, ctx, saved, dy):
        return tuple(dy if need else None for need in ctx.needs.xs)


class Times(Block):
    """y = a b"""

    def forward(self, ctx, a, b):
        return a * b, (a, b)

    def backward(self, ctx, saved, dy):
        a, b = saved
        return dy * b if ctx.needs.a else None, dy * a if ctx.needs.b else None


class Dense(Block):
    """y = x Wᵀ"""

    units: Annotated[int, Ge(1)]
    kind: Literal["plain", "fancy"] = "plain"
    shapes = "x (N, K), W (units, K) -> y (N, units)"

    def params(self, x):
        return {"W": Param((self.units, x.shape[-1]))}

    def forward(self, ctx, x, *, W):
        return x @ W.T, (x, W)

    def backward(self, ctx, saved, dy):
        x, W = saved
        return dy @ W if ctx.needs.x else None, dy.T @ x if ctx.needs.W else None


class Halves(Block):
    """a, b = the halves of x along the last axis"""

    outputs = ("a", "b")

    def forward(self, ctx, x):
        k = x.shape[-1] // 2
        return (x[..., :k], x[..., k:]), None

    def backward(self, ctx, saved, da, db):
        return np.concatenate([da, db], axis=-1)


class Total(Block):
    """y = Σ x"""

    def forward(self, ctx, x):
        return x.sum(), (np.zeros_like(x, shape=x.shape[:0]), x.shape)

    def backward(self, ctx, saved, dy):
        return np.broadcast_to(dy, saved[1])


class Counter(Block):
    """y = x, and `new_count` is one more than `count`"""

    outputs = ("y", "new_count")

    def params(self, x):
        return {"count": State((), init="zeros", update="new_count")}

    def forward(self, ctx, x, *, count):
        return (x, count + 1 if ctx.training else count), None

    def backward(self, ctx, saved, dy):
        return dy


class Whole(Block):
    """y = 1 where x, an integer, is not 0; floating as the rest of the graph"""

    def forward(self, ctx, x):
        return (x != 0).astype(ctx.dtype), None


class Noise(Block):
    """y = x + a draw from ctx.rng"""

    def forward(self, ctx, x):
        return x + ctx.rng.standard_normal(x.shape), None

    def backward(self, ctx, saved, dy):
        return dy


class Failing(Block):
    """raises"""

    level: int = 3

    def forward(self, ctx, x):
        raise ZeroDivisionError("no such thing")


@pytest.fixture
def small():
    return SimpleNamespace(**{cls.__name__: cls for cls in Block.__subclasses__() if cls.__module__ == __name__})
