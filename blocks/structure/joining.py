"""Joining and parting: blocks that make one variable of several, or several of one."""

from itertools import accumulate

import numpy as np

from blockrun.core import Block


class Concat(Block):
    """y = x₁, x₂, … one after another along `axis`; all other axes must agree.      xs (..., Kᵢ) → y (..., Σ Kᵢ)

    ∂J/∂xᵢ = the part of δ_y that xᵢ became.      (selection is linear)
    """

    axis: int = -1
    formula = "concatenate(xs, axis)"

    @property
    def batchwise(self):
        return self.axis > 0 or self.axis == -1

    def forward(self, ctx, *xs):
        if not xs:
            raise ValueError("concat has 0 inputs; it needs at least 1")
        return np.concatenate(xs, axis=self.axis), tuple(x.shape[self.axis] for x in xs)

    def backward(self, ctx, saved, dy):
        parts = np.split(dy, list(accumulate(saved))[:-1], axis=self.axis)
        return tuple(part if need else None for part, need in zip(parts, ctx.needs.xs, strict=True))

    @classmethod
    def examples(cls, rng):
        yield cls(), (rng.standard_normal((4, 3)), rng.standard_normal((4, 2)), rng.standard_normal((4, 5)))
        yield cls(axis=1), (rng.standard_normal((4, 3, 2)), rng.standard_normal((4, 1, 2)))
        yield cls(axis=0), (rng.standard_normal((4, 3)), rng.standard_normal((2, 3)))
        yield cls(), (rng.standard_normal((4, 3)),)
