"""Losses of numbers against numbers worked by hand, and means that are those of the whole batch."""

import numpy as np
import pytest

from blockrun.blocks.loss.regression import Huber, MeanAbsoluteError, MeanSquaredError, SumOfSquares

PREDICTION, TARGET = np.array([[1.0, 2, 5], [0, 0, 7]]), np.array([[3.0, 2, 4], [0, 4, 3]])  # apart by −2 0 1, 0 −4 4
MEANS = [MeanSquaredError(), MeanAbsoluteError(), Huber(), Huber(delta=0.3)]


def test_sum_of_squares_worked_by_hand(run):
    """(1 − 3)² + (2 − 2)² + (5 − 4)² = 5."""
    y, gradients = run(SumOfSquares(), np.array([[1.0, 2, 5]]), np.array([[3.0, 2, 4]]), dy=10.0)
    assert y == 5
    assert gradients["prediction"].tolist() == [[-40, 0, 20]]
    assert gradients["target"].tolist() == [[40, 0, -20]]


def test_mean_squared_error_worked_by_hand(run):
    """(4 + 0 + 1 + 0 + 16 + 16) / 6; the gradient is twice the difference over 6."""
    y, gradients = run(MeanSquaredError(), PREDICTION, TARGET, dy=3.0)
    assert y == pytest.approx(37 / 6, rel=1e-15)
    np.testing.assert_allclose(gradients["prediction"], [[-2, 0, 1], [0, -4, 4]], rtol=1e-15)
    np.testing.assert_allclose(gradients["target"], [[2, 0, -1], [0, 4, -4]], rtol=1e-15)


def test_mean_absolute_error_worked_by_hand_and_its_subgradient_where_equal_is_0(run):
    y, gradients = run(MeanAbsoluteError(), PREDICTION, TARGET, dy=6.0)
    assert y == pytest.approx(11 / 6, rel=1e-15)
    assert gradients["prediction"].tolist() == [[-1, 0, 1], [0, -1, 1]]
    assert gradients["target"].tolist() == [[1, 0, -1], [0, 1, -1]]


def test_huber_is_square_up_to_delta_and_straight_beyond(run):
    """With delta 2: 4 / 2, 0, 1 / 2, 0, and twice 2 · (4 − 1)."""
    y, gradients = run(Huber(delta=2), PREDICTION, TARGET, dy=6.0)
    assert y == pytest.approx((2 + 0.5 + 6 + 6) / 6, rel=1e-15)
    assert gradients["prediction"].tolist() == [[-2, 0, 1], [0, -2, 2]]
    assert gradients["target"].tolist() == [[2, 0, -1], [0, 2, -2]]


@pytest.mark.parametrize("loss", MEANS, ids=repr)
def test_the_mean_over_the_pieces_of_a_batch_adds_up_to_that_of_the_whole(run, loss):
    rng = np.random.default_rng(0)
    prediction, target = rng.standard_normal((2, 5, 3, 2))
    whole, gradients = run(loss, prediction, target, dy=1.0)
    pieces = [run(loss, prediction[part], target[part], dy=1.0, examples=5) for part in (slice(2), slice(2, 5))]
    assert sum(y for y, _ in pieces) == pytest.approx(whole, rel=1e-14)
    np.testing.assert_allclose(np.concatenate([g["target"] for _, g in pieces]), gradients["target"], rtol=1e-14)


@pytest.mark.parametrize("loss", MEANS, ids=repr)
@pytest.mark.parametrize("shape", [(0, 3), (4, 0), (0,)])
def test_the_mean_over_nothing_is_0(run, loss, shape):
    y, gradients = run(loss, np.empty(shape), np.empty(shape), dy=1.0)
    assert y == 0
    assert gradients["prediction"].shape == shape


@pytest.mark.parametrize("loss", [SumOfSquares(), *MEANS], ids=repr)
def test_prediction_and_target_are_not_broadcast(run, loss):
    with pytest.raises(ValueError, match=r"`target` has shape \(4,\)"):
        run(loss, np.ones((4, 1)), np.ones(4))


@pytest.mark.parametrize("loss", MEANS, ids=repr)
def test_far_predictions_in_float32_are_finite(run, loss):
    prediction, target = np.float32([[1e4, -1e4, 1e4]]), np.float32([[-1e4, 1e4, 1e4]])
    y, gradients = run(loss, prediction, target, dy=np.float32(1))
    assert np.isfinite(y)
    assert y.dtype == gradients["prediction"].dtype == np.float32
    assert np.isfinite(gradients["prediction"]).all()
