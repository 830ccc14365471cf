"""Gated activations: a factor that is let through, and one between 0 and 1 that says how much of it."""

import math
from functools import partial
from typing import Literal

import numpy as np

from blockrun.core import Block

from .._erf import erfcx
from .._logistic import sigmoid
from .._pieces import by_pieces


class Silu(Block):
    """y = x σ(x), also called swish.      x (...) → y (...)

    ∂J/∂x = δ_y (σ(x) + y (1 − σ(x))).      (Elfwing, Uchibe and Doya 2018)
    """

    shapes = "x (...) -> y (...)"
    batchwise = True
    formula = "x / (1 + exp(-x))"
    gradients = {"x": "dy * (1 + y * exp(-x)) / (1 + exp(-x))"}

    def forward(self, ctx, x):
        gate = sigmoid(x)
        y = x * gate
        return y, (y, gate)

    def backward(self, ctx, saved, dy):
        y, gate = saved
        return dy * (gate + y * (1 - gate))

    @classmethod
    def examples(cls, rng):
        yield cls(), (2 * rng.standard_normal((4, 3)),)


class HardSwish(Block):
    """y = x min(max(x / 6 + ½, 0), 1): 0 up to x = −3, x from x = 3 on.      x (...) → y (...)

    ∂J/∂x = δ_y (x / 3 + ½) where −3 < x < 3, 0 below and δ_y above; at the kinks x = ∓3 the subgradients 0 and δ_y.
    (Howard et al. 2019, MobileNetV3, §5.2)
    """

    shapes = "x (...) -> y (...)"
    batchwise = True
    formula = "x * clip(x / 6 + 0.5, 0, 1)"
    gradients = {"x": "dy * where(abs(x) < 3, x / 3 + 0.5, x > 0)"}

    def forward(self, ctx, x):
        return x * (x / 6 + 0.5).clip(0, 1), x

    def backward(self, ctx, saved, dy):
        x = saved
        return dy * ((x / 3 + 0.5) * (np.abs(x) < 3) + (x >= 3))

    @classmethod
    def examples(cls, rng):
        yield cls(), (rng.uniform(-2.9, 2.9, (4, 3)) + np.array([-6, 0, 6]),)
        yield cls(), (np.array([[-3.0, 1.0, 3.0]]),)


class Gelu(Block):
    """y = x Φ(x), Φ the normal distribution function; with `approximate: tanh` Φ(x) ≈ σ(2 √(2/π) (x + 0.044715 x³)).

    Φ is taken from the tail erfc(|x|/√2) / 2, so that it keeps all its digits where it is small. x (...) → y (...).
    ∂J/∂x = δ_y (Φ(x) + x φ(x)) with φ = Φ′ = exp(−x²/2) / √(2π), or the derivative of the approximation; it is
    computed in forward, which has the exponential at hand.      (Hendrycks and Gimpel 2016)
    """

    approximate: Literal["none", "tanh"] = "none"
    shapes = "x (...) -> y (...)"
    batchwise = True

    @property
    def formula(self):
        return f"x * (1 + {self._rise}) / 2"

    @property
    def gradients(self):
        if self.approximate == "tanh":
            bell = f"(1 - {self._rise} ** 2) * sqrt(2 / pi) * (1 + 0.134145 * x ** 2) / 2"
        else:
            bell = "exp(-x ** 2 / 2) / sqrt(2 * pi)"
        return {"x": f"dy * ((1 + {self._rise}) / 2 + x * {bell})"}

    @property
    def _rise(self):
        tanh = self.approximate == "tanh"
        return "tanh(sqrt(2 / pi) * (x + 0.044715 * x ** 3))" if tanh else "erf(x / sqrt(2))"

    def forward(self, ctx, x):
        function = _gelu_tanh if self.approximate == "tanh" else _gelu
        y, slope = by_pieces(partial(function, with_slope=ctx.needs.x), x)
        return y, slope

    def backward(self, ctx, saved, dy):
        slope = saved
        return dy * slope

    @classmethod
    def examples(cls, rng):
        yield cls(), (2 * rng.standard_normal((4, 5, 3)),)
        yield cls(approximate="tanh"), (2 * rng.standard_normal((4, 5, 3)),)


LARGEST = 40.0  # from here on Φ is 0 or 1 to every digit


def _gelu(x, with_slope):
    """x Φ(x) = max(x, 0) − |x| Φ(−|x|), and its derivative."""
    size = np.abs(x).clip(0, LARGEST)
    bell = np.exp(-0.5 * size * size)
    tail = 0.5 * bell * erfcx(math.sqrt(0.5) * size)
    y = x.clip(0, np.inf) - size * tail
    if not with_slope:
        return y, None
    fall = tail - size * bell / math.sqrt(2 * math.pi)  # the derivative where x < 0; where x > 0 it is 1 − fall
    return y, fall + (1 - 2 * fall) * (x > 0)


def _gelu_tanh(x, with_slope):
    """x σ(u(x)) and its derivative, with u = 2 √(2/π) (x + 0.044715 x³)."""
    near = x.clip(-LARGEST, LARGEST)  # whose cube does not overflow
    scale = 2 * math.sqrt(2 / math.pi)
    cube = 0.044715 * near * near
    gate = sigmoid(scale * (near * (1 + cube)))
    y = x * gate
    return y, gate + y * (1 - gate) * (scale * (1 + 3 * cube)) if with_slope else None


class Glu(Block):
    """y = a σ(b), a and b the two halves of the last axis.      x (N, ..., 2 K) → y (N, ..., K)

    ∂J/∂a = δ_y σ(b),   ∂J/∂b = δ_y y (1 − σ(b)).      (Dauphin et al. 2017)
    """

    shapes = "x (N, ..., _) -> y (N, ..., _)"
    batchwise = True
    formula = "split(x, 2, -1)[0] / (1 + exp(-split(x, 2, -1)[1]))"

    def forward(self, ctx, x):
        a, b = _halves(self, x)
        gate = sigmoid(b)
        y = a * gate
        return y, (y, gate)

    def backward(self, ctx, saved, dy):
        y, gate = saved
        return np.concatenate((dy * gate, dy * y * (1 - gate)), axis=-1)

    @classmethod
    def examples(cls, rng):
        yield cls(), (rng.standard_normal((4, 6)),)
        yield cls(), (rng.standard_normal((4, 3, 10)),)


class Swiglu(Block):
    """y = a b σ(b), a and b the two halves of the last axis.      x (N, ..., 2 K) → y (N, ..., K)

    It has no weights of its own: one `linear` before it makes both halves, in one product.
    ∂J/∂a = δ_y b σ(b),   ∂J/∂b = δ_y a (σ(b) + b σ(b) (1 − σ(b))).      (Shazeer 2020, GLU Variants)
    """

    shapes = "x (N, ..., _) -> y (N, ..., _)"
    batchwise = True
    formula = "split(x, 2, -1)[0] * split(x, 2, -1)[1] / (1 + exp(-split(x, 2, -1)[1]))"

    def forward(self, ctx, x):
        a, b = _halves(self, x)
        gate = sigmoid(b)
        return a * (b * gate), (x, gate)

    def backward(self, ctx, saved, dy):
        x, gate = saved
        a, b = _halves(self, x)
        silu = b * gate
        return np.concatenate((dy * silu, dy * a * (gate + silu * (1 - gate))), axis=-1)

    @classmethod
    def examples(cls, rng):
        yield cls(), (rng.standard_normal((4, 6)),)
        yield cls(), (rng.standard_normal((4, 3, 10)),)


def _halves(block, x):
    entries = x.shape[-1]
    if entries % 2:
        raise ValueError(
            f"the last axis of x has {entries} entries; {block.name} takes an even number, half of them gates"
        )
    return x[..., : entries // 2], x[..., entries // 2 :]
