"""Metrics of predicted text: how surprising the next character or word is to a model."""

import math

import numpy as np

from blockrun.core import Block

from .._labels import entries, without_ignored
from .._mean import mean


class Perplexity(Block):
    """e to the mean of −ln softmax(logits)[label]: as unsure as between so many equally likely choices.

    logits (N, ..., K), label (N, ...) → surprise (), count (); the result is e^(surprise / count), nan if nothing is
    counted. Log-probabilities are logits too. The label `ignore` is not counted.      (Jelinek et al. 1977)
    """

    ignore: int | None = None
    outputs = ("surprise", "count")
    shapes = "logits (N, ..., K), label (N, ...) -> surprise (), count ()"
    batchwise = True

    def forward(self, ctx, logits, label):
        return _surprise(logits, label, self.ignore), None

    def result(self, surprise, count):
        """The perplexity, from 1 to infinity; not a number where nothing was counted."""
        with np.errstate(over="ignore"):
            return float(np.exp(np.float64(mean(surprise, count))))

    @classmethod
    def examples(cls, rng):
        yield cls(), (rng.standard_normal((5, 3)), rng.integers(3, size=5))
        yield cls(ignore=-1), (rng.standard_normal((5, 2, 3)), rng.integers(-1, 3, size=(5, 2)))


class BitsPerCharacter(Block):
    """The mean of −log₂ softmax(logits)[label]: bits needed for each character by the best code for this model.

    logits (N, ..., K), label (N, ...) → surprise () in nats, count (); the result is surprise / (count ln 2), nan if
    nothing is counted. Log-probabilities are logits too. The label `ignore` is not counted.      (Shannon 1951)
    """

    ignore: int | None = None
    outputs = ("surprise", "count")
    shapes = "logits (N, ..., K), label (N, ...) -> surprise (), count ()"
    batchwise = True

    def forward(self, ctx, logits, label):
        return _surprise(logits, label, self.ignore), None

    def result(self, surprise, count):
        """The bits for each character; not a number where nothing was counted."""
        return mean(surprise, count) / math.log(2)

    @classmethod
    def examples(cls, rng):
        yield cls(), (rng.standard_normal((5, 3)), rng.integers(3, size=5))
        yield cls(ignore=-1), (rng.standard_normal((5, 2, 3)), rng.integers(-1, 3, size=(5, 2)))


def _surprise(logits, label, ignore):
    """Σ −ln softmax(logits)[label] over the labels that count, and how many those are."""
    label, kept = without_ignored(label, logits.shape[-1], ignore)
    label, rows = label[kept], logits[kept]
    shifted = rows - rows.max(axis=-1, keepdims=True)
    own = shifted[entries(label)]
    return (np.log(np.exp(shifted).sum(axis=-1)) - own).sum(), kept.sum()
