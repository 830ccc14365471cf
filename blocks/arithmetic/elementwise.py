"""Element-wise arithmetic: the operations that every other formula is written with, all broadcasting as NumPy does."""

from functools import reduce

import numpy as np

from blockrun.core import Block

from ._broadcast import unbroadcast


class Add(Block):
    """y = x₁ + x₂ + …, broadcasting.      xs any shapes that broadcast → y

    ∂J/∂xᵢ = δ_y, summed over the axes along which xᵢ was broadcast.      (Kamper 2022, §3)
    """

    batchwise = True
    infix = "+"
    formula = "sum(xs)"
    gradients = {"xs": "dy"}

    def forward(self, ctx, *xs):
        _require_one(self, xs)
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
        _require_one(self, xs)
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
        yield cls(), (rng.standard_normal((4, 3)), 1 + rng.random((1, 3)))
        yield cls(), (rng.standard_normal((4, 1, 3)), -1 - rng.random((2, 1)))


class Negate(Block):
    """y = −x.      x (...) → y (...)

    ∂J/∂x = −δ_y.      (Griewank and Walther 2008, ch. 3)
    """

    shapes = "x (...) -> y (...)"
    batchwise = True
    formula = "-x"
    gradients = {"x": "-dy"}

    def forward(self, ctx, x):
        return -x, None

    def backward(self, ctx, saved, dy):
        return -dy

    @classmethod
    def examples(cls, rng):
        yield cls(), (rng.standard_normal((4, 3)),)


class Square(Block):
    """y = x².      x (...) → y (...)

    ∂J/∂x = 2x δ_y.      (Griewank and Walther 2008, ch. 3)
    """

    shapes = "x (...) -> y (...)"
    batchwise = True
    formula = "x ** 2"
    gradients = {"x": "dy * (2 * x)"}

    def forward(self, ctx, x):
        return x * x, x

    def backward(self, ctx, saved, dy):
        x = saved
        return dy * 2 * x

    @classmethod
    def examples(cls, rng):
        yield cls(), (rng.standard_normal((4, 3)),)


class Power(Block):
    """y = xᵖ with a fixed exponent p; x must be positive unless p is an integer.      x (...) → y (...)

    ∂J/∂x = p xᵖ⁻¹ δ_y, and 0 everywhere if p = 0.      (Griewank and Walther 2008, ch. 3)
    """

    exponent: float
    shapes = "x (...) -> y (...)"
    batchwise = True
    formula = "x ** exponent"
    gradients = {"x": "dy * exponent * x ** (exponent - 1)"}

    def forward(self, ctx, x):
        return x**self.exponent, x

    def backward(self, ctx, saved, dy):
        x = saved
        if self.exponent == 0:  # where x is 0 the formula reads 0 · ∞
            return np.zeros_like(x)
        return dy * self.exponent * x ** (self.exponent - 1)

    @classmethod
    def examples(cls, rng):
        for exponent in (-1.5, 0.5, 2.5):
            yield cls(exponent=exponent), (0.5 + rng.random((4, 3)),)
        for exponent in (0, 1, 3):
            yield cls(exponent=exponent), (rng.standard_normal((4, 3)),)


class Reciprocal(Block):
    """y = 1 / x; x must not be 0.      x (...) → y (...)

    ∂J/∂x = −y² δ_y.      (Griewank and Walther 2008, ch. 3)
    """

    shapes = "x (...) -> y (...)"
    batchwise = True
    formula = "1 / x"
    gradients = {"x": "dy * (-1 / x ** 2)"}

    def forward(self, ctx, x):
        y = 1 / x
        return y, y

    def backward(self, ctx, saved, dy):
        y = saved
        return -dy * y * y

    @classmethod
    def examples(cls, rng):
        yield cls(), (1 + rng.random((4, 3)),)
        yield cls(), (-1 - rng.random((4, 3)),)


class Exp(Block):
    """y = eˣ.      x (...) → y (...)

    ∂J/∂x = y δ_y.      (Griewank and Walther 2008, ch. 3)
    """

    shapes = "x (...) -> y (...)"
    batchwise = True
    formula = "exp(x)"
    gradients = {"x": "dy * y"}

    def forward(self, ctx, x):
        y = np.exp(x)
        return y, y

    def backward(self, ctx, saved, dy):
        y = saved
        return dy * y

    @classmethod
    def examples(cls, rng):
        yield cls(), (rng.standard_normal((4, 3)),)


class Log(Block):
    """y = ln x; x must be positive.      x (...) → y (...)

    ∂J/∂x = δ_y / x.      (Griewank and Walther 2008, ch. 3)
    """

    shapes = "x (...) -> y (...)"
    batchwise = True
    formula = "log(x)"
    gradients = {"x": "dy / x"}

    def forward(self, ctx, x):
        return np.log(x), x

    def backward(self, ctx, saved, dy):
        x = saved
        return dy / x

    @classmethod
    def examples(cls, rng):
        yield cls(), (0.5 + rng.random((4, 3)),)


def _require_one(block, xs):
    if not xs:
        raise ValueError(f"{block.name} has 0 inputs; it needs at least 1")
