"""Losses: blocks that end in the single number that training makes small."""

import math

import numpy as np

from blockrun.core import Block

from .._labels import check_labels


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


class SoftmaxCrossEntropy(Block):
    """y = mean of −ln softmax(logits)[label] over all label positions; softmax over the last axis.

    logits (N, ..., K), label (N, ...) of integers 0 … K − 1 → y ().      With P label positions in the whole batch,
    ∂J/∂logits = δ_y (softmax(logits) − onehot(label)) / P.      (Bridle 1990)
    Raises `ValueError` for a label that is not an integer or not a class.
    """

    shapes = "logits (N, ..., K), label (N, ...) -> y ()"
    batchwise = True

    def forward(self, ctx, logits, label):
        check_labels(label, logits.shape[-1])
        rows, label = logits.reshape(-1, logits.shape[-1]), label.reshape(-1)
        count = ctx.examples * math.prod(logits.shape[1:-1])
        shifted = rows - rows.max(axis=1, keepdims=True)
        p = np.exp(shifted)
        total = p.sum(axis=1, keepdims=True)
        y = (np.log(total[:, 0]) - shifted[_entries(label, rows)]).sum() / count
        return y, (p / total, label, count, logits.shape)

    def backward(self, ctx, saved, dy):
        p, label, count, shape = saved
        share = dy / count
        dlogits = p * share
        dlogits[_entries(label, p)] -= share
        return dlogits.reshape(shape), None

    @classmethod
    def examples(cls, rng):
        yield cls(), (rng.standard_normal((4, 3)), rng.integers(3, size=4))
        yield cls(), (rng.standard_normal((4, 2, 3)), rng.integers(3, size=(4, 2), dtype=np.uint8))


def _entries(label, rows):
    """The index of each row's own label."""
    return np.arange(len(label), like=rows), label
