"""The simple recurrent network: one step by itself, and the same step along a sequence, forward and back in time."""

from typing import Annotated, Literal

import numpy as np
from annotated_types import Ge

from blockrun.core import Block, Param

from .._rows import affine
from ._time import along, back, by_example, by_step, gradients, live_steps, start


class RnnCell(Block):
    """One step of `rnn`, with the same parameters: h = f(a),   a = x Wᵀ + h₀ Uᵀ + b,   f tanh or relu.

    x (N, K), h0 (N, H), 0 if not given, W (H, K), U (H, H), b (H,) → h (N, H)
    δ_a = δ_h f′(a):   tanh′ = 1 − h²,   relu′ = 1 where h > 0, else 0, as at the kink.   ∂J/∂h₀ = δ_a U,
    ∂J/∂x = δ_a W,   ∂J/∂W = Σ δ_aᵀ x,   ∂J/∂U = Σ δ_aᵀ h₀,   ∂J/∂b = Σ δ_a.      (Elman 1990)
    """

    units: Annotated[int, Ge(1)]
    activation: Literal["tanh", "relu"] = "tanh"
    outputs = ("h",)
    shapes = "x (N, K), h0 (N, units), W (units, K), U (units, units), b (units,) -> h (N, units)"
    batchwise = True

    def params(self, x, h0=None):
        return _params(self, x)

    def forward(self, ctx, x, h0=None, *, W, U, b):
        a = affine(x, W, b)
        h0 = np.zeros_like(a) if h0 is None else h0
        h = _step(self.activation, a, h0, U)
        return h, (x, W, U, h0, h)

    def backward(self, ctx, saved, dh):
        x, W, U, h0, h = saved
        da = _back(self.activation, dh, h)
        dx, dW, dU, db = gradients(ctx.needs, x, W, h0, da, da)
        return dx, da @ U if ctx.needs.h0 else None, dW, dU, db

    @classmethod
    def examples(cls, rng):
        x, h0 = rng.standard_normal((4, 3)), rng.standard_normal((4, 2))
        yield cls(units=2), (x, h0)
        yield cls(units=5), (x,)
        yield cls(units=5, activation="relu"), (x, rng.standard_normal((4, 5)))


class Rnn(Block):
    """`rnn_cell` from step to step of a sequence: h_t = f(x_t Wᵀ + h_{t−1} Uᵀ + b);   y_t = h_t.      f tanh or relu

    x (N, T, K), h0 (N, H), 0 if not given, lengths (N,), W (H, K), U (H, H), b (H,) → y (N, T, H), h (N, H), the last
    From a step that is not within the length of an example its y is 0, and its state is that of the step before.
    `reverse` goes from the last step to the first.      Back through time: δ_h_t = δ_y_t + δ_a_{t+1} U,
    δ_a_t = δ_h_t f′(a_t), where relu′(0) = 0;   W, U, b as in the cell, over all steps.   (Elman 1990; Werbos 1990)
    """

    units: Annotated[int, Ge(1)]
    activation: Literal["tanh", "relu"] = "tanh"
    reverse: bool = False
    outputs = ("y", "h")
    shapes = (
        "x (N, T, K), h0 (N, units), lengths (N,), W (units, K), U (units, units), b (units,)"
        " -> y (N, T, units), h (N, units)"
    )
    batchwise = True

    def params(self, x, h0=None, lengths=None):
        return _params(self, x)

    def forward(self, ctx, x, h0=None, lengths=None, *, W, U, b):
        live = live_steps(lengths, x, self.reverse)
        a = affine(by_step(x, self.reverse), W, b)
        hs = start(h0, a, self.units)

        def step(t):
            hs[t + 1] = _step(self.activation, a[t], hs[t], U)

        along(step, live, hs)
        y = hs[1:] if live is None else hs[1:] * live
        return (by_example(y, self.reverse), hs[-1]), (x, W, U, hs, live)

    def backward(self, ctx, saved, dy, dh):
        x, W, U, hs, live = saved
        da = np.empty_like(hs[1:])

        def step(t, dh):
            da[t] = _back(self.activation, dh, hs[t + 1])
            return (da[t] @ U,)

        (dh0,) = back(step, live, by_step(dy, self.reverse), dh)
        dx, dW, dU, db = gradients(ctx.needs, by_step(x, self.reverse), W, hs[:-1], da, da)
        dx = by_example(dx, self.reverse) if ctx.needs.x else None
        return dx, dh0 if ctx.needs.h0 else None, None, dW, dU, db

    @classmethod
    def examples(cls, rng):
        x, h0 = rng.standard_normal((5, 4, 3)), rng.standard_normal((5, 2))
        yield cls(units=2), (x,)
        yield cls(units=2, reverse=True), (x, h0)
        yield cls(units=2, activation="relu"), (x, None, np.array([2, 4, 0, 3, 1]))
        yield cls(units=2, reverse=True), (x, h0, np.array([3, 0, 4, 1, 2]))


def _params(block, x):
    units, K = block.units, x.shape[-1]
    return {
        "W": Param((units, K), init="glorot"),
        "U": Param((units, units), init="glorot"),
        "b": Param((units,), init="zeros"),
    }


def _step(activation, a, h0, U):
    """h, from a = x Wᵀ + b."""
    a = a + (U @ h0.T).T  # OpenBLAS takes a third less time for it than for h₀ Uᵀ
    return np.tanh(a) if activation == "tanh" else np.maximum(a, 0)


def _back(activation, dh, h):
    """δ_a."""
    return dh * (1 - h * h if activation == "tanh" else h > 0)
