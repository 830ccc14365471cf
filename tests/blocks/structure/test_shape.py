"""Rearrangements: the order that numbers end up in, empty batches, and the way back."""

import numpy as np
import pytest

from blockrun.blocks.structure.shape import Flatten, Reshape
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
