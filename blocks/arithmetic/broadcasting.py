"""Arithmetic between inputs, element by element, broadcasting as NumPy does."""

from functools import reduce

import numpy as np

from blockrun.core import Block, Param

from .._broadcast import rowwise, sum_rows, unbroadcast


class Add(Block):
    """y = x₁ + x₂ + …, broadcasting.      xs any shapes that broadcast → y

    ∂J/∂xᵢ = δ_y, summed over the axes along which xᵢ was broadcast.      (Kamper 2022, §3)
    """

    batchwise = True
    infix = "+"
    formula = "sum(xs)"
    gradients = {"xs": "dy"}

    def forward(self, ctx, *xs):
        _require(self, xs, 1)
        return reduce(np.add, xs), tuple(x.shape for x in xs)

    def backward(self, ctx, saved, dy):
        return tuple(unbroadcast(dy, shape) if need else None for shape, need in zip(saved, ctx.needs.xs, strict=True))

    @classmethod
    def examples(cls, rng):
        yield cls(), (rng.standard_normal((4, 3)),)
        yield cls(), (rng.standard_normal((4, 3)), rng.standard_normal((4, 3)))
        yield cls(), (rng.standard_normal((4, 1, 3)), rng.standard_normal((2, 1)), rng.standard_normal(()))
        yield cls(), (rng.standard_normal((1, 3)), rng.standard_normal((4, 3)))


class Multiply(Block):
    """y = x₁ · x₂ · …, element by element, broadcasting.      xs any shapes that broadcast → y

    ∂J/∂xᵢ = δ_y ∏ⱼ≠ᵢ xⱼ, summed over the axes along which xᵢ was broadcast.      (Griewank and Walther 2008, ch. 3)
    """

    batchwise = True
    infix = "*"
    formula = "prod(xs)"
    gradients = {"xs": "dy * prod(others)"}

    def forward(self, ctx, *xs):
        _require(self, xs, 1)
        return reduce(np.multiply, xs), xs

    def backward(self, ctx, saved, dy):
        xs = saved
        return tuple(self._gradient(xs, i, dy) if need else None for i, need in enumerate(ctx.needs.xs))

    def _gradient(self, xs, i, dy):
        others = xs[:i] + xs[i + 1 :]  # not y / xᵢ, which fails where xᵢ is 0
        return unbroadcast(reduce(np.multiply, others, dy), xs[i].shape)

    @classmethod
    def examples(cls, rng):
        yield cls(), (rng.standard_normal((4, 3)),)
        yield cls(), (rng.standard_normal((4, 3)), rng.standard_normal((4, 3)))
        yield cls(), (rng.standard_normal((4, 1, 3)), rng.standard_normal((2, 1)), rng.standard_normal(()))
        yield cls(), (rng.standard_normal((1, 3)), rng.standard_normal((4, 3)))


class Subtract(Block):
    """y = a − b, broadcasting.      a, b any shapes that broadcast → y

    ∂J/∂a = δ_y,   ∂J/∂b = −δ_y, each summed over the axes along which it was broadcast.
    (Griewank and Walther 2008, ch. 3)
    """

    batchwise = True
    formula = "a - b"
    gradients = {"a": "dy", "b": "-dy"}

    def forward(self, ctx, a, b):
        return a - b, (a.shape, b.shape)

    def backward(self, ctx, saved, dy):
        a_shape, b_shape = saved
        da = unbroadcast(dy, a_shape) if ctx.needs.a else None
        db = unbroadcast(-dy, b_shape) if ctx.needs.b else None
        return da, db

    @classmethod
    def examples(cls, rng):
        yield cls(), (rng.standard_normal((4, 3)), rng.standard_normal((4, 3)))
        yield cls(), (rng.standard_normal((4, 3)), rng.standard_normal((1, 3)))
        yield cls(), (rng.standard_normal((4, 1, 3)), rng.standard_normal((2, 1)))


class Divide(Block):
    """y = a / b, element by element, broadcasting; b must not be 0.      a, b any shapes that broadcast → y

    ∂J/∂a = δ_y / b,   ∂J/∂b = −δ_y y / b, each summed over the axes along which it was broadcast.
    (Griewank and Walther 2008, ch. 3)
    """

    batchwise = True
    formula = "a / b"
    gradients = {"a": "dy / b", "b": "-dy * y / b"}

    def forward(self, ctx, a, b):
        y = a / b
        return y, (a.shape, b, y)

    def backward(self, ctx, saved, dy):
        a_shape, b, y = saved
        share = dy / b
        da = unbroadcast(share, a_shape) if ctx.needs.a else None
        db = unbroadcast(-share * y, b.shape) if ctx.needs.b else None
        return da, db

    @classmethod
    def examples(cls, rng):
        yield cls(), (rng.standard_normal((4, 3)), 1 + rng.random((4, 3)))
        yield cls(), (rng.standard_normal((4, 3)), 1 + rng.random((1, 3)))
        yield cls(), (rng.standard_normal((4, 1, 3)), -1 - rng.random((2, 1)))


class Maximum(Block):
    """y = max(x₁, x₂, …) of two inputs or more, element by element, broadcasting.    xs any shapes that broadcast → y

    ∂J/∂xᵢ = δ_y where xᵢ is the largest, else 0, summed over the axes along which xᵢ was broadcast; of equal ones,
    which is a kink, the first gets all of δ_y.      (Clarke 1983, §2.3)
    """

    batchwise = True
    formula = "max(xs)"

    def forward(self, ctx, *xs):
        _require(self, xs, 2)
        y = reduce(np.maximum, xs)
        return y, (_winner(xs, y), tuple(x.shape for x in xs))

    def backward(self, ctx, saved, dy):
        winner, shapes = saved
        return _to_winner(ctx.needs.xs, winner, shapes, dy)

    @classmethod
    def examples(cls, rng):
        yield from _examples_of_extremes(cls, rng)


class Minimum(Block):
    """y = min(x₁, x₂, …) of two inputs or more, element by element, broadcasting.    xs any shapes that broadcast → y

    ∂J/∂xᵢ = δ_y where xᵢ is the smallest, else 0, summed over the axes along which xᵢ was broadcast; of equal ones,
    which is a kink, the first gets all of δ_y.      (Clarke 1983, §2.3)
    """

    batchwise = True
    formula = "min(xs)"

    def forward(self, ctx, *xs):
        _require(self, xs, 2)
        y = reduce(np.minimum, xs)
        return y, (_winner(xs, y), tuple(x.shape for x in xs))

    def backward(self, ctx, saved, dy):
        winner, shapes = saved
        return _to_winner(ctx.needs.xs, winner, shapes, dy)

    @classmethod
    def examples(cls, rng):
        yield from _examples_of_extremes(cls, rng)


class ScaleShift(Block):
    """y = γ x + β, a factor and a term for each channel; with `bias: false` no term.      x (..., C) → y (..., C)

    ∂J/∂x = γ δ_y,   ∂J/∂γ = Σ δ_y x,   ∂J/∂β = Σ δ_y, over all axes but the last.      (Ioffe and Szegedy 2015, §3)
    """

    bias: bool = True
    shapes = "x (..., C), gamma (C,), beta (C,) -> y (..., C)"
    batchwise = True
    gradients = {"x": "dy * gamma", "gamma": "dy * x", "beta": "dy"}

    @property
    def formula(self):
        return "gamma * x + beta" if self.bias else "gamma * x"

    def params(self, x):
        gamma = {"gamma": Param(x.shape[-1:], init="ones")}
        return gamma | {"beta": Param(x.shape[-1:], init="zeros")} if self.bias else gamma

    def forward(self, ctx, x, *, gamma, beta=None):
        y = rowwise(np.multiply, x, gamma)
        if beta is not None:
            y = rowwise(np.add, y, beta, out=y)
        return y, (x, gamma)

    def backward(self, ctx, saved, dy):
        x, gamma = saved
        dx = rowwise(np.multiply, dy, gamma) if ctx.needs.x else None
        dgamma = sum_rows(dy * x) if ctx.needs.gamma else None
        dbeta = sum_rows(dy) if ctx.needs.beta else None
        return dx, dgamma, dbeta

    @classmethod
    def examples(cls, rng):
        yield cls(), (rng.standard_normal((4, 3)),)
        yield cls(), (rng.standard_normal((4, 2, 5, 3)),)
        yield cls(bias=False), (rng.standard_normal((4, 2, 3)),)
        yield cls(), (rng.standard_normal(3),)


def _require(block, xs, least):
    if len(xs) < least:
        raise ValueError(f"{block.name} has {len(xs)} input{'s' * (len(xs) != 1)}; it needs at least {least}")


def _winner(xs, y):
    """The number of the input that each entry of y comes from, the first of equal ones."""
    winner = np.full_like(y, len(xs) - 1, dtype=np.min_scalar_type(len(xs)))
    for i in reversed(range(len(xs) - 1)):
        winner = np.where(xs[i] == y, i, winner)
    return winner


def _to_winner(needs, winner, shapes, dy):
    """δ_y for the input that each entry came from."""
    each = enumerate(zip(shapes, needs, strict=True))
    return tuple(unbroadcast(dy * (winner == i), shape) if need else None for i, (shape, need) in each)


def _examples_of_extremes(cls, rng):
    yield cls(), (rng.standard_normal((4, 3)), rng.standard_normal((4, 3)))
    yield cls(), (rng.standard_normal((4, 1, 3)), rng.standard_normal((2, 1)), rng.standard_normal(()))
    yield cls(), (rng.standard_normal((1, 3)), rng.standard_normal((4, 3)), rng.standard_normal((4, 1)))
