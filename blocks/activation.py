"""Activations: functions of one input that make a network more than a chain of linear maps."""

import numpy as np

from blockrun.core import Block


class Sigmoid(Block):
    """y = 1 / (1 + e⁻ˣ), finite and without overflow for every x.      x (...) → y (...)

    ∂J/∂x = δ_y (1 − y) y.      (Kamper 2022, §3)
    """

    shapes = "x (...) -> y (...)"
    batchwise = True
    formula = "1 / (1 + exp(-x))"
    gradients = {"x": "dy * ((1 - y) * y)"}

    def forward(self, ctx, x):
        most = int(np.log(np.finfo(x.dtype).max))  # e to this is finite, and y below it is 0 to every digit
        y = 1 / (1 + np.exp(np.minimum(-x, most)))
        return y, y

    def backward(self, ctx, saved, dy):
        y = saved
        return dy * ((1 - y) * y)

    @classmethod
    def examples(cls, rng):
        yield cls(), (3 * rng.standard_normal((4, 3)),)


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


class Relu(Block):
    """y = max(x, 0).      x (...) → y (...)

    ∂J/∂x = δ_y where x > 0, else 0; at the kink x = 0 the subgradient 0.      (Nair and Hinton 2010)
    """

    shapes = "x (...) -> y (...)"
    batchwise = True
    formula = "maximum(x, 0)"
    gradients = {"x": "dy * (x > 0)"}

    def forward(self, ctx, x):
        y = np.maximum(x, 0)
        return y, y

    def backward(self, ctx, saved, dy):
        y = saved
        return dy * (y > 0)

    @classmethod
    def examples(cls, rng):
        x = rng.standard_normal((4, 3))
        yield cls(), (x + 0.1 * np.sign(x),)


class Softmax(Block):
    """yₖ = eˣₖ / Σⱼ eˣⱼ along `axis`, with the largest x taken off first so that nothing overflows.

    x (...) → y (...).   ∂J/∂x = y (δ_y − Σⱼ δ_yⱼ yⱼ).      (Bridle 1990)
    """

    axis: int = -1
    shapes = "x (...) -> y (...)"
    formula = "exp(x) / exp(x).sum(axis, keepdims=True)"
    gradients = {"x": "y * (dy - (dy * y).sum(axis, keepdims=True))"}

    @property
    def batchwise(self):
        return self.axis > 0 or self.axis == -1

    def forward(self, ctx, x):
        largest = x.max(axis=self.axis, keepdims=True) if x.size else x
        y = np.exp(x - largest)
        y = y / y.sum(axis=self.axis, keepdims=True)
        return y, y

    def backward(self, ctx, saved, dy):
        y = saved
        return y * (dy - (dy * y).sum(axis=self.axis, keepdims=True))

    @classmethod
    def examples(cls, rng):
        yield cls(), (rng.standard_normal((4, 3)),)
        yield cls(axis=1), (rng.standard_normal((4, 3, 2)),)
        yield cls(axis=0), (rng.standard_normal((4, 3)),)
