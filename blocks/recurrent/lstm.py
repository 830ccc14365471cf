"""Long short-term memory: one step by itself, and the same step along a sequence, forward and back in time."""

from typing import Annotated

import numpy as np
from annotated_types import Ge

from blockrun.core import Block, Param

from .._rows import affine
from ._time import along, back, by_example, by_step, gradients, live_steps, parts, start


class LstmCell(Block):
    """One step of `lstm`, with the same parameters: c = f c₀ + i g,   h = o tanh c.

    i, f, o = σ(aᵢ), σ(a_f), σ(aₒ),   g = tanh(a_g),   (aᵢ, a_f, a_g, aₒ) = x Wᵀ + h₀ Uᵀ + b.
    x (N, K), h0, c0 (N, H), 0 if not given, W (4H, K), U (4H, H), b (4H,) → h, c (N, H)
    With δ_c′ = δ_c + δ_h o (1 − tanh² c):   δ_aₒ = δ_h tanh c · o (1 − o),   δ_aᵢ = δ_c′ g · i (1 − i),
    δ_a_f = δ_c′ c₀ · f (1 − f),   δ_a_g = δ_c′ i · (1 − g²),   ∂J/∂c₀ = δ_c′ f,   ∂J/∂h₀ = δ_a U;   W, U, b as linear.
    b starts as `forget_bias` for f, else 0.      (Hochreiter and Schmidhuber 1997; f, Gers et al. 2000)
    """

    units: Annotated[int, Ge(1)]
    forget_bias: float = 1.0
    outputs = ("h", "c")
    shapes = (
        "x (N, K), h0 (N, units), c0 (N, units), W (4*units, K), U (4*units, units), b (4*units,)"
        " -> h (N, units), c (N, units)"
    )
    batchwise = True

    def params(self, x, h0=None, c0=None):
        return _params(self, x)

    def forward(self, ctx, x, h0=None, c0=None, *, W, U, b):
        a = affine(x, W, b)
        h, c = (np.empty_like(a, shape=(len(a), self.units), order="C") for _ in range(2))
        h0, c0 = (np.zeros_like(h) if state is None else state for state in (h0, c0))
        _step(a, h0, c0, U, _halves(b), h, c)
        return (h, c), (x, W, U, h0, c0, c, a)

    def backward(self, ctx, saved, dh, dc):
        x, W, U, h0, c0, c, gates = saved
        da = np.empty_like(gates)
        dh0, dc0 = _back(dh, dc, c0, c, gates, U, da)
        dx, dW, dU, db = gradients(ctx.needs, x, W, h0, da, da)
        return dx, dh0 if ctx.needs.h0 else None, dc0 if ctx.needs.c0 else None, dW, dU, db

    @classmethod
    def examples(cls, rng):
        x, h0, c0 = (rng.standard_normal((4, size)) for size in (3, 2, 2))
        yield cls(units=2), (x, h0, c0)
        yield cls(units=2, forget_bias=0), (x, None, c0)
        yield cls(units=2), (x, h0)
        yield cls(units=5), (x,)


class Lstm(Block):
    """`lstm_cell` from step to step of a sequence: h_t, c_t = cell(x_t, h_{t−1}, c_{t−1});   y_t = h_t.

    x (N, T, K), h0, c0 (N, H), 0 if not given, lengths (N,) → y (N, T, H), h, c (N, H), the states at the end
    W (4H, K), U (4H, H), b (4H,), gates in the order i f g o. `reverse` goes from the last step to the first.
    From a step that is not within the length of an example its y is 0, and its states are those of the step before.
    Back through time: δ_h_t = δ_y_t + δ_a_{t+1} U,   δ_c_t = δ_c′_{t+1} f_{t+1};   W, U, b as linear, over all steps.
    (Hochreiter and Schmidhuber 1997; Gers et al. 2000; Werbos 1990)
    """

    units: Annotated[int, Ge(1)]
    forget_bias: float = 1.0
    reverse: bool = False
    outputs = ("y", "h", "c")
    shapes = (
        "x (N, T, K), h0 (N, units), c0 (N, units), lengths (N,), W (4*units, K), U (4*units, units), b (4*units,)"
        " -> y (N, T, units), h (N, units), c (N, units)"
    )
    batchwise = True

    def params(self, x, h0=None, c0=None, lengths=None):
        return _params(self, x)

    def forward(self, ctx, x, h0=None, c0=None, lengths=None, *, W, U, b):
        live = live_steps(lengths, x, self.reverse)
        gates, halves = affine(by_step(x, self.reverse), W, b), _halves(b)
        hs, cs = start(h0, gates, self.units), start(c0, gates, self.units)

        def step(t):
            _step(gates[t], hs[t], cs[t], U, halves, hs[t + 1], cs[t + 1])

        along(step, live, hs, cs)
        y = hs[1:] if live is None else hs[1:] * live
        return (by_example(y, self.reverse), hs[-1], cs[-1]), (x, W, U, hs, cs, gates, live)

    def backward(self, ctx, saved, dy, dh, dc):
        x, W, U, hs, cs, gates, live = saved
        da = np.empty_like(gates)

        def step(t, dh, dc):
            return _back(dh, dc, cs[t], cs[t + 1], gates[t], U, da[t])

        dh0, dc0 = back(step, live, by_step(dy, self.reverse), dh, dc)
        dx, dW, dU, db = gradients(ctx.needs, by_step(x, self.reverse), W, hs[:-1], da, da)
        dx = by_example(dx, self.reverse) if ctx.needs.x else None
        return dx, dh0 if ctx.needs.h0 else None, dc0 if ctx.needs.c0 else None, None, dW, dU, db

    @classmethod
    def examples(cls, rng):
        x, h0, c0 = (rng.standard_normal(shape) for shape in ((5, 4, 3), (5, 2), (5, 2)))
        yield cls(units=2), (x,)
        yield cls(units=2, reverse=True), (x, h0, c0)
        yield cls(units=2, forget_bias=0), (x, None, c0, np.array([2, 4, 0, 3, 1]))
        yield cls(units=2, reverse=True), (x, h0, None, np.array([3, 0, 4, 1, 2]))


def _params(block, x):
    units, K = block.units, x.shape[-1]
    return {
        "W": Param((4 * units, K), init="glorot", fan=(K, units)),
        "U": Param((4 * units, units), init="glorot", fan=(units, units)),
        "b": Param((4 * units,), init={"name": "parts", "values": (0.0, block.forget_bias, 0.0, 0.0)}),
    }


def _halves(b):
    """½ for i, f, o and 1 for g: σ(a) = ½ tanh(½ a) + ½, so that one tanh does for all four and nothing overflows."""
    halves = np.full_like(b, 0.5)
    parts(halves[None], 4)[2][...] = 1
    return halves


def _step(a, h0, c0, U, halves, h, c):
    """Make the gates of a = x Wᵀ + b in place, and from them the new states h and c."""
    a += (U @ h0.T).T  # OpenBLAS takes a third less time for it than for h₀ Uᵀ
    a *= halves
    np.tanh(a, out=a)
    a *= halves
    a += 1 - halves
    i, f, g, o = parts(a, 4)
    np.multiply(f, c0, out=c)
    c += i * g
    np.tanh(c, out=h)
    h *= o


def _back(dh, dc, c0, c, gates, U, da):
    """The gradients of h₀ and c₀; makes da, that of what goes into the activations."""
    i, f, g, o = parts(gates, 4)
    di, df, dg, do = parts(da, 4)
    tanh_c = np.tanh(c)
    dc = dc + dh * o * (1 - tanh_c * tanh_c)
    np.multiply(dh * tanh_c, o * (1 - o), out=do)
    np.multiply(dc * g, i * (1 - i), out=di)
    np.multiply(dc * c0, f * (1 - f), out=df)
    np.multiply(dc * i, 1 - g * g, out=dg)
    return da @ U, dc * f
