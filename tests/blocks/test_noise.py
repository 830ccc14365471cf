"""Noise: how much is drawn and where, that the mean is kept, and that the same call draws the same numbers."""

import numpy as np
import pytest

from blockrun.blocks.noise import Dropout, DropPath, GaussianNoise, SpatialDropout
from blockrun.core import Node, Spec, forward
from blockrun.core.assemble import assemble
from blockrun.core.options import OptionError

ONES = np.ones((100, 100))
DROPPING = pytest.mark.parametrize("block", [Dropout, SpatialDropout, DropPath])
NOISY = [Dropout(), SpatialDropout(), DropPath(p=0.5), GaussianNoise(std=0.5)]


@pytest.mark.parametrize("p", [0.1, 0.5, 0.9])
@pytest.mark.parametrize(
    ("block", "shape"), [(Dropout, (100, 100)), (SpatialDropout, (100, 2, 3, 100)), (DropPath, (10_000, 2, 3))]
)
def test_so_much_is_dropped_as_was_asked_for_and_the_mean_is_kept(run, block, shape, p):
    """Of 10 000 draws the number dropped is binomial; five standard deviations are missed once in two million."""
    y, _ = run(block(p=p), np.ones(shape))
    n = 10_000
    dropped = (y == 0).mean() * n
    assert abs(dropped - p * n) < 5 * np.sqrt(n * p * (1 - p))
    np.testing.assert_allclose(y[y != 0], 1 / (1 - p))


def test_spatial_dropout_drops_a_channel_of_an_example_everywhere_or_nowhere(run):
    y, _ = run(SpatialDropout(), np.ones((50, 4, 5, 6)))
    kept = (y != 0).reshape(50, 20, 6)
    assert (kept.all(axis=1) | ~kept.any(axis=1)).all()
    assert 0 < kept[0].mean(axis=0).sum() < 6  # not all channels of an example alike
    assert (kept[0] != kept[1:]).any()  # nor all examples


def test_drop_path_drops_an_example_as_a_whole(run):
    y, _ = run(DropPath(p=0.5), np.ones((50, 4, 6)))
    kept = (y != 0).reshape(50, 24)
    assert (kept.all(axis=1) | ~kept.any(axis=1)).all()


@DROPPING
def test_gradients_pass_where_values_passed(run, block):
    x = np.ones((50, 4, 3))
    y, gradients = run(block(p=0.3), x, dy=x)
    np.testing.assert_array_equal(gradients["x"], y)


@pytest.mark.parametrize(
    ("block", "saved"), [(Dropout(), (8, 6, 3)), (SpatialDropout(), (8, 1, 3)), (DropPath(), (8, 1, 1))], ids=repr
)
def test_a_mask_is_kept_for_backward_in_one_byte_for_each_draw(block, saved):
    graph = assemble([Node("y", block, ("x",))], {"x": Spec((8, 6, 3), np.float32)}, np.float32).graph
    _, tape = forward(graph, {"x": np.ones((8, 6, 3), np.float32)}, keep=["y"], wrt=["x"])
    mask = tape.records["y"].saved
    assert (mask.dtype, mask.shape) == (np.bool_, saved)


def test_gaussian_noise_has_the_mean_and_the_deviation_that_were_asked_for(run):
    """Of n draws the mean is normal with deviation std / √n and the deviation with about std / √(2 n)."""
    y, gradients = run(GaussianNoise(std=0.5), ONES, dy=2 * ONES)
    assert abs((y - ONES).mean()) < 5 * 0.5 / 100
    assert abs((y - ONES).std() - 0.5) < 5 * 0.5 / 141
    np.testing.assert_array_equal(gradients["x"], 2 * ONES)


@pytest.mark.parametrize("block", NOISY, ids=repr)
def test_nothing_is_changed_in_evaluation(run, block):
    x = np.arange(12.0).reshape(3, 4)
    y, gradients = run(block, x, dy=2 * x, training=False)
    np.testing.assert_array_equal(y, x)
    np.testing.assert_array_equal(gradients["x"], 2 * x)


@pytest.mark.parametrize("block", [Dropout(p=0), SpatialDropout(p=0), DropPath(p=0), GaussianNoise(std=0)], ids=repr)
def test_nothing_is_changed_where_there_is_no_noise(run, block):
    x = np.arange(12.0).reshape(3, 4)
    y, gradients = run(block, x, dy=2 * x)
    np.testing.assert_array_equal(y, x)
    np.testing.assert_array_equal(gradients["x"], 2 * x)


@pytest.mark.parametrize("block", NOISY, ids=repr)
def test_draws_repeat_with_the_seed_and_whatever_the_precision(run, block):
    first, _ = run(block, ONES, seed=3)
    again, _ = run(block, ONES.astype(np.float32), seed=3)
    other, _ = run(block, ONES, seed=4)
    np.testing.assert_allclose(first, again, rtol=1e-6)
    np.testing.assert_array_equal(first == 0, again == 0)
    assert again.dtype == np.float32
    assert (first != other).any()


@DROPPING
@pytest.mark.parametrize("p", [-0.1, 1])
def test_a_probability_that_could_not_be_made_up_for_is_refused(block, p):
    with pytest.raises(OptionError, match="at least 0, less than 1"):
        block(p=p)


def test_spatial_dropout_says_what_it_needs_channels_for(run):
    with pytest.raises(ValueError, match="at least 2 axes"):
        run(SpatialDropout(), np.ones(4))
