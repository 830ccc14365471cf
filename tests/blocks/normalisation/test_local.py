"""Normalisation by what is near: against the sums written out, at the borders, and at 0."""

import numpy as np
import pytest

from blockrun.blocks.normalisation.local import LocalResponseNorm, LpNormalize, SpatialNorm, window_sum
from blockrun.core.options import OptionError

RNG = np.random.default_rng(0)


def test_local_response_norm_is_the_formula_of_alexnet(run):
    """Krizhevsky, Sutskever and Hinton 2012, §3.3, channel by channel, with their k = 2, n = 5, α = 1e-4, β = 0.75."""
    a = 100 * RNG.standard_normal((2, 3, 3, 8))
    b, _ = run(LocalResponseNorm(), a)
    for i in range(8):
        near = a[..., max(0, i - 2) : min(7, i + 2) + 1]
        np.testing.assert_allclose(b[..., i], a[..., i] / (2 + 1e-4 * (near**2).sum(axis=-1)) ** 0.75, rtol=1e-12)


def test_a_window_wider_than_the_channels_sees_them_all(run):
    y, _ = run(LocalResponseNorm(size=9, alpha=1, beta=1, k=1), np.array([[1.0, 2, 2]]))
    np.testing.assert_allclose(y, [[0.1, 0.2, 0.2]])


def test_a_window_of_channels_has_a_middle():
    with pytest.raises(OptionError, match="`size` is 4; it must be odd"):
        LocalResponseNorm(size=4)


@pytest.mark.parametrize("p", [1, 2, 3.5])
def test_lp_normalize_gives_every_vector_length_1(run, p):
    y, _ = run(LpNormalize(p=p, axis=1), RNG.standard_normal((3, 4, 2)))
    np.testing.assert_allclose((np.abs(y) ** p).sum(axis=1), 1, rtol=1e-12)


def test_lp_normalize_points_where_x_points_and_its_gradient_across(run):
    x, dy = np.array([[3.0, 4]]), np.array([[1.0, 0]])
    y, gradients = run(LpNormalize(), x, dy=dy)
    np.testing.assert_allclose(y, [[0.6, 0.8]])
    np.testing.assert_allclose(gradients["x"], [[(1 - 0.6**2) / 5, -0.6 * 0.8 / 5]])  # (I − y yᵀ) dy / ‖x‖


@pytest.mark.parametrize("p", [1, 2, 3.5])
def test_lp_normalize_is_finite_at_0(run, p):
    y, gradients = run(LpNormalize(p=p, eps=1e-6), np.zeros((2, 3), np.float32), dy=np.ones((2, 3), np.float32))
    assert not y.any()
    np.testing.assert_allclose(gradients["x"], 1e6, rtol=1e-6)  # where ‖x‖ < eps, y = x / eps


@pytest.mark.parametrize("scale", [1e-30, 1e30])
def test_lp_normalize_does_not_overflow_where_the_powers_do(run, scale):
    y, _ = run(LpNormalize(eps=1e-38), np.array([[3, 4]], np.float32) * np.float32(scale))
    np.testing.assert_allclose(y, [[0.6, 0.8]], rtol=1e-6)


@pytest.mark.parametrize("size", [(3, 3), (2, 4), (1, 9)])
def test_spatial_norm_is_the_mean_over_what_the_window_sees(run, size):
    x = RNG.standard_normal((2, 4, 5, 3))
    y, _ = run(SpatialNorm(size=size, alpha=0.7, beta=0.6), x)
    up, left = (size[0] - 1) // 2, (size[1] - 1) // 2
    for i in range(4):
        for j in range(5):
            rows = slice(max(0, i - up), i - up + size[0])
            seen = x[:, rows, max(0, j - left) : j - left + size[1]]
            expected = x[:, i, j] / (1 + 0.7 * (seen**2).mean(axis=(1, 2))) ** 0.6
            np.testing.assert_allclose(y[:, i, j], expected, rtol=1e-12)


def test_spatial_norm_of_a_constant_image_is_constant_up_to_the_border(run):
    y, _ = run(SpatialNorm(size=3), np.full((1, 4, 4, 1), 3.0))
    np.testing.assert_allclose(y, 3 / np.sqrt(10), rtol=1e-12)


@pytest.mark.parametrize(("before", "after"), [(0, 0), (1, 2), (2, 0), (5, 9)])
def test_a_window_sum_adds_from_so_many_before_to_so_many_after(before, after):
    x = np.arange(1.0, 5)
    expected = [x[max(0, i - before) : i + after + 1].sum() for i in range(4)]
    assert window_sum(x[None], before, after, 1).tolist() == [expected]
