"""Noise that regularises: blocks that draw random numbers in training and do nothing in evaluation."""

from typing import Annotated

import numpy as np
from annotated_types import Ge, Lt

from blockrun.core import Block


class Dropout(Block):
    """y = x m / (1 − p) with mask entries m = 0 with probability p, else 1; in evaluation y = x.   x (...) → y (...)

    The mean of y is x, so that evaluation needs no correction.
    ∂J/∂x = δ_y m / (1 − p).      (Srivastava et al. 2014, scaled in training)
    """

    p: Annotated[float, Ge(0), Lt(1)] = 0.5
    shapes = "x (...) -> y (...)"
    batchwise = True

    def forward(self, ctx, x):
        if not ctx.training or self.p == 0:
            return x, None
        kept = ctx.rng.random(x.shape, dtype=np.float32) >= self.p
        noise = np.multiply(kept, 1 / (1 - self.p), dtype=x.dtype)
        return x * noise, noise

    def backward(self, ctx, saved, dy):
        noise = saved
        return dy if noise is None else dy * noise

    @classmethod
    def examples(cls, rng):
        yield cls(), (rng.standard_normal((4, 3)),)
        yield cls(p=0.2), (rng.standard_normal((4, 3, 2)),)
        yield cls(p=0), (rng.standard_normal((4, 3)),)
