"""Metrics of numbers: by hand, over uneven batches, and where single precision would leave nothing of a variance."""

import math

import numpy as np
import pytest

from blockrun.blocks.metric.regression import R2, AbsoluteError, SquaredError

RNG = np.random.default_rng(0)
SIZES = [(1, 29), (7, 0, 19, 4), (10, 10, 10), (1,) * 30]


def test_errors_worked_by_hand(measure):
    prediction, target = np.array([[1.0, 2], [5, 0]]), np.array([[3.0, 2], [4, 1]])
    assert measure(SquaredError(), prediction, target) == 1.5  # (4 + 0 + 1 + 1) / 4
    assert measure(SquaredError(root=True), prediction, target) == math.sqrt(1.5)
    assert measure(AbsoluteError(), prediction, target) == 1  # (2 + 0 + 1 + 1) / 4


def test_r2_is_1_when_right_0_for_the_mean_and_below_when_worse(measure):
    target = np.array([1.0, 2, 6])
    assert measure(R2(), target, target) == 1
    assert measure(R2(), np.full(3, 3.0), target) == pytest.approx(0, abs=1e-15)
    assert measure(R2(), np.array([6.0, 2, 1]), target) == pytest.approx(1 - 50 / 14, rel=1e-14)


def test_r2_of_several_outputs_is_the_mean_of_that_of_each(measure):
    """So it is not flattered by outputs that differ only from one another."""
    prediction, target = RNG.standard_normal((2, 8, 3, 2)) + np.array([0, 1000])
    each = [measure(R2(), prediction[..., k].reshape(-1), target[..., k].reshape(-1)) for k in range(2)]
    assert measure(R2(), prediction, target) == pytest.approx(sum(each) / 2, rel=1e-9)


@pytest.mark.parametrize("sizes", SIZES)
@pytest.mark.parametrize("metric", [SquaredError(), SquaredError(root=True), AbsoluteError(), R2()], ids=repr)
def test_results_are_the_same_however_uneven_the_batches(measure, metric, sizes):
    prediction, target = RNG.standard_normal((2, 30, 4))
    assert measure(metric, prediction, target, sizes=sizes) == pytest.approx(
        measure(metric, prediction, target), rel=1e-12
    )


@pytest.mark.parametrize("mean", [0, 100, 1e4, 1e5])
def test_r2_in_float32_does_not_suffer_from_a_large_mean(measure, mean):
    """Against the two passes over the same float32 numbers in float64; with sums in float32, 1e4 leaves no digit."""
    target = (mean + RNG.standard_normal(1000)).astype(np.float32)
    prediction = target + np.float32(0.5) * RNG.standard_normal(1000).astype(np.float32)
    wide = target.astype(np.float64)
    right = 1 - np.square(prediction - target, dtype=np.float64).sum() / np.square(wide - wide.mean()).sum()
    assert measure(R2(), prediction, target, sizes=(300, 1, 699)) == pytest.approx(right, rel=1e-5)


@pytest.mark.parametrize("value", [0, 0.1, 1e4, 12345.678])
def test_a_target_that_does_not_vary_has_no_r2(measure, value):
    target = np.full(1000, value, dtype=np.float32)
    assert math.isnan(measure(R2(), target + 1, target, sizes=(300, 700)))


def test_over_nothing_there_is_no_number(measure):
    for metric in (SquaredError(), SquaredError(root=True), AbsoluteError(), R2()):
        assert math.isnan(measure(metric, np.empty((0, 3)), np.empty((0, 3))))


@pytest.mark.parametrize("metric", [SquaredError(), AbsoluteError(), R2()], ids=repr)
def test_prediction_and_target_are_not_broadcast(run, metric):
    with pytest.raises(ValueError, match=r"`target` has shape \(4,\)"):
        run(metric, np.ones((4, 1)), np.ones(4))
