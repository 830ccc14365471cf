"""Losses of numbers that are to come close to other numbers."""

from typing import Annotated

import numpy as np
from annotated_types import Gt

from blockrun.core import Block

from .._mean import positions


class SumOfSquares(Block):
    """y = ‖prediction − target‖², summed over everything.      prediction, target (...) → y ()

    ∂J/∂prediction = 2 δ_y (prediction − target) = −∂J/∂target.      (Kamper 2022, §4)
    """

    shapes = "prediction (...), target (...) -> y ()"
    batchwise = True
    formula = "sum((prediction - target) ** 2)"
    gradients = {"prediction": "dy * 2 * (prediction - target)", "target": "-dy * 2 * (prediction - target)"}

    def forward(self, ctx, prediction, target):
        difference = prediction - target
        return (difference * difference).sum(), difference

    def backward(self, ctx, saved, dy):
        difference = saved
        dprediction = 2 * dy * difference
        return dprediction if ctx.needs.prediction else None, -dprediction if ctx.needs.target else None

    @classmethod
    def examples(cls, rng):
        yield cls(), (rng.standard_normal((4, 3)), rng.standard_normal((4, 3)))
        yield cls(), (rng.standard_normal((4, 2, 3)), rng.standard_normal((4, 2, 3)))


class MeanSquaredError(Block):
    """y = ‖prediction − target‖² / P, the mean over all P entries of the whole batch.

    prediction, target (N, ...) → y ().
    ∂J/∂prediction = 2 δ_y (prediction − target) / P = −∂J/∂target.      (Bishop 2006, §1.2.5)
    """

    shapes = "prediction (N, ...), target (N, ...) -> y ()"
    batchwise = True
    formula = "sum((prediction - target) ** 2) / (examples * prod(prediction.shape[1:]))"
    gradients = {
        "prediction": "dy * 2 * (prediction - target) / (examples * prod(prediction.shape[1:]))",
        "target": "-dy * 2 * (prediction - target) / (examples * prod(prediction.shape[1:]))",
    }

    def forward(self, ctx, prediction, target):
        count = positions(ctx, prediction.shape)
        difference = prediction - target
        return (difference * difference).sum() / count, (difference, count)

    def backward(self, ctx, saved, dy):
        difference, count = saved
        dprediction = 2 * dy / count * difference
        return dprediction if ctx.needs.prediction else None, -dprediction if ctx.needs.target else None

    @classmethod
    def examples(cls, rng):
        yield cls(), (rng.standard_normal((4, 3)), rng.standard_normal((4, 3)))
        yield cls(), (rng.standard_normal((4, 2, 3)), rng.standard_normal((4, 2, 3)))


class MeanAbsoluteError(Block):
    """y = Σ |prediction − target| / P, the mean over all P entries of the whole batch.

    prediction, target (N, ...) → y ().   ∂J/∂prediction = δ_y sign(prediction − target) / P = −∂J/∂target;
    at the kink, where the two are equal, the subgradient 0.      (Hastie et al. 2009, §10.6)
    """

    shapes = "prediction (N, ...), target (N, ...) -> y ()"
    batchwise = True
    formula = "sum(abs(prediction - target)) / (examples * prod(prediction.shape[1:]))"
    gradients = {
        "prediction": "dy * sign(prediction - target) / (examples * prod(prediction.shape[1:]))",
        "target": "-dy * sign(prediction - target) / (examples * prod(prediction.shape[1:]))",
    }

    def forward(self, ctx, prediction, target):
        count = positions(ctx, prediction.shape)
        difference = prediction - target
        return np.abs(difference).sum() / count, (np.sign(difference).astype(np.int8), count)

    def backward(self, ctx, saved, dy):
        sign, count = saved
        dprediction = sign * (dy / count)
        return dprediction if ctx.needs.prediction else None, -dprediction if ctx.needs.target else None

    @classmethod
    def examples(cls, rng):
        for shape in ((4, 3), (4, 2, 3)):
            target = rng.standard_normal(shape)
            yield cls(), (target + rng.choice((-1, 1), shape) * rng.uniform(0.2, 2, shape), target)


class Huber(Block):
    """y = Σ h(prediction − target) / P: with c = d clipped to ±delta, h(d) = c (d − c / 2), so d² / 2 near 0 and
    delta (|d| − delta / 2) beyond delta.      prediction, target (N, ...) with P entries in the whole batch → y ()

    ∂J/∂prediction = δ_y c / P = −∂J/∂target.      (Huber 1964)
    """

    delta: Annotated[float, Gt(0)] = 1.0
    shapes = "prediction (N, ...), target (N, ...) -> y ()"
    batchwise = True
    gradients = {
        "prediction": "dy * clip(prediction - target, -delta, delta) / (examples * prod(prediction.shape[1:]))",
        "target": "-dy * clip(prediction - target, -delta, delta) / (examples * prod(prediction.shape[1:]))",
    }

    def forward(self, ctx, prediction, target):
        count = positions(ctx, prediction.shape)
        difference = prediction - target
        clipped = np.clip(difference, -self.delta, self.delta)
        return (clipped * (difference - clipped / 2)).sum() / count, (clipped, count)

    def backward(self, ctx, saved, dy):
        clipped, count = saved
        dprediction = dy / count * clipped
        return dprediction if ctx.needs.prediction else None, -dprediction if ctx.needs.target else None

    @classmethod
    def examples(cls, rng):
        yield cls(), (2 * rng.standard_normal((4, 3)), rng.standard_normal((4, 3)))
        yield cls(delta=0.5), (rng.standard_normal((4, 2, 3)), rng.standard_normal((4, 2, 3)))
