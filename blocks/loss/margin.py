"""Losses that ask for a margin: a score is to be on its right side by so much, and no more is wanted."""

from typing import Annotated, Literal

import numpy as np
from annotated_types import Gt

from blockrun.core import Block
from blockrun.core.options import OptionError

from .._labels import check_labels, entries
from .._logistic import logistic
from .._mean import positions


class Hinge(Block):
    """y = Σ ℓ / P over the P labels of the whole batch, with scores x and the margin m; ∂J/∂x = δ_y ∂ℓ/∂x / P.

    Two classes, logits and label c (N, ...), c = 0 or 1 and t = 2 c − 1:
    `binary` ℓ = max(0, m − t x),   `logistic` ℓ = ln(1 + e^(−t x)), without a margin.
    K classes, logits (N, ..., K), label c (N, ...), over the classes q ≠ c:   `mhinge` ℓ = max(0, m − x_c),
    `mshinge` ℓ = max(0, m − x_c + max x_q),   `multi_margin` ℓ = Σ max(0, m − x_c + x_q) / K.
    At a kink the subgradient 0; of equal rivals the first counts.      (Crammer and Singer 2001; Rosasco et al. 2004)
    """

    kind: Literal["binary", "logistic", "mhinge", "mshinge", "multi_margin"] = "binary"
    margin: Annotated[float, Gt(0)] = 1.0
    nograd = ("label",)
    batchwise = True

    @property
    def shapes(self):
        scores = "N, ..." if self.kind in ("binary", "logistic") else "N, ..., K"
        return f"logits ({scores}), label (N, ...) -> y ()"

    def validate(self):
        if self.kind == "logistic" and self.margin != 1:
            raise OptionError("margin", f"`margin` is {self.margin:g}; kind `logistic` has no margin, leave it out")

    def forward(self, ctx, logits, label):
        two = logits.ndim == label.ndim
        check_labels(label, 2 if two else logits.shape[-1])
        rows = logits if two else logits.reshape(-1, logits.shape[-1])
        losses, slope = FORMS[self.kind](rows, label if two else label.reshape(-1), self.margin)
        count = positions(ctx, label.shape)
        return losses.sum() / count, (slope.reshape(logits.shape), count)

    def backward(self, ctx, saved, dy):
        slope, count = saved
        return dy / count * slope, None

    @classmethod
    def examples(cls, rng):
        for kind in ("binary", "logistic"):
            yield cls(kind=kind), (2 * rng.standard_normal((4, 3)), rng.integers(2, size=(4, 3), dtype=np.uint8))
        for kind in ("mhinge", "mshinge", "multi_margin"):
            yield cls(kind=kind), (2 * rng.standard_normal((5, 3)), rng.integers(3, size=5))
            yield cls(kind=kind, margin=0.5), (rng.standard_normal((4, 2, 3)), rng.integers(3, size=(4, 2)))


def _binary(x, c, margin):
    """ℓ and ∂ℓ/∂x, which is −1, 0 or 1."""
    t = 2 * c.astype(np.int8) - 1
    gap = margin - t * x
    return np.maximum(gap, 0), -t * (gap > 0)


def _logistic(x, c, margin):
    t = 2 * c.astype(np.int8) - 1
    loss, _, slope, _ = logistic(-t * x)
    return loss, -t * slope


def _mhinge(x, c, margin):
    own = entries(c)
    gap = margin - x[own]
    slope = np.zeros_like(x, dtype=np.int8)
    slope[own] -= gap > 0
    return np.maximum(gap, 0), slope


def _mshinge(x, c, margin):
    own = entries(c)
    rivals = x.copy()
    rivals[own] = -np.inf
    best = entries(rivals.argmax(axis=1))
    gap = margin - x[own] + rivals[best]
    slope = np.zeros_like(x, dtype=np.int8)
    slope[best] += gap > 0
    slope[own] -= gap > 0
    return np.maximum(gap, 0), slope


def _multi_margin(x, c, margin):
    own = entries(c)
    gap = margin - x[own][:, None] + x
    gap[own] = 0
    slope = (gap > 0).astype(x.dtype)
    slope[own] = -slope.sum(axis=1)
    return np.maximum(gap, 0).sum(axis=1) / x.shape[1], slope / x.shape[1]


FORMS = {
    "binary": _binary, "logistic": _logistic, "mhinge": _mhinge, "mshinge": _mshinge, "multi_margin": _multi_margin,
}  # fmt: skip
