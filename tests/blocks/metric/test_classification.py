"""Metrics of classes: counted by hand, over uneven batches, over nothing."""

import math

import numpy as np
import pytest

from blockrun.blocks.metric.classification import F1, Accuracy, ConfusionMatrix, Precision, Recall, TopKAccuracy

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


def test_an_ignored_label_is_not_counted(measure):
    assert measure(Accuracy(ignore=2), LOGITS, LABEL) == 1
    assert measure(TopKAccuracy(k=1, ignore=-1), LOGITS, np.array([1, -1, 1, -1])) == 0.5


def test_top_k_accuracy_of_1_is_accuracy_and_of_all_classes_1(measure):
    rng = np.random.default_rng(0)
    logits, label = rng.integers(3, size=(60, 4)).astype(float), rng.integers(4, size=60)  # with many ties
    assert measure(TopKAccuracy(k=1), logits, label) == measure(Accuracy(), logits, label)
    assert measure(TopKAccuracy(k=4), logits, label) == 1


def test_top_k_accuracy_worked_by_hand_with_ties_broken_by_order(measure):
    logits = np.array([[4.0, 3, 2, 1], [4, 3, 2, 1], [1, 1, 1, 1], [1, 1, 1, 1]])
    assert measure(TopKAccuracy(k=2), logits, np.array([1, 2, 1, 2])) == 0.5


def test_logits_that_are_nan_are_never_among_the_largest(measure):
    nan = float("nan")
    assert measure(TopKAccuracy(k=1), np.array([[nan, 1.0], [1, nan]]), np.array([0, 1])) == 0


def test_more_than_there_are_classes_is_refused(run):
    with pytest.raises(ValueError, match="`k` is 5, but there are 3 classes"):
        run(TopKAccuracy(), np.ones((2, 3)), np.array([0, 1]))


SCORES = np.array([2.0, 1, -1, 3, -2, -0.5, 0])  # predicted: 1 1 0 1 0 0 0
BINARY = np.array([1, 0, 1, 1, 0, 0, 1])  # 2 of 3 predictions are right, 2 of 4 are found


def test_binary_precision_recall_and_f1_worked_by_hand(measure):
    assert measure(Precision(), SCORES, BINARY) == pytest.approx(2 / 3, rel=1e-15)
    assert measure(Recall(), SCORES, BINARY) == 0.5
    assert measure(F1(), SCORES, BINARY) == pytest.approx(4 / 7, rel=1e-15)


def test_two_logits_say_the_same_as_their_difference(measure):
    two = np.stack([np.zeros(7), SCORES], axis=1)
    for metric in (Precision(), Recall(), F1()):
        assert measure(metric, two, BINARY) == measure(metric, SCORES, BINARY)


def test_the_threshold_is_where_positive_begins(measure):
    """Above 1.5: 2 and 3, both right."""
    assert measure(Precision(threshold=1.5), SCORES, BINARY) == 1
    assert measure(Recall(threshold=1.5), SCORES, BINARY) == 0.5


GUESS = np.array([0, 0, 1, 1, 2, 2, 2, 0])
TRUTH = np.array([0, 1, 1, 1, 2, 0, 2, 2])
ONE_HOT = np.eye(4)[GUESS]  # of a fourth class that nobody mentions


def test_macro_averages_over_the_classes_that_occur(measure):
    """Hits 1, 2, 2 of predictions 3, 2, 3 and of labels 2, 3, 3, as scikit-learn's classification_report counts."""
    assert measure(Precision(average="macro"), ONE_HOT, TRUTH) == pytest.approx((1 / 3 + 1 + 2 / 3) / 3, rel=1e-15)
    assert measure(Recall(average="macro"), ONE_HOT, TRUTH) == pytest.approx((1 / 2 + 2 / 3 + 2 / 3) / 3, rel=1e-15)
    assert measure(F1(average="macro"), ONE_HOT, TRUTH) == pytest.approx((2 / 5 + 4 / 5 + 4 / 6) / 3, rel=1e-15)


def test_micro_averages_are_the_accuracy_where_every_example_has_one_class(measure):
    for metric in (Precision, Recall, F1):
        assert measure(metric(average="micro"), ONE_HOT, TRUTH) == measure(Accuracy(), ONE_HOT, TRUTH) == 5 / 8


def test_a_class_never_predicted_has_precision_0_and_one_never_there_recall_0(measure):
    assert measure(Precision(), np.array([-1.0, -2]), np.array([1, 0])) == 0
    assert measure(Recall(), np.array([1.0, -2]), np.array([0, 0])) == 0
    assert measure(F1(), np.array([1.0, -2]), np.array([0, 0])) == 0
    assert measure(Precision(average="macro"), np.eye(3)[[0, 0]], np.array([0, 1])) == 0.25  # 1/2 and 0


def test_where_no_class_occurs_there_is_no_number(measure):
    none = np.empty(0, dtype=np.int64)
    for metric in (Precision, Recall, F1):
        assert math.isnan(measure(metric(), np.array([-1.0, -2]), np.array([0, 0])))
        assert math.isnan(measure(metric(average="macro"), np.empty((0, 3)), none))
        assert math.isnan(measure(metric(average="micro"), np.empty((0, 3)), none))


def test_confusion_has_a_row_for_each_label_and_a_column_for_each_prediction(measure):
    found = measure(ConfusionMatrix(), ONE_HOT, TRUTH)
    assert found.tolist() == [[1, 0, 1, 0], [1, 2, 0, 0], [1, 0, 2, 0], [0, 0, 0, 0]]
    assert found.dtype.kind == "i"
    ignoring = measure(ConfusionMatrix(ignore=2), ONE_HOT, TRUTH)
    assert ignoring.tolist() == [[1, 0, 1, 0], [1, 2, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0]]


def test_more_than_255_cells_are_told_apart_although_labels_are_bytes(measure):
    label = np.arange(20, dtype=np.uint8)
    assert measure(ConfusionMatrix(), np.eye(20)[::-1], label).tolist() == np.eye(20)[::-1].tolist()


@pytest.mark.parametrize(
    "metric",
    [
        *(Accuracy(), Accuracy(ignore=1), TopKAccuracy(k=2), ConfusionMatrix(ignore=0)),
        *(metric(average=average) for metric in (Precision, Recall, F1) for average in ("macro", "micro")),
    ],
    ids=repr,
)
@pytest.mark.parametrize("sizes", [(1, 29), (7, 0, 19, 4), (10, 10, 10), (1,) * 30])
def test_results_are_the_same_however_uneven_the_batches(measure, metric, sizes):
    rng = np.random.default_rng(0)
    logits, label = rng.standard_normal((30, 2, 4)), rng.integers(4, size=(30, 2))
    assert np.array_equal(measure(metric, logits, label, sizes=sizes), measure(metric, logits, label))


def test_logits_of_another_shape_are_refused_with_both_that_would_do(run):
    with pytest.raises(ValueError, match=r"`logits` has shape \(4, 3\); .* \(4,\), one for each label, or \(4, 2\)"):
        run(Precision(), np.ones((4, 3)), np.zeros(4, dtype=int))
    with pytest.raises(ValueError, match=r"`label` has shape \(4, 3\)"):
        run(Recall(average="macro"), np.ones((4, 3)), np.zeros((4, 3), dtype=int))
