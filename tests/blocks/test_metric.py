"""Accuracy: counted by hand, over uneven batches, over nothing."""

import math

import numpy as np
import pytest

from blockrun.blocks.metric.classification import Accuracy

LOGITS = np.array([[1.0, 3, 2], [5, 0, 0], [0, 1, 2], [0, 0, -1]])  # largest: 1, 0, 2, and 0 by order
LABEL = np.array([1, 2, 2, 0])


def test_accuracy_counts_the_labels_that_have_the_largest_logit(run):
    (correct, count), _ = run(Accuracy(), LOGITS, LABEL)
    assert (correct, count) == (3, 4)
    assert Accuracy().result(correct, count) == 0.75


def test_accuracy_over_uneven_batches_is_that_of_all_examples(run):
    parts = [run(Accuracy(), LOGITS[part], LABEL[part])[0] for part in (slice(3), slice(3, 4))]
    assert Accuracy().result(*(sum(values) for values in zip(*parts, strict=True))) == 0.75


def test_accuracy_counts_every_position_of_a_sequence(run):
    (correct, count), _ = run(Accuracy(), LOGITS.reshape(2, 2, 3), LABEL.reshape(2, 2))
    assert (correct, count) == (3, 4)


def test_accuracy_of_nothing_is_not_a_number(run):
    totals, _ = run(Accuracy(), np.empty((0, 3)), np.empty(0, dtype=np.int64))
    assert math.isnan(Accuracy().result(*totals))


def test_accuracy_refuses_a_label_that_is_no_class(run):
    with pytest.raises(ValueError, match=r"label 3 at position \(0\) is not one of the 3 classes"):
        run(Accuracy(), LOGITS[:1], np.array([3]))
