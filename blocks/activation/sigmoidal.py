"""Sigmoids: S-shaped functions between two bounds, with their logarithm and their integral."""

from typing import Annotated

import numpy as np
from annotated_types import Gt

from blockrun.core import Block

from .._logistic import sigmoid


class Sigmoid(Block):
    """y = 1 / (1 + e⁻ˣ), finite and without overflow for every x.      x (...) → y (...)

    ∂J/∂x = δ_y (1 − y) y.      (Kamper 2022, §3)
    """

    shapes = "x (...) -> y (...)"
    batchwise = True
    formula = "1 / (1 + exp(-x))"
    gradients = {"x": "dy * ((1 - y) * y)"}

    def forward(self, ctx, x):
        y = sigmoid(x)
        return y, y

    def backward(self, ctx, saved, dy):
        y = saved
        return dy * ((1 - y) * y)

    @classmethod
    def examples(cls, rng):
        yield cls(), (3 * rng.standard_normal((4, 3)),)


class HardSigmoid(Block):
    """y = min(max(x / 6 + ½, 0), 1): straight from 0 at x = −3 to 1 at x = 3.      x (...) → y (...)

    ∂J/∂x = δ_y / 6 where −3 < x < 3, else 0; at the kinks x = ±3 the subgradient 0.
    (Howard et al. 2019, MobileNetV3, §5.2)
    """

    shapes = "x (...) -> y (...)"
    batchwise = True
    formula = "clip(x / 6 + 0.5, 0, 1)"
    gradients = {"x": "dy * (abs(x) < 3) / 6"}

    def forward(self, ctx, x):
        y = (x / 6 + 0.5).clip(0, 1)
        return y, y

    def backward(self, ctx, saved, dy):
        y = saved
        return dy * ((y > 0) & (y < 1)) / 6

    @classmethod
    def examples(cls, rng):
        yield cls(), (rng.uniform(-2.9, 2.9, (4, 3)) + np.array([-6, 0, 6]),)
        yield cls(), (np.array([[-3.0, 1.0, 3.0]]),)


class Tanh(Block):
    """y = tanh x.      x (...) → y (...)

    ∂J/∂x = δ_y (1 − y²).      (LeCun et al. 1998, Efficient BackProp, §4.4)
    """

    shapes = "x (...) -> y (...)"
    batchwise = True
    formula = "tanh(x)"
    gradients = {"x": "dy * (1 - y ** 2)"}

    def forward(self, ctx, x):
        y = np.tanh(x)
        return y, y

    def backward(self, ctx, saved, dy):
        y = saved
        return dy * (1 - y * y)

    @classmethod
    def examples(cls, rng):
        yield cls(), (2 * rng.standard_normal((4, 3)),)


class Softplus(Block):
    """y = ln(1 + e^βx) / β, computed as max(x, 0) + ln(1 + e^−β|x|) / β, which cannot overflow.      x (...) → y (...)

    The integral of the sigmoid; a rectifier without a kink, the sharper the larger β.
    ∂J/∂x = δ_y σ(βx) = δ_y (1 − e^−βy).      (Dugas et al. 2001)
    """

    beta: Annotated[float, Gt(0)] = 1.0
    shapes = "x (...) -> y (...)"
    batchwise = True
    formula = "log(1 + exp(beta * x)) / beta"
    gradients = {"x": "dy / (1 + exp(-beta * x))"}

    def forward(self, ctx, x):
        y = np.log1p(np.exp(-self.beta * np.abs(x))) / self.beta + x.clip(0, np.inf)
        return y, y

    def backward(self, ctx, saved, dy):
        y = saved
        return -np.expm1(-self.beta * y) * dy

    @classmethod
    def examples(cls, rng):
        yield cls(), (2 * rng.standard_normal((4, 3)),)
        yield cls(beta=2.5), (2 * rng.standard_normal((4, 3)),)


class LogSigmoid(Block):
    """y = ln σ(x) = −ln(1 + e⁻ˣ), computed as min(x, 0) − ln(1 + e^−|x|), which cannot overflow.      x (...) → y (...)

    ∂J/∂x = δ_y (1 − σ(x)) = δ_y (1 − eʸ).      (Dugas et al. 2001, whose softplus it is: ln σ(x) = −softplus(−x))
    """

    shapes = "x (...) -> y (...)"
    batchwise = True
    formula = "-log(1 + exp(-x))"
    gradients = {"x": "dy / (1 + exp(x))"}

    def forward(self, ctx, x):
        y = x.clip(-np.inf, 0) - np.log1p(np.exp(-np.abs(x)))
        return y, y

    def backward(self, ctx, saved, dy):
        y = saved
        return -np.expm1(y) * dy

    @classmethod
    def examples(cls, rng):
        yield cls(), (2 * rng.standard_normal((4, 3)),)
