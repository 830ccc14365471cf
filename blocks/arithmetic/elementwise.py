"""Functions of one input, element by element, that every other formula is written with."""

import numpy as np

from blockrun.core import Block
from blockrun.core.options import OptionError


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


class Abs(Block):
    """y = |x|.      x (...) → y (...)

    ∂J/∂x = δ_y sign x; at the kink x = 0 the subgradient 0.      (Clarke 1983, §2.1)
    """

    shapes = "x (...) -> y (...)"
    batchwise = True
    formula = "abs(x)"
    gradients = {"x": "dy * sign(x)"}

    def forward(self, ctx, x):
        return np.abs(x), x

    def backward(self, ctx, saved, dy):
        x = saved
        return dy * np.sign(x)

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


class Sqrt(Block):
    """y = √x; x must not be negative.      x (...) → y (...)

    ∂J/∂x = δ_y / 2y, and 0 where x is 0: the slope there is infinite, and 0 is that of √(x²) = |x| in the middle of
    its kink, so that a norm has a gradient everywhere.      (Griewank and Walther 2008, ch. 3 and 14)
    """

    shapes = "x (...) -> y (...)"
    batchwise = True
    formula = "sqrt(x)"
    gradients = {"x": "dy / where(y == 0, inf, 2 * y)"}

    def forward(self, ctx, x):
        y = np.sqrt(x)
        return y, y

    def backward(self, ctx, saved, dy):
        y = saved
        return dy / np.where(y == 0, np.inf, 2 * y)

    @classmethod
    def examples(cls, rng):
        yield cls(), (0.5 + rng.random((4, 3)),)


class Power(Block):
    """y = xᵖ with a fixed exponent p; x must be positive unless p is an integer.      x (...) → y (...)

    ∂J/∂x = p xᵖ⁻¹ δ_y; where x is 0 it is 0 if p < 1, as for `sqrt`.      (Griewank and Walther 2008, ch. 3)
    """

    exponent: float
    shapes = "x (...) -> y (...)"
    batchwise = True
    formula = "x ** exponent"

    @property
    def gradients(self):
        base = "where(x == 0, inf, x)" if self.exponent < 1 else "x"
        return {"x": f"dy * exponent * {base} ** (exponent - 1)"}

    def forward(self, ctx, x):
        return x**self.exponent, x

    def backward(self, ctx, saved, dy):
        x = saved
        if self.exponent < 1:
            x = np.where(x == 0, np.inf, x)  # ∞ᵖ⁻¹ = 0
        return dy * self.exponent * x ** (self.exponent - 1)

    @classmethod
    def examples(cls, rng):
        for exponent in (-1.5, 0.5, 1.5):
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

    ∂J/∂x = y δ_y, with the largest finite number for a y that overflows, since 0 · ∞ would not be 0.
    (Griewank and Walther 2008, ch. 3)
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
        return dy * np.minimum(y, np.finfo(y.dtype).max)

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


class Sin(Block):
    """y = sin x.      x (...) → y (...)

    ∂J/∂x = δ_y cos x.      (Griewank and Walther 2008, ch. 3)
    """

    shapes = "x (...) -> y (...)"
    batchwise = True
    formula = "sin(x)"
    gradients = {"x": "dy * cos(x)"}

    def forward(self, ctx, x):
        return np.sin(x), x

    def backward(self, ctx, saved, dy):
        x = saved
        return dy * np.cos(x)

    @classmethod
    def examples(cls, rng):
        yield cls(), (rng.standard_normal((4, 3)),)


class Cos(Block):
    """y = cos x.      x (...) → y (...)

    ∂J/∂x = −δ_y sin x.      (Griewank and Walther 2008, ch. 3)
    """

    shapes = "x (...) -> y (...)"
    batchwise = True
    formula = "cos(x)"
    gradients = {"x": "-dy * sin(x)"}

    def forward(self, ctx, x):
        return np.cos(x), x

    def backward(self, ctx, saved, dy):
        x = saved
        return -dy * np.sin(x)

    @classmethod
    def examples(cls, rng):
        yield cls(), (rng.standard_normal((4, 3)),)


class Clip(Block):
    """y = x, but at least `low` and at most `high`, either of which may be left out.      x (...) → y (...)

    ∂J/∂x = δ_y where low ≤ x ≤ high, else 0: at the kinks x = low and x = high the subgradient δ_y.
    (Clarke 1983, §2.3)
    """

    low: float | None = None
    high: float | None = None
    shapes = "x (...) -> y (...)"
    batchwise = True
    formula = "clip(x, low, high)"
    gradients = {"x": "dy * (x == y)"}

    def validate(self):
        if self.low is None and self.high is None:
            raise OptionError("low", "clip has neither `low` nor `high`; give at least one of them")
        if self.low is not None and self.high is not None and not self.low < self.high:
            raise OptionError("high", f"`high` is {self.high:g} and `low` is {self.low:g}; `high` must be the greater")

    def forward(self, ctx, x):
        y = np.clip(x, self.low, self.high)
        return y, x == y

    def backward(self, ctx, saved, dy):
        inside = saved
        return dy * inside

    @classmethod
    def examples(cls, rng):
        x = 2 * rng.standard_normal((4, 3))
        for low, high in ((-0.5, 1), (0.25, None), (None, 0.25)):
            yield cls(low=low, high=high), (x,)
