"""Metrics of predicted numbers: how far they are from the right ones."""

import numpy as np

from blockrun.core import Block

from .._mean import mean

ROUNDING = 2.0**-40  # a variance below this part of the mean square is what rounding made of none


class SquaredError(Block):
    """The mean of (prediction − target)² over everything, or its square root, in units of the target, if `root`.

    prediction, target (N, ...) → total (), count (); the result is total / count, nan if nothing is counted.
    Totals of batches are added up in float64.      (Bishop 2006, §1.1)
    """

    root: bool = False
    outputs = ("total", "count")
    shapes = "prediction (N, ...), target (N, ...) -> total (), count ()"
    batchwise = True

    def forward(self, ctx, prediction, target):
        difference = prediction - target
        total = (difference * difference).sum()
        return (total, np.full_like(total, target.size, dtype=np.int64)), None

    def result(self, total, count):
        """The mean squared error, or its root; not a number where nothing was counted."""
        return mean(total, count) ** (0.5 if self.root else 1)

    @classmethod
    def examples(cls, rng):
        yield cls(), (rng.standard_normal((5, 3)), rng.standard_normal((5, 3)))
        yield cls(root=True), (rng.standard_normal((5, 2, 3)), rng.standard_normal((5, 2, 3)))


class AbsoluteError(Block):
    """The mean of |prediction − target| over everything.

    prediction, target (N, ...) → total (), count (); the result is total / count, nan if nothing is counted.
    Totals of batches are added up in float64.      (Hastie et al. 2009, §10.6)
    """

    outputs = ("total", "count")
    shapes = "prediction (N, ...), target (N, ...) -> total (), count ()"
    batchwise = True

    def forward(self, ctx, prediction, target):
        total = np.abs(prediction - target).sum()
        return (total, np.full_like(total, target.size, dtype=np.int64)), None

    def result(self, total, count):
        """The mean absolute error; not a number where nothing was counted."""
        return mean(total, count)

    @classmethod
    def examples(cls, rng):
        yield cls(), (rng.standard_normal((5, 3)), rng.standard_normal((5, 3)))
        yield cls(), (rng.standard_normal((5, 2, 3)), rng.standard_normal((5, 2, 3)))


class R2(Block):
    """The share of the variance of the target that is predicted: 1 − Σ (t − prediction)² / Σ (t − mean of t)².

    prediction, target (N, ..., K) or (N,) → residual, square, sum (K,), count (); with Σ t² and Σ t the denominator is
    square − sum² / count. Each of the K is judged by itself and the result is the mean over them, nan where a target
    does not vary. The sums are float64 whatever the inputs: the squares of float32 numbers are exact in it, and means
    of up to 10⁶ standard deviations leave digits enough.      (Wright 1921; the sums: Chan, Golub and LeVeque 1983)
    """

    outputs = ("residual", "square", "sum", "count")
    shapes = "prediction (N, ...), target (N, ...) -> residual (K), square (K), sum (K), count ()"
    batchwise = True

    def forward(self, ctx, prediction, target):
        rows = (-1, target.shape[-1] if target.ndim > 1 else 1)
        difference, target = (_wide(x).reshape(rows) for x in (prediction - target, target))
        sums = tuple(x.sum(axis=0) for x in (difference * difference, target * target, target))
        return (*sums, np.full_like(target, len(target), shape=(), dtype=np.int64)), None

    def result(self, residual, square, sum, count):
        """R², at most 1; not a number where nothing was counted or the target does not vary."""
        spread = square - sum * sum / max(count, 1)
        varies = spread > ROUNDING * square
        return float(1 - np.mean(residual / np.where(varies, spread, np.nan)))

    @classmethod
    def examples(cls, rng):
        target = rng.standard_normal((5, 2, 3))
        yield cls(), (target + 0.3 * rng.standard_normal((5, 2, 3)), target)
        yield cls(), (target[:, 0, 0] + 0.3 * rng.standard_normal(5), target[:, 0, 0])


def _wide(x):
    return x.astype(np.promote_types(x.dtype, np.float64))
