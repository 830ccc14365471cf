"""Spatial transformers: grids by hand, sampling against the double sum of the paper, and what lies outside."""

import numpy as np
import pytest

from blockrun.blocks import _batch
from blockrun.blocks.convolution.sampler import AffineGrid, BilinearSampler

IDENTITY = np.array([[[1.0, 0, 0], [0, 1, 0]]])


def double_sum(x, grid):
    """Jaderberg et al. 2015, equation 5: a sum over all pixels for every place."""
    _, H, W, _ = x.shape
    v, u = (grid[..., 0] + 1) * (H - 1) / 2, (grid[..., 1] + 1) * (W - 1) / 2
    down = np.maximum(0, 1 - np.abs(v[..., None] - np.arange(H)))
    right = np.maximum(0, 1 - np.abs(u[..., None] - np.arange(W)))
    return np.einsum("npqi,npqj,nijc->npqc", down, right, x)


def test_the_grid_of_the_identity_and_of_a_turn_by_hand(run):
    grid, _ = run(AffineGrid(size=(2, 3)), IDENTITY)
    assert grid[0].tolist() == [[[-1, -1], [-1, 0], [-1, 1]], [[1, -1], [1, 0], [1, 1]]]
    turned, _ = run(AffineGrid(size=(2, 3)), np.array([[[0.0, 1, 0.5], [2, 0, 0]]]))
    assert turned[0].tolist() == [[[-0.5, -2], [0.5, -2], [1.5, -2]], [[-0.5, 2], [0.5, 2], [1.5, 2]]]


def test_a_grid_of_one_row_stands_in_the_middle(run):
    assert run(AffineGrid(size=(1, 2)), IDENTITY)[0].tolist() == [[[[0, -1], [0, 1]]]]


@pytest.mark.parametrize("piece", [1, 2**19], ids=["one image at a time", "all images"])
@pytest.mark.parametrize("shape", [(3, 4, 5, 2), (2, 1, 6, 3), (2, 3, 4, 70)], ids=str)
def test_sampling_is_the_double_sum_of_the_paper(run, monkeypatch, shape, piece):
    monkeypatch.setattr(_batch, "PIECE", piece)
    rng = np.random.default_rng(0)
    x, grid = rng.standard_normal(shape), rng.uniform(-1.5, 1.5, (shape[0], 4, 3, 2))
    y, _ = run(BilinearSampler(), x, grid)
    np.testing.assert_allclose(y, double_sum(x, grid), atol=1e-12)
    dy, dx = rng.standard_normal(y.shape), rng.standard_normal(shape)
    _, gradients = run(BilinearSampler(), x, grid, dy=dy)
    np.testing.assert_allclose(np.vdot(gradients["x"], dx), np.vdot(dy, double_sum(dx, grid)), rtol=1e-10)


def test_the_identity_gives_the_image_back_and_a_mirror_the_mirrored(run):
    x = np.random.default_rng(0).standard_normal((2, 4, 5, 3))
    for theta, expected in ((IDENTITY, x), (-IDENTITY, x[:, ::-1, ::-1])):
        grid, _ = run(AffineGrid(size=(4, 5)), np.repeat(theta, 2, axis=0))
        np.testing.assert_allclose(run(BilinearSampler(), x, grid)[0], expected, atol=1e-12)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("far", [2.5, 1e4, 1e30])
def test_outside_the_image_all_is_zero_however_far(run, far, dtype):
    x = np.ones((1, 3, 4, 2), dtype)
    grid = np.array([[far, 0], [-far, 0], [0, far], [0, -far]], dtype).reshape(1, 4, 1, 2)
    y, gradients = run(BilinearSampler(), x, grid, dy=np.ones((1, 4, 1, 2), dtype))
    assert not y.any()
    assert not gradients["x"].any()
    assert not gradients["grid"].any()


def test_on_a_pixel_the_slope_is_the_one_towards_the_next(run):
    """A kink: x = 1, 4, 9 at v = 1 rises by 3 before and 5 after; (H − 1) / 2 = 1 pixel a unit of the grid."""
    x = np.array([1.0, 4, 9]).reshape(1, 3, 1, 1)
    _, gradients = run(BilinearSampler(), x, np.zeros((1, 1, 1, 2)), dy=np.ones((1, 1, 1, 1)))
    assert gradients["grid"].ravel().tolist() == [5, 0]


def test_an_empty_batch_keeps_its_shapes(run):
    inputs = np.empty((0, 3, 4, 5)), np.empty((0, 2, 6, 2))
    y, gradients = run(BilinearSampler(), *inputs, dy=np.empty((0, 2, 6, 5)))
    assert (y.shape, gradients["x"].shape, gradients["grid"].shape) == ((0, 2, 6, 5), (0, 3, 4, 5), (0, 2, 6, 2))
