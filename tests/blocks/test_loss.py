"""Losses against numbers worked by hand, at logits that overflow the plain formula, and with labels that are wrong."""

import math

import numpy as np
import pytest

from blockrun.blocks.loss.classification import SoftmaxCrossEntropy, SumOfSquares


def test_sum_of_squares_worked_by_hand(run):
    """(1 − 3)² + (2 − 2)² + (5 − 4)² = 5."""
    y, gradients = run(SumOfSquares(), np.array([[1.0, 2, 5]]), np.array([[3.0, 2, 4]]), dy=10.0)
    assert y == 5
    assert gradients["prediction"].tolist() == [[-40, 0, 20]]
    assert gradients["target"].tolist() == [[40, 0, -20]]


def test_sum_of_squares_does_not_broadcast(run):
    with pytest.raises(ValueError, match=r"`target` has shape \(4,\)"):
        run(SumOfSquares(), np.ones((4, 1)), np.ones(4))


def test_cross_entropy_worked_by_hand(run):
    """Probabilities 1/4, 3/4 and 1/2, 1/2; labels 1 and 0: y = (ln 4/3 + ln 2) / 2."""
    logits = np.array([[0, math.log(3)], [7, 7]])
    y, gradients = run(SoftmaxCrossEntropy(), logits, np.array([1, 0]), dy=2.0)
    assert y == pytest.approx((math.log(4 / 3) + math.log(2)) / 2, rel=1e-14)
    np.testing.assert_allclose(gradients["logits"], [[1 / 4, -1 / 4], [-1 / 2, 1 / 2]], rtol=1e-14)


def test_cross_entropy_is_the_mean_over_every_position_of_a_sequence(run):
    logits, label = np.random.default_rng(0).standard_normal((4, 3, 5)), np.arange(12).reshape(4, 3) % 5
    y, _ = run(SoftmaxCrossEntropy(), logits, label)
    singly = [run(SoftmaxCrossEntropy(), logits[n, t][None], label[n, t][None])[0] for n in range(4) for t in range(3)]
    assert y == pytest.approx(math.fsum(singly) / 12)


def test_cross_entropy_of_the_pieces_of_a_batch_adds_up_to_that_of_the_whole(run):
    logits, label = np.random.default_rng(0).standard_normal((5, 3, 4)), np.arange(15).reshape(5, 3) % 4
    whole, gradients = run(SoftmaxCrossEntropy(), logits, label, dy=1.0)
    pieces = [
        run(SoftmaxCrossEntropy(), logits[part], label[part], dy=1.0, examples=5) for part in (slice(2), slice(2, 5))
    ]
    assert sum(y for y, _ in pieces) == pytest.approx(whole)
    np.testing.assert_allclose(np.concatenate([g["logits"] for _, g in pieces]), gradients["logits"])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_cross_entropy_of_huge_logits_is_finite(run, dtype):
    logits = np.array([[1e4, -1e4, 0], [1e4, -1e4, 0]], dtype=dtype)
    y, gradients = run(SoftmaxCrossEntropy(), logits, np.array([0, 1], dtype=np.uint8), dy=dtype(1))
    assert y == 1e4  # (0 + 20000) / 2
    assert gradients["logits"].tolist() == [[0, 0, 0], [0.5, -0.5, 0]]
    assert (y.dtype, gradients["logits"].dtype) == (dtype, dtype)


def test_cross_entropy_of_an_empty_batch_is_zero(run):
    y, gradients = run(SoftmaxCrossEntropy(), np.empty((0, 3)), np.empty(0, dtype=np.int64), dy=1.0)
    assert y == 0
    assert gradients["logits"].shape == (0, 3)


def test_cross_entropy_names_the_label_that_is_no_class(run):
    with pytest.raises(ValueError, match=r"label 3 at position \(1, 0\) is not one of the 3 classes, 0 to 2"):
        run(SoftmaxCrossEntropy(), np.ones((2, 2, 3)), np.array([[0, 1], [3, 2]]))
    with pytest.raises(ValueError, match=r"label -1 at position \(1\) is not one of the 3 classes"):
        run(SoftmaxCrossEntropy(), np.ones((2, 3)), np.array([0, -1]))


def test_cross_entropy_refuses_labels_that_are_not_integers(run):
    with pytest.raises(ValueError, match="label is float64; class labels must be integers from 0 to 2"):
        run(SoftmaxCrossEntropy(), np.ones((2, 3)), np.array([0.0, 1.0]))


def test_cross_entropy_wants_one_label_for_each_row(run):
    with pytest.raises(ValueError, match=r"`label` has shape \(4, 3\)"):
        run(SoftmaxCrossEntropy(), np.ones((4, 3)), np.ones((4, 3), dtype=np.int64))
