"""Attention by itself: what a query takes from the values of the keys that are like it."""

from typing import Annotated

import numpy as np
from annotated_types import Ge, Lt

from blockrun.core import Block

from ._tiles import Scores, attend, attend_back, draw_seed, dropper


class ScaledDotProductAttention(Block):
    """y = softmax(q kᵀ / √D) v over the keys that a query sees: all, or with `causal` those up to its own place.

    q (N, ..., T, D), k (N, ..., S, D), v (N, ..., S, E) → y (N, ..., T, E); `mask` of truths or integers that
    broadcasts to (N, ..., T, S) is not 0 for keys that are seen. A query that sees none gives 0.
    `p` of the weights w = softmax are dropped in training, the others divided by 1 − p.      With δ_w = δ_y vᵀ:
    δ_s = w (δ_w − Σ w δ_w),   ∂J/∂q = δ_s k / √D,   ∂J/∂k = δ_sᵀ q / √D,   ∂J/∂v = wᵀ δ_y.   No T × S array is held.
    (Vaswani et al. 2017; Dao et al. 2022)
    """

    causal: bool = False
    p: Annotated[float, Ge(0), Lt(1)] = 0.0
    nograd = ("mask",)
    shapes = "q (N, ..., T, D), k (N, ..., S, D), v (N, ..., S, E) -> y (N, ..., T, E)"
    batchwise = True

    def forward(self, ctx, q, k, v, mask=None):
        scores, seed = Scores(q, k, mask, self.causal), draw_seed(ctx, self.p)
        scores.check()
        y, top, total = attend(scores, v, dropper(seed, self.p))
        return y, (q, k, v, mask, top, total, seed)

    def backward(self, ctx, saved, dy):
        q, k, v, mask, top, total, seed = saved
        scores, needs = Scores(q, k, mask, self.causal), (ctx.needs.q, ctx.needs.k, ctx.needs.v)
        return *attend_back(scores, v, dropper(seed, self.p), top, total, dy, needs), None

    @classmethod
    def examples(cls, rng):
        q, k, v = (rng.standard_normal((4, *shape)) for shape in ((2, 5, 3), (2, 6, 3), (2, 6, 7)))
        yield cls(), (q, k, v)
        yield cls(causal=True), (q, k, v)
        yield cls(causal=True), (k, q, q)
        yield cls(causal=True), (q, k, v, _mask(rng, (4, 1, 5, 6)))
        yield cls(), (q, k, v, _mask(rng, (4, 2, 5, 1)))
        yield cls(), (q, k, v, rng.random((5, 6)) < 0.6)
        yield cls(causal=True, p=0.3), (q[:, 0], k[:, 0], v[:, 0], _mask(rng, (4, 1, 6)).astype(np.uint8))
        yield cls(p=0.4), (q, k, v)
        yield cls(), tuple(rng.standard_normal((1, *shape)) for shape in ((129, 2), (513, 2), (513, 3)))  # four tiles


def _mask(rng, shape):
    """With a row of an example that sees no key."""
    mask = rng.random(shape) < 0.6
    mask[1, ..., 0, :] = False
    return mask
