"""Attention with several heads: each looks with queries, keys and values of its own, and all are put together."""

from typing import Annotated

import numpy as np
from annotated_types import Ge, Lt

from blockrun.core import Block, Param

from .._broadcast import sum_rows
from .._rows import affine, rows
from ._tiles import Scores, attend, attend_back, draw_seed, dropper


class MultiHeadAttention(Block):
    """y = (attention(q, k, v) of every head, side by side) W_oᵀ + b_o, by `scaled_dot_product_attention`.

    q = x W_qᵀ + b_q,   k = m W_kᵀ,   v = m W_vᵀ + b_v, each cut into `heads` of K / heads features; m is `memory` or x.
    x (N, T, K), memory (N, S, M), mask (N, S) or (N, T, S), not 0 for keys that are seen → y (N, T, K)
    W_q, W_o (K, K), W_k, W_v (K, M), b_q, b_v, b_o (K,).
    A b_k would add the same to all scores of a query, which softmax does not see: there is none.
    `causal` and `p`, which drops weights in training, as there; the rest as linear:   δ_x = δ_q W_q (+ δ_m),
    δ_m = δ_k W_k + δ_v W_v,   ∂J/∂W_q = Σ δ_qᵀ x,   ∂J/∂b_q = Σ δ_q, ...      (Vaswani et al. 2017, §3.2)
    """

    heads: Annotated[int, Ge(1)]
    causal: bool = False
    p: Annotated[float, Ge(0), Lt(1)] = 0.0
    bias: bool = True
    nograd = ("mask",)
    shapes = (
        "x (N, T, K), memory (N, S, _), W_q (K, K), W_k (K, _), W_v (K, _), W_o (K, K), b_q (K,), b_v (K,), b_o (K,)"
        " -> y (N, T, K)"
    )
    batchwise = True

    def params(self, x, memory=None, mask=None):
        K = x.shape[-1]
        if K % self.heads:
            raise ValueError(f"x has {K} features; `heads`, {self.heads}, must divide them")
        M = K if memory is None else memory.shape[-1]
        W = {name: Param((K, size)) for name, size in (("W_q", K), ("W_k", M), ("W_v", M), ("W_o", K))}
        return W | ({name: Param((K,), init="zeros") for name in ("b_q", "b_v", "b_o")} if self.bias else {})

    def forward(self, ctx, x, memory=None, mask=None, *, W_q, W_k, W_v, W_o, b_q=None, b_v=None, b_o=None):
        m, seed = x if memory is None else memory, draw_seed(ctx, self.p)
        q, k, v = (self._split(a) for a in (affine(x, W_q, b_q), affine(m, W_k), affine(m, W_v, b_v)))
        scores = self._scores(q, k, mask)
        scores.check()
        y, top, total = attend(scores, v, dropper(seed, self.p))
        y = _merged(y)
        return affine(y, W_o, b_o), (x, memory, mask, W_q, W_k, W_v, W_o, q, k, v, y, top, total, seed)

    def backward(self, ctx, saved, dout):
        x, memory, mask, W_q, W_k, W_v, W_o, q, k, v, y, top, total, seed = saved
        needs, m, drop = ctx.needs, x if memory is None else memory, dropper(seed, self.p)
        source = needs.x if memory is None else needs.memory
        wanted = (needs.x or needs.W_q or needs.b_q, source or needs.W_k, source or needs.W_v or needs.b_v)
        dy = self._split(affine(dout, W_o.T))
        found = attend_back(self._scores(q, k, mask), v, drop, top, total, dy, wanted)
        dq, dk, dv = (None if d is None else _merged(d) for d in found)
        dx = affine(dq, W_q.T) if needs.x else None
        dm = affine(dk, W_k.T) + affine(dv, W_v.T) if source else None
        if memory is None:
            dx, dm = dx + dm if needs.x else None, None
        dW = (
            rows(d).T @ rows(a) if need else None
            for d, a, need in ((dq, x, needs.W_q), (dk, m, needs.W_k), (dv, m, needs.W_v), (dout, y, needs.W_o))
        )
        db = (sum_rows(d) if need else None for d, need in ((dq, needs.b_q), (dv, needs.b_v), (dout, needs.b_o)))
        return dx, dm, None, *dW, *db

    def _split(self, a):
        """a (N, T, K) → (N, heads, T, K / heads)"""
        N, T, K = a.shape
        return a.reshape(N, T, self.heads, K // self.heads).swapaxes(1, 2)

    def _scores(self, q, k, mask):
        """Those of all heads, which see the same."""
        if mask is None:
            return Scores(q, k, None, self.causal)
        if mask.ndim not in (2, 3):
            raise ValueError(f"mask has shape {mask.shape}; it must be (N, S), which keys are seen, or (N, T, S)")
        return Scores(q, k, mask[:, None, None] if mask.ndim == 2 else mask[:, None], self.causal)

    @classmethod
    def examples(cls, rng):
        x, memory = rng.standard_normal((3, 4, 6)), rng.standard_normal((3, 5, 2))
        mask = np.array([[1, 0, 1, 1, 0], [0, 0, 0, 0, 0], [0, 1, 1, 0, 1]], dtype=bool)
        yield cls(heads=2), (x,)
        yield cls(heads=3, causal=True, bias=False), (x,)
        yield cls(heads=2), (x, memory, mask)
        yield cls(heads=1), (x[:, :1], memory)
        yield cls(heads=1, causal=True), (x, None, rng.random((3, 4, 4)) < 0.7)
        yield cls(heads=1, causal=True), (rng.standard_normal((2, 5, 4)), None, mask[:2])
        yield cls(heads=1, bias=False), (rng.standard_normal((1, 2, 2)), rng.standard_normal((1, 513, 1)))
        yield cls(heads=2, p=0.3), (rng.standard_normal((3, 2, 6)), None, mask[:, :2])
        yield cls(heads=2, p=0.2, causal=True), (rng.standard_normal((3, 3, 6)),)


def _merged(y):
    """What `_split` makes of it back again."""
    N, heads, T, D = y.shape
    return y.swapaxes(1, 2).reshape(N, T, heads * D)
