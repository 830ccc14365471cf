"""Reducing: over one axis, several or all, of no numbers, of equal ones, and of very large ones."""

import math

import numpy as np
import pytest

from blockrun.blocks.structure.reducing import Logsumexp, ReduceMax, ReduceMean, ReduceSum

X = np.array([[[1.0, 2, 3], [4, 5, 6]], [[7, 8, 9], [10, 11, 12]]])


@pytest.mark.parametrize(
    ("axis", "expected"), [(-1, [[6, 15], [24, 33]]), (1, [[5, 7, 9], [17, 19, 21]]), ((0, 2), [30, 48]), (None, 78)]
)
def test_a_sum_over_some_axes_and_its_mean_and_their_gradients(run, axis, expected):
    total, gradients = run(ReduceSum(axis=axis), X, dy=np.asarray(expected, float))
    assert total.tolist() == expected
    count = X.size // np.size(expected)
    mean, shares = run(ReduceMean(axis=axis), X, dy=np.asarray(expected, float))
    np.testing.assert_allclose(mean * count, expected)
    np.testing.assert_allclose(shares["x"] * count, gradients["x"])
    kept, _ = run(ReduceSum(axis=axis, keepdims=True), X)
    np.testing.assert_array_equal(gradients["x"], np.broadcast_to(kept, X.shape))


@pytest.mark.parametrize("block", [ReduceSum, ReduceMean, ReduceMax, Logsumexp])
@pytest.mark.parametrize(("axis", "shape"), [(-1, (2, 2, 1)), ((0, 2), (1, 2, 1)), (None, (1, 1, 1))])
def test_keepdims_leaves_the_axes_with_length_1(run, block, axis, shape):
    y, _ = run(block(axis=axis, keepdims=True), X)
    assert y.shape == shape


def test_equal_largest_numbers_share_the_gradient(run):
    y, gradients = run(ReduceMax(), np.array([[3.0, 1, 3], [2, 2, 2]]), dy=np.array([1.0, 6]))
    assert y.tolist() == [3, 2]
    assert gradients["x"].tolist() == [[0.5, 0, 0.5], [2, 2, 2]]


@pytest.mark.parametrize("shift", [0, 1e4, -1e4])
def test_logsumexp_of_equal_numbers_is_their_value_and_the_logarithm_of_their_count(run, shift):
    x = np.full((2, 8), shift, np.float32)
    y, gradients = run(Logsumexp(), x, dy=np.ones(2, np.float32))
    np.testing.assert_allclose(y, shift + math.log(8), rtol=1e-6)
    np.testing.assert_allclose(gradients["x"], 1 / 8, rtol=1e-6)  # as it would not be from eˣ⁻ʸ, y being rounded


def test_logsumexp_takes_minus_infinity_for_nothing(run):
    y, gradients = run(Logsumexp(), np.array([[1.0, -np.inf, 1]]), dy=np.ones(1))
    np.testing.assert_allclose(y, 1 + math.log(2))
    np.testing.assert_allclose(gradients["x"], [[0.5, 0, 0.5]])


@pytest.mark.parametrize(
    ("block", "expected"), [(ReduceSum, 0), (ReduceMean, 0), (ReduceMax, -np.inf), (Logsumexp, -np.inf)]
)
def test_no_examples_give_the_neutral_element(run, block, expected):
    y, gradients = run(block(axis=0), np.empty((0, 3)), dy=np.ones(3))
    assert y.tolist() == [expected] * 3
    assert gradients["x"].shape == (0, 3)
    assert run(block(), np.empty((0, 3)), dy=np.ones(0))[0].shape == (0,)


def test_only_a_sum_over_everything_may_cross_the_examples_in_pieces():
    assert ReduceSum(axis=None).batchwise
    assert not ReduceSum(axis=None, keepdims=True).batchwise
    for block in (ReduceSum, ReduceMean, ReduceMax, Logsumexp):
        assert [block(axis=axis).batchwise for axis in (0, (0, 1), 1, (1, -1))] == [False, False, True, True]
        assert block is ReduceSum or not block(axis=None).batchwise
