"""Matrix products: with a learned matrix, and between two variables."""

from typing import Annotated

import numpy as np
from annotated_types import Ge

from blockrun.core import Block, Param

from .._broadcast import sum_rows, unbroadcast


class Linear(Block):
    """z = a Wᵀ + b, over the last axis.      a (..., K), W (D, K), b (D,) → z (..., D)

    ∂J/∂a = δ_z W,   ∂J/∂W = Σ δ_zᵀ a,   ∂J/∂b = Σ δ_z.      (Kamper 2022, eqs 22-26)
    """

    units: Annotated[int, Ge(1)]
    bias: bool = True
    outputs = ("z",)
    shapes = "a (..., K), W (units, K), b (units,) -> z (..., units)"
    batchwise = True
    gradients = {"a": "dy @ W", "W": "dy.mT @ a", "b": "dy"}

    @property
    def formula(self):
        return "a @ W.T + b" if self.bias else "a @ W.T"

    def params(self, a):
        W = {"W": Param((self.units, a.shape[-1]), init="glorot")}
        return W | {"b": Param((self.units,), init="zeros")} if self.bias else W

    def forward(self, ctx, a, *, W, b=None):
        z = a.reshape(-1, a.shape[-1]) @ W.T  # one product: NumPy makes one for each leading index of `a @ W.T`
        if b is not None:
            z += b
        return z.reshape(*a.shape[:-1], self.units), (a, W)

    def backward(self, ctx, saved, dz):
        a, W = saved
        rows = dz.reshape(-1, self.units)
        da = (rows @ W).reshape(a.shape) if ctx.needs.a else None
        dW = rows.T @ a.reshape(-1, a.shape[-1]) if ctx.needs.W else None
        db = sum_rows(rows) if ctx.needs.b else None
        return da, dW, db

    @classmethod
    def examples(cls, rng):
        yield cls(units=5), (rng.standard_normal((4, 3)),)
        yield cls(units=5), (rng.standard_normal((4, 2, 3)),)
        yield cls(units=5, bias=False), (rng.standard_normal((4, 3)),)


class Matmul(Block):
    """C = A Bᵀ, or C = A B with `transpose: false`; further leading axes broadcast as in NumPy.

    A (..., M, K), B (..., N, K), or B (..., K, N) with `transpose: false` → C (..., M, N)
    C = A Bᵀ:   ∂J/∂A = δ_C B,   ∂J/∂B = δ_Cᵀ A.      (Kamper 2022, eqs 25, 26)
    C = A B:    ∂J/∂A = δ_C Bᵀ,   ∂J/∂B = Aᵀ δ_C.
    """

    transpose: bool = True
    outputs = ("C",)
    batchwise = False  # rows of A and B may both be examples, and C then compares each with each

    @property
    def formula(self):
        return "A @ B.mT" if self.transpose else "A @ B"

    @property
    def gradients(self):
        if self.transpose:
            return {"A": "dy @ B", "B": "dy.mT @ A"}
        return {"A": "dy @ B.mT", "B": "A.mT @ dy"}

    def forward(self, ctx, A, B):
        self._check(A.shape, B.shape)
        return A @ (_transposed(B) if self.transpose else B), (A, B)

    def backward(self, ctx, saved, dC):
        A, B = saved
        dA = unbroadcast(dC @ (B if self.transpose else _transposed(B)), A.shape) if ctx.needs.A else None
        dB = self._dB(A, B, dC) if ctx.needs.B else None
        return dA, dB

    def _dB(self, A, B, dC):
        return unbroadcast(_transposed(dC) @ A if self.transpose else _transposed(A) @ dC, B.shape)

    def _check(self, A, B):
        if len(A) < 2 or len(B) < 2:
            raise ValueError(f"A has shape {A} and B has shape {B}; both must have at least 2 axes")
        axis, which = (-1, "last") if self.transpose else (-2, "last but one")
        if A[-1] != B[axis]:
            raise ValueError(
                f"A has shape {A} and B has shape {B}; the last axis of A ({A[-1]}) must be as long as "
                f"the {which} axis of B ({B[axis]})"
            )

    @classmethod
    def examples(cls, rng):
        yield cls(), (rng.standard_normal((4, 3)), rng.standard_normal((5, 3)))
        yield cls(transpose=False), (rng.standard_normal((4, 3)), rng.standard_normal((3, 5)))
        yield cls(), (rng.standard_normal((4, 2, 3)), rng.standard_normal((4, 5, 3)))
        yield cls(), (rng.standard_normal((4, 1, 2, 3)), rng.standard_normal((6, 5, 3)))
        yield cls(transpose=False), (rng.standard_normal((4, 1, 2, 3)), rng.standard_normal((6, 3, 5)))
        yield cls(), (rng.standard_normal((1, 2, 1)), rng.standard_normal((4, 5, 1)))


class Bilinear(Block):
    """z_d = a W_d cᵀ + b_d, over the last axes.      a (..., K), c (..., L), W (D, K, L), b (D,) → z (..., D)

    ∂J/∂a = Σ_d δ_d c W_dᵀ,   ∂J/∂c = Σ_d δ_d a W_d,   ∂J/∂W_d = Σ δ_d aᵀ c,   ∂J/∂b = Σ δ_z.
    (Tenenbaum and Freeman 2000)
    """

    units: Annotated[int, Ge(1)]
    bias: bool = True
    outputs = ("z",)
    shapes = "a (..., K), c (..., L), W (units, K, L), b (units,) -> z (..., units)"
    batchwise = True
    gradients = {
        "a": "einsum('...d,...l,dkl->...k', dy, c, W)",
        "c": "einsum('...d,...k,dkl->...l', dy, a, W)",
        "W": "einsum('...d,...k,...l->...dkl', dy, a, c)",
        "b": "dy",
    }

    @property
    def formula(self):
        return "einsum('...k,...l,dkl->...d', a, c, W)" + " + b" * self.bias

    def params(self, a, c):
        K, L = a.shape[-1], c.shape[-1]
        W = {"W": Param((self.units, K, L), init="glorot", fan=(K * L, self.units))}
        return W | {"b": Param((self.units,), init="zeros")} if self.bias else W

    def forward(self, ctx, a, c, *, W, b=None):
        aW = (_rows(a) @ W.swapaxes(0, 1).reshape(a.shape[-1], -1)).reshape(*a.shape[:-1], self.units, c.shape[-1])
        z = (aW @ c[..., None])[..., 0]
        return (z if b is None else z + b), (a, c, W)

    def backward(self, ctx, saved, dz):
        a, c, W = saved
        da = (_pairs(dz, c) @ _rows(W.swapaxes(1, 2))).reshape(a.shape) if ctx.needs.a else None
        pairs = _pairs(dz, a) if ctx.needs.c or ctx.needs.W else None
        dc = (pairs @ _rows(W)).reshape(c.shape) if ctx.needs.c else None
        dW = (pairs.T @ _rows(c)).reshape(W.shape) if ctx.needs.W else None
        db = sum_rows(dz) if ctx.needs.b else None
        return da, dc, dW, db

    @classmethod
    def examples(cls, rng):
        yield cls(units=5), (rng.standard_normal((4, 3)), rng.standard_normal((4, 2)))
        yield cls(units=5), (rng.standard_normal((4, 6, 3)), rng.standard_normal((4, 6, 2)))
        yield cls(units=5, bias=False), (rng.standard_normal(3), rng.standard_normal(2))


def _transposed(x):
    return np.swapaxes(x, -1, -2)


def _rows(x):
    """All leading axes in one, so that there is one product: NumPy makes one for each of them."""
    return x.reshape(-1, x.shape[-1])


def _pairs(x, v):
    """Every product of an entry of a row of x with one of the same row of v.      x (..., K), v (..., L) → (N, K L)"""
    return (x[..., :, None] * v[..., None, :]).reshape(-1, x.shape[-1] * v.shape[-1])
