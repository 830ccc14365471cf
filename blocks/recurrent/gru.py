"""The gated recurrent unit: one step by itself, and the same step along a sequence, forward and back in time."""

from typing import Annotated

import numpy as np
from annotated_types import Ge

from blockrun.core import Block, Param

from .._broadcast import sum_rows
from .._rows import affine
from ._time import along, back, by_example, by_step, gradients, live_steps, parts, start


class GruCell(Block):
    """One step of `gru`, with the same parameters: h = (1 − z) n + z h₀,   n = tanh(aₙ + r q),   q = h₀ Uₙᵀ + b_h.

    r, z = σ(a_r + h₀ U_rᵀ), σ(a_z + h₀ U_zᵀ),   (a_r, a_z, aₙ) = x Wᵀ + b.   r comes after the product with Uₙ, which
    therefore has a bias of its own; those of U_r and U_z would only add to b.
    x (N, K), h0 (N, H), 0 if not given, W (3H, K), U (3H, H), b (3H,), b_h (H,) → h (N, H)
    δ_aₙ = δ_h (1 − z)(1 − n²),   δ_q = δ_aₙ r,   δ_a_r = δ_aₙ q · r (1 − r),   δ_a_z = δ_h (h₀ − n) · z (1 − z),
    ∂J/∂h₀ = δ_h z + (δ_a_r, δ_a_z, δ_q) U;   W, U, b as linear.      (Cho et al. 2014; r as in cuDNN, Appleyard 2016)
    """

    units: Annotated[int, Ge(1)]
    outputs = ("h",)
    shapes = "x (N, K), h0 (N, units), W (3*units, K), U (3*units, units), b (3*units,), b_h (units,) -> h (N, units)"
    batchwise = True

    def params(self, x, h0=None):
        return _params(self, x)

    def forward(self, ctx, x, h0=None, *, W, U, b, b_h):
        a = affine(x, W, b)
        h, q = (np.empty_like(a, shape=(len(a), self.units), order="C") for _ in range(2))
        h0 = np.zeros_like(h) if h0 is None else h0
        _step(a, h0, U, b_h, q, h)
        return h, (x, W, U, h0, a, q)

    def backward(self, ctx, saved, dh):
        x, W, U, h0, gates, q = saved
        da, du = np.empty_like(gates), np.empty_like(gates)
        dh0 = _back(dh, h0, gates, q, U, da, du)
        dx, dW, dU, db = gradients(ctx.needs, x, W, h0, da, du)
        return dx, dh0 if ctx.needs.h0 else None, dW, dU, db, _last(du) if ctx.needs.b_h else None

    @classmethod
    def examples(cls, rng):
        x, h0 = rng.standard_normal((4, 3)), rng.standard_normal((4, 2))
        yield cls(units=2), (x, h0)
        yield cls(units=5), (x,)


class Gru(Block):
    """`gru_cell` from step to step of a sequence: h_t = cell(x_t, h_{t−1});   y_t = h_t.

    x (N, T, K), h0 (N, H), 0 if not given, lengths (N,) → y (N, T, H), h (N, H), the state at the end
    W (3H, K), U (3H, H), b (3H,), b_h (H,), gates in the order r z n. `reverse` goes from the last step to the first.
    From a step that is not within the length of an example its y is 0, and its state is that of the step before.
    Back through time: δ_h_t = δ_y_t + what h₀ of the cell gets at t + 1;   W, U, b, b_h as in the cell, over all steps.
    (Cho et al. 2014; Appleyard et al. 2016; Werbos 1990)
    """

    units: Annotated[int, Ge(1)]
    reverse: bool = False
    outputs = ("y", "h")
    shapes = (
        "x (N, T, K), h0 (N, units), lengths (N,), W (3*units, K), U (3*units, units), b (3*units,), b_h (units,)"
        " -> y (N, T, units), h (N, units)"
    )
    batchwise = True

    def params(self, x, h0=None, lengths=None):
        return _params(self, x)

    def forward(self, ctx, x, h0=None, lengths=None, *, W, U, b, b_h):
        live = live_steps(lengths, x, self.reverse)
        gates = affine(by_step(x, self.reverse), W, b)
        hs = start(h0, gates, self.units)
        q = np.empty_like(hs[1:])

        def step(t):
            _step(gates[t], hs[t], U, b_h, q[t], hs[t + 1])

        along(step, live, hs)
        y = hs[1:] if live is None else hs[1:] * live
        return (by_example(y, self.reverse), hs[-1]), (x, W, U, hs, gates, q, live)

    def backward(self, ctx, saved, dy, dh):
        x, W, U, hs, gates, q, live = saved
        da, du = np.empty_like(gates), np.empty_like(gates)

        def step(t, dh):
            return (_back(dh, hs[t], gates[t], q[t], U, da[t], du[t]),)

        (dh0,) = back(step, live, by_step(dy, self.reverse), dh)
        dx, dW, dU, db = gradients(ctx.needs, by_step(x, self.reverse), W, hs[:-1], da, du)
        dx = by_example(dx, self.reverse) if ctx.needs.x else None
        return dx, dh0 if ctx.needs.h0 else None, None, dW, dU, db, _last(du) if ctx.needs.b_h else None

    @classmethod
    def examples(cls, rng):
        x, h0 = rng.standard_normal((5, 4, 3)), rng.standard_normal((5, 2))
        yield cls(units=2), (x,)
        yield cls(units=2, reverse=True), (x, h0)
        yield cls(units=2), (x, None, np.array([2, 4, 0, 3, 1]))
        yield cls(units=2, reverse=True), (x, h0, np.array([3, 0, 4, 1, 2]))


def _params(block, x):
    units, K = block.units, x.shape[-1]
    return {
        "W": Param((3 * units, K), init="glorot", fan=(K, units)),
        "U": Param((3 * units, units), init="glorot", fan=(units, units)),
        "b": Param((3 * units,), init="zeros"),
        "b_h": Param((units,), init="zeros"),
    }


def _step(a, h0, U, b_h, q, h):
    """Make the gates of a = x Wᵀ + b in place, q, and from them the new state h."""
    r, z, n = parts(a, 3)
    u_r, u_z, u_n = parts((U @ h0.T).T, 3)  # OpenBLAS takes a third less time for it than for h₀ Uᵀ
    for gate, u in ((r, u_r), (z, u_z)):
        gate += u
        gate *= 0.5  # σ(a) = ½ tanh(½ a) + ½, which never overflows
        np.tanh(gate, out=gate)
        gate *= 0.5
        gate += 0.5
    np.add(u_n, b_h, out=q)
    n += r * q
    np.tanh(n, out=n)
    np.subtract(h0, n, out=h)
    h *= z
    h += n


def _back(dh, h0, gates, q, U, da, du):
    """The gradient of h₀; makes da, that of x Wᵀ + b, and du, that of h₀ Uᵀ, which differ in the part of n."""
    r, z, n = parts(gates, 3)
    dr, dz, dn = parts(da, 3)
    np.multiply(dh * (1 - z), 1 - n * n, out=dn)
    np.multiply(dh * (h0 - n), z * (1 - z), out=dz)
    np.multiply(dn * q, r * (1 - r), out=dr)
    du[...] = da
    dq = parts(du, 3)[2]
    dq *= r
    return dh * z + du @ U


def _last(du):
    """∂J/∂b_h = Σ δ_q."""
    return sum_rows(du[..., -(du.shape[-1] // 3) :])
