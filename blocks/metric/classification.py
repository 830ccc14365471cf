"""Metrics of predicted classes: how often they are right, and which are taken for which."""

from typing import Annotated, Literal

import numpy as np
from annotated_types import Ge

from blockrun.core import Block
from blockrun.core.shapes import ShapeError, show_shape

from .._labels import without_ignored
from .._mean import mean

Average = Literal["binary", "macro", "micro"]


class Accuracy(Block):
    """The share of labels that have the largest logit; of equal logits the first counts.

    logits (N, ..., K), label (N, ...) → correct (), count (), both integers; the result is correct / count, nan if
    nothing is counted. The label `ignore` is not counted.
    It is flat wherever it is not discontinuous, so there is no derivative.      (Hastie et al. 2009, §7.2)
    """

    ignore: int | None = None
    outputs = ("correct", "count")
    shapes = "logits (N, ..., K), label (N, ...) -> correct (), count ()"
    batchwise = True

    def forward(self, ctx, logits, label):
        label, kept = without_ignored(label, logits.shape[-1], self.ignore)
        correct = (logits.argmax(axis=-1) == label) & kept
        return (correct.sum(), kept.sum()), None

    def result(self, correct, count):
        """The accuracy, from 0 to 1; not a number where nothing was counted."""
        return mean(correct, count)

    @classmethod
    def examples(cls, rng):
        yield cls(), (rng.standard_normal((5, 3)), rng.integers(3, size=5))
        yield cls(ignore=-1), (rng.standard_normal((5, 2, 3)), rng.integers(-1, 3, size=(5, 2)))


class TopKAccuracy(Block):
    """The share of labels whose logit is among the `k` largest; of equal logits the first count.

    logits (N, ..., K), label (N, ...) → correct (), count (), both integers; the result is correct / count, nan if
    nothing is counted. The label `ignore` is not counted, and a logit that is nan is beaten by every other.
    It is flat wherever it is not discontinuous, so there is no derivative.      (Russakovsky et al. 2015, §4.1)
    """

    k: Annotated[int, Ge(1)] = 5
    ignore: int | None = None
    outputs = ("correct", "count")
    shapes = "logits (N, ..., K), label (N, ...) -> correct (), count ()"
    batchwise = True

    def forward(self, ctx, logits, label):
        classes = logits.shape[-1]
        if self.k > classes:
            raise ShapeError(f"`k` is {self.k}, but there are {classes} classes: every label would be right")
        label, kept = without_ignored(label, classes, self.ignore)
        label = label[..., None]
        own = np.take_along_axis(logits, label, axis=-1)
        before = np.arange(classes, like=logits) < label
        ahead = ~(logits <= own) | (logits == own) & before
        correct = (ahead.sum(axis=-1) < self.k) & kept
        return (correct.sum(), kept.sum()), None

    def result(self, correct, count):
        """The accuracy, from 0 to 1; not a number where nothing was counted."""
        return mean(correct, count)

    @classmethod
    def examples(cls, rng):
        yield cls(k=2), (rng.standard_normal((7, 4)), rng.integers(4, size=7))
        yield cls(), (rng.standard_normal((4, 2, 6)), rng.integers(6, size=(4, 2), dtype=np.uint8))
        yield cls(k=1, ignore=-1), (rng.standard_normal((5, 2, 3)), rng.integers(-1, 3, size=(5, 2)))


class Precision(Block):
    """How many of the predictions of a class are right: hit / predicted.

    logits (N, ..., K), label (N, ...) → hit, predicted, actual (K,): how often each class was predicted rightly, was
    predicted, was the label; the largest logit predicts. `average: binary` counts class 1 only, (): logits (N, ...),
    positive above `threshold` (0.5 for probabilities), or (N, ..., 2). `macro` is the mean over classes, `micro` adds
    them up first. A class that occurs but is never predicted has precision 0; one that does neither is left out, and
    the result is nan where that leaves none.      (van Rijsbergen 1979, ch. 7)
    """

    average: Average = "binary"
    threshold: float = 0.0
    ignore: int | None = None
    outputs = ("hit", "predicted", "actual")
    batchwise = True

    @property
    def shapes(self):
        return _shapes(self.average)

    def forward(self, ctx, logits, label):
        return _count(logits, label, self), None

    def result(self, hit, predicted, actual):
        """The precision, from 0 to 1."""
        return _average(self.average, hit, predicted, predicted + actual)

    @classmethod
    def examples(cls, rng):
        yield from _examples(cls, rng)


class Recall(Block):
    """How many of the labels of a class are found: hit / actual.

    logits (N, ..., K), label (N, ...) → hit, predicted, actual (K,), or () with `average: binary`: all as for
    `precision`. A class that is predicted but never occurs has recall 0; one that does neither is left out, and the
    result is nan where that leaves none.      (van Rijsbergen 1979, ch. 7)
    """

    average: Average = "binary"
    threshold: float = 0.0
    ignore: int | None = None
    outputs = ("hit", "predicted", "actual")
    batchwise = True

    @property
    def shapes(self):
        return _shapes(self.average)

    def forward(self, ctx, logits, label):
        return _count(logits, label, self), None

    def result(self, hit, predicted, actual):
        """The recall, from 0 to 1."""
        return _average(self.average, hit, actual, predicted + actual)

    @classmethod
    def examples(cls, rng):
        yield from _examples(cls, rng)


class F1(Block):
    """The harmonic mean of precision and recall, 2 hit / (predicted + actual).

    logits (N, ..., K), label (N, ...) → hit, predicted, actual (K,), or () with `average: binary`: all as for
    `precision`. `macro` is the mean of the F1 of the classes. A class that neither occurs nor is predicted is left
    out, and the result is nan where that leaves none.      (van Rijsbergen 1979, ch. 7)
    """

    average: Average = "binary"
    threshold: float = 0.0
    ignore: int | None = None
    outputs = ("hit", "predicted", "actual")
    batchwise = True

    @property
    def shapes(self):
        return _shapes(self.average)

    def forward(self, ctx, logits, label):
        return _count(logits, label, self), None

    def result(self, hit, predicted, actual):
        """F1, from 0 to 1."""
        return _average(self.average, 2 * hit, predicted + actual, predicted + actual)

    @classmethod
    def examples(cls, rng):
        yield from _examples(cls, rng)


class ConfusionMatrix(Block):
    """How often each class is taken for each: a row for each label, a column for each prediction, the largest logit.

    logits (N, ..., K), label (N, ...) → counts (K, K), integers, and so is the result. The label `ignore` is not
    counted. It is flat wherever it is not discontinuous, so there is no derivative.      (Kohavi and Provost 1998)
    """

    ignore: int | None = None
    outputs = ("counts",)
    shapes = "logits (N, ..., K), label (N, ...) -> counts (K, K)"
    batchwise = True

    def forward(self, ctx, logits, label):
        classes = logits.shape[-1]
        label, kept = without_ignored(label, classes, self.ignore)
        cell = label.astype(np.intp) * classes + logits.argmax(axis=-1)
        return np.bincount(cell[kept], minlength=classes * classes).reshape(classes, classes), None

    def result(self, counts):
        """The matrix of counts."""
        return counts.astype(np.int64)

    @classmethod
    def examples(cls, rng):
        yield cls(), (rng.standard_normal((7, 3)), rng.integers(3, size=7, dtype=np.uint8))
        yield cls(ignore=-1), (rng.standard_normal((4, 2, 3)), rng.integers(-1, 3, size=(4, 2)))


def _shapes(average):
    if average == "binary":
        return "label (N, ...) -> hit (), predicted (), actual ()"  # logits like label, or two for each
    return "logits (N, ..., K), label (N, ...) -> hit (K), predicted (K), actual (K)"


def _count(logits, label, block):
    """How often each class was predicted rightly, predicted, and the label; of class 1 only if `average` is binary."""
    binary = block.average == "binary"
    if binary and logits.shape not in (label.shape, (*label.shape, 2)):
        wanted = f"{show_shape(label.shape)}, one for each label, or {show_shape((*label.shape, 2))}"
        raise ShapeError(f"`logits` has shape {show_shape(logits.shape)}; with `average` binary it must be {wanted}")
    one = logits.ndim == label.ndim
    classes = 2 if one else logits.shape[-1]
    label, kept = without_ignored(label, classes, block.ignore)
    guess = (logits > block.threshold).astype(np.intp) if one else logits.argmax(axis=-1)
    label, guess = label[kept].astype(np.intp), guess[kept]
    counts = tuple(np.bincount(found, minlength=classes) for found in (label[label == guess], guess, label))
    return tuple(count[1] for count in counts) if binary else counts


def _average(average, part, whole, seen):
    """part / whole, averaged over those classes that are `seen` at all; 0 / 0 is 0 there."""
    if average == "micro":
        part, whole, seen = np.sum(part), np.sum(whole), np.sum(seen)
    share = np.asarray(part / np.maximum(whole, 1))[np.asarray(seen) > 0]
    return float(share.mean()) if share.size else float("nan")


def _examples(cls, rng):
    yield cls(), (rng.standard_normal((7, 3)), rng.integers(2, size=(7, 3)))
    yield cls(threshold=0.5, ignore=-1), (rng.random((7, 3)), rng.integers(-1, 2, size=(7, 3)))
    yield cls(), (rng.standard_normal((7, 2)), rng.integers(2, size=7, dtype=np.uint8))
    yield cls(average="macro"), (rng.standard_normal((8, 4)), rng.integers(3, size=8))
    yield cls(average="micro", ignore=-1), (rng.standard_normal((5, 2, 3)), rng.integers(-1, 3, size=(5, 2)))
