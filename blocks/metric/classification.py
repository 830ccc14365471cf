"""Metrics: statistics that add up over batches, and the number that their totals come to."""

import numpy as np

from blockrun.core import Block

from .._labels import check_labels


class Accuracy(Block):
    """The share of labels that have the largest logit; of equal logits the first counts.

    logits (N, ..., K), label (N, ...) → correct (), count (), both integers; the result is correct / count.
    It is flat wherever it is not discontinuous, so there is no derivative.      (Hastie et al. 2009, §7.2)
    """

    outputs = ("correct", "count")
    shapes = "logits (N, ..., K), label (N, ...) -> correct (), count ()"
    batchwise = True

    def forward(self, ctx, logits, label):
        check_labels(label, logits.shape[-1])
        correct = (logits.argmax(axis=-1) == label).sum()
        return (correct, np.full_like(correct, label.size)), None

    def result(self, correct, count):
        """The accuracy, from 0 to 1; not a number where nothing was counted."""
        return float(correct) / float(count) if count else float("nan")

    @classmethod
    def examples(cls, rng):
        yield cls(), (rng.standard_normal((5, 3)), rng.integers(3, size=5))
        yield cls(), (rng.standard_normal((5, 2, 3)), rng.integers(3, size=(5, 2)))
