"""Dropout: how often it drops, what it leaves, and that the same call draws the same numbers."""

import numpy as np
import pytest

from blockrun.blocks.noise import Dropout
from blockrun.core.options import OptionError

ONES = np.ones((100, 100))


@pytest.mark.parametrize("p", [0.1, 0.5, 0.9])
def test_dropout_drops_as_often_as_asked_and_keeps_the_mean(run, p):
    """The number dropped is binomial; five standard deviations are missed once in two million."""
    y, _ = run(Dropout(p=p), ONES)
    dropped = (y == 0).sum()
    assert abs(dropped - p * y.size) < 5 * np.sqrt(y.size * p * (1 - p))
    np.testing.assert_allclose(y[y != 0], 1 / (1 - p))


def test_dropout_passes_gradients_where_it_passed_values(run):
    y, gradients = run(Dropout(p=0.3), ONES, dy=ONES)
    np.testing.assert_array_equal(gradients["x"], y)


def test_dropout_does_nothing_in_evaluation_or_at_p_zero(run):
    x = np.arange(12.0).reshape(3, 4)
    for block, training in ((Dropout(p=0.9), False), (Dropout(p=0), True)):
        y, gradients = run(block, x, dy=2 * x, training=training)
        np.testing.assert_array_equal(y, x)
        np.testing.assert_array_equal(gradients["x"], 2 * x)


def test_dropout_repeats_with_the_seed_and_whatever_the_precision(run):
    first, _ = run(Dropout(), ONES, seed=3)
    again, _ = run(Dropout(), ONES.astype(np.float32), seed=3)
    other, _ = run(Dropout(), ONES, seed=4)
    np.testing.assert_array_equal(first, again)
    assert again.dtype == np.float32
    assert (first != other).any()


@pytest.mark.parametrize("p", [-0.1, 1])
def test_dropout_refuses_a_probability_it_could_not_make_up_for(p):
    with pytest.raises(OptionError, match="at least 0, less than 1"):
        Dropout(p=p)
