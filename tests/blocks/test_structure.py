"""Rearrangements: the order that numbers end up in, empty batches, and the way back."""

import numpy as np
import pytest

from blockrun.blocks.structure import Concat, Flatten, Reshape
from blockrun.core.options import OptionError


def test_flatten_keeps_examples_apart_and_the_last_axis_fastest(run):
    x = np.arange(24.0).reshape(2, 3, 4)
    y, gradients = run(Flatten(), x, dy=np.arange(24.0).reshape(2, 12) * 10)
    assert y[1].tolist() == [12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23]
    np.testing.assert_array_equal(gradients["x"], 10 * x)


@pytest.mark.parametrize(
    ("block", "given", "wanted"),
    [
        (Flatten(), (0, 3, 4), (0, 12)),
        (Flatten(), (5,), (5, 1)),
        (Reshape(shape=(2, -1)), (0, 3, 4), (0, 2, 6)),
        (Reshape(shape=(-1,)), (5, 3, 4), (5, 12)),
        (Reshape(shape=(4, 3)), (5, 12), (5, 4, 3)),
        (Reshape(shape=()), (5, 1), (5,)),
    ],
)
def test_shapes_are_right_with_and_without_examples(run, block, given, wanted):
    y, gradients = run(block, np.ones(given), dy=np.ones(wanted))
    assert y.shape == wanted
    assert gradients["x"].shape == given


def test_reshape_says_how_many_numbers_do_not_fit(run):
    with pytest.raises(ValueError, match=r"shape \(3, 4\), 12 numbers; shape \[5\] takes 5"):
        run(Reshape(shape=(5,)), np.ones((2, 3, 4)))
    with pytest.raises(ValueError, match=r"12 numbers; shape \[5, -1\] takes a multiple of 5"):
        run(Reshape(shape=(5, -1)), np.ones((2, 3, 4)))


@pytest.mark.parametrize("shape", [(-1, -1), (0,), (-2, 3)])
def test_reshape_refuses_sizes_that_mean_nothing(shape):
    with pytest.raises(OptionError, match="sizes must be at least 1, and one may be -1"):
        Reshape(shape=shape)


def test_concat_joins_in_order_and_cuts_the_gradient_at_the_same_places(run):
    xs = [np.array([[1.0], [2]]), np.array([[3.0, 4], [5, 6]]), np.array([[7.0], [8]])]
    y, gradients = run(Concat(), *xs, dy=np.array([[10.0, 20, 30, 40], [50, 60, 70, 80]]))
    assert y.tolist() == [[1, 3, 4, 7], [2, 5, 6, 8]]
    assert [g.tolist() for g in gradients.values()] == [[[10], [50]], [[20, 30], [60, 70]], [[40], [80]]]


def test_concat_joins_along_another_axis(run):
    y, gradients = run(Concat(axis=1), np.zeros((2, 3, 4)), np.ones((2, 1, 4)), dy=np.ones((2, 4, 4)))
    assert y.shape == (2, 4, 4)
    assert [g.shape for g in gradients.values()] == [(2, 3, 4), (2, 1, 4)]
    assert not Concat(axis=0).batchwise


def test_concat_without_inputs_says_how_many_it_needs():
    with pytest.raises(ValueError, match="concat has 0 inputs; it needs at least 1"):
        Concat().forward(None)
