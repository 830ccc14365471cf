"""Global pooling: sequences, images and volumes become one number for each channel."""

import numpy as np
import pytest

from blockrun.blocks.pooling.whole import GlobalAveragePool, GlobalMaxPool


@pytest.mark.parametrize("shape", [(2, 5, 3), (2, 4, 5, 3), (2, 3, 2, 4, 3), (2, 3)], ids=str)
def test_all_places_are_pooled_whatever_their_axes(run, shape):
    x = np.random.default_rng(0).standard_normal(shape)
    places = tuple(range(1, x.ndim - 1))
    np.testing.assert_allclose(run(GlobalAveragePool(), x)[0], x.mean(axis=places), atol=1e-14)
    np.testing.assert_array_equal(run(GlobalMaxPool(), x)[0], x.max(axis=places))


def test_the_mean_shares_its_gradient_and_the_maximum_gives_it_to_the_first_of_the_largest(run):
    x = np.array([[1.0, 7], [7, 7]]).reshape(1, 2, 2, 1)
    _, mean = run(GlobalAveragePool(), x, dy=np.full((1, 1), 8.0))
    _, largest = run(GlobalMaxPool(), x, dy=np.full((1, 1), 8.0))
    assert mean["x"].ravel().tolist() == [2, 2, 2, 2]
    assert largest["x"].ravel().tolist() == [0, 8, 0, 0]


def test_the_mean_of_many_numbers_far_from_zero_keeps_its_digits(run):
    """Added up one by one in float32, this million would have the mean 1008.9."""
    x = np.full((1, 1000, 1000, 1), 1000, np.float32) + np.tile([0.5, -0.5], 500).astype(np.float32)[:, None]
    assert run(GlobalAveragePool(), x)[0].item() == pytest.approx(1000, rel=1e-6)


@pytest.mark.parametrize("pool", [GlobalAveragePool, GlobalMaxPool])
def test_no_examples_are_pooled_to_none_and_no_places_are_refused(run, pool):
    y, gradients = run(pool(), np.empty((0, 4, 5, 3)), dy=np.empty((0, 3)))
    assert (y.shape, gradients["x"].shape) == ((0, 3), (0, 4, 5, 3))
    with pytest.raises(ValueError, match=r"x has shape \(2, 0, 3\), without a single place"):
        run(pool(), np.empty((2, 0, 3)))
