"""Upsampling by hand and by what interpolation must keep, and pixel shuffling against its equation."""

import itertools

import numpy as np
import pytest

from blockrun.blocks import _batch
from blockrun.blocks.convolution.resample import PixelShuffle, Upsample


def test_nearest_copies_every_pixel(run):
    x = np.array([[1.0, 2], [3, 4]]).reshape(1, 2, 2, 1)
    y, gradients = run(Upsample(factor=(1, 3)), x, dy=np.arange(12.0).reshape(1, 2, 6, 1))
    assert y[0, :, :, 0].tolist() == [[1, 1, 1, 2, 2, 2], [3, 3, 3, 4, 4, 4]]
    assert gradients["x"][0, :, :, 0].tolist() == [[0 + 1 + 2, 3 + 4 + 5], [6 + 7 + 8, 9 + 10 + 11]]


def test_bilinear_weighs_the_two_nearest_centres(run):
    """Centres of the four y to a pixel lie 1/8, 3/8, 5/8, 7/8 into it; beyond the outermost centres x goes on."""
    x = np.array([0.0, 8]).reshape(1, 1, 2, 1)
    y, gradients = run(Upsample(factor=(1, 4), kind="bilinear"), x, dy=np.ones((1, 1, 8, 1)))
    assert y.ravel().tolist() == [0, 0, 1, 3, 5, 7, 8, 8]
    assert gradients["x"].ravel().tolist() == [4, 4]


@pytest.mark.parametrize("piece", [1, 2**19], ids=["one image at a time", "all images"])
@pytest.mark.parametrize("factor", [2, 3, (1, 4), (5, 2)], ids=str)
def test_bilinear_keeps_a_plane_away_from_the_border(run, monkeypatch, factor, piece):
    """y at (i, j) is a + b s + c t at the centre s = (i + ½) / f − ½, t likewise, exactly, wherever x surrounds it."""
    monkeypatch.setattr(_batch, "PIECE", piece)
    f, g = factor if isinstance(factor, tuple) else (factor, factor)
    i, j = np.mgrid[:4, :5]
    x = np.stack([2 + 3 * i - j, i * 0.0 + 7])[..., None]
    y, _ = run(Upsample(factor=factor, kind="bilinear"), x)
    s, t = (np.arange(4 * f) + 0.5) / f - 0.5, (np.arange(5 * g) + 0.5) / g - 0.5
    inner = np.ix_((s >= 0) & (s <= 3), (t >= 0) & (t <= 4))
    np.testing.assert_allclose(y[0, ..., 0][inner], (2 + 3 * s[:, None] - t)[inner], atol=1e-12)
    np.testing.assert_allclose(y[1], 7, atol=1e-12)


@pytest.mark.parametrize("kind", ["nearest", "bilinear"])
def test_an_empty_batch_keeps_its_shapes(run, kind):
    y, gradients = run(Upsample(factor=(2, 3), kind=kind), np.empty((0, 4, 5, 2)), dy=np.empty((0, 8, 15, 2)))
    assert y.shape == (0, 8, 15, 2)
    assert gradients["x"].shape == (0, 4, 5, 2)


def test_pixel_shuffle_is_its_equation(run):
    x = np.arange(2 * 2 * 3 * 12.0).reshape(2, 2, 3, 12)
    y, gradients = run(PixelShuffle(factor=(3, 2)), x, dy=np.zeros((2, 6, 6, 2)))
    for n, i, j, c in itertools.product(range(2), range(6), range(6), range(2)):
        assert y[n, i, j, c] == x[n, i // 3, j // 2, 2 * (2 * (i % 3) + j % 2) + c]
    _, gradients = run(PixelShuffle(factor=(3, 2)), x, dy=y)
    np.testing.assert_array_equal(gradients["x"], x)


def test_channels_that_make_no_whole_squares_are_an_error(run):
    with pytest.raises(ValueError, match="x has 10 channels; `factor`, 2 × 2, takes a multiple of 4"):
        run(PixelShuffle(factor=2), np.ones((1, 2, 2, 10)))
