"""Lᵖ pooling between the sum and the maximum, and where its powers would over- or underflow."""

import numpy as np
import pytest

from blockrun.blocks import _batch
from blockrun.blocks.pooling.maximum import MaxPool2d
from blockrun.blocks.pooling.norm import LpPool2d

X = np.array([[3.0, -4], [0, 12]]).reshape(1, 2, 2, 1)


@pytest.mark.parametrize(("p", "y"), [(1, 19), (2, 13), (3, (27 + 64 + 1728) ** (1 / 3))])
def test_the_norm_of_one_window(run, p, y):
    found, gradients = run(LpPool2d(size=2, p=p), X, dy=np.ones((1, 1, 1, 1)))
    assert found.item() == pytest.approx(y, rel=1e-14)
    np.testing.assert_allclose(gradients["x"], np.sign(X) * (np.abs(X) / y) ** (p - 1), rtol=1e-12)


@pytest.mark.parametrize("piece", [1, 2**19], ids=["one image at a time", "all images"])
@pytest.mark.parametrize("options", [{"stride": 1, "pad": 1}, {"stride": 2, "ceil": True}, {"pad": "same"}], ids=str)
def test_its_window_is_that_of_max_pooling(run, monkeypatch, options, piece):
    """For p = 4000 the norm of positive numbers is their maximum, to rounding but for a factor 9 ** (1 / 4000)."""
    monkeypatch.setattr(_batch, "PIECE", piece)
    x = np.random.default_rng(0).uniform(1, 2, (3, 4, 5, 2))
    largest, _ = run(MaxPool2d(size=3, **options), x)
    y, _ = run(LpPool2d(size=3, p=4000, **options), x)
    np.testing.assert_allclose(y, largest, rtol=1e-3)


@pytest.mark.parametrize("scale", [1e-30, 1e30])
@pytest.mark.parametrize("p", [2, 7])
def test_numbers_whose_powers_float32_cannot_hold_are_pooled(run, scale, p):
    dy = np.ones((1, 1, 1, 1), np.float32)
    y, gradients = run(LpPool2d(size=2, p=p), (scale * X).astype(np.float32), dy=dy)
    expected, right = run(LpPool2d(size=2, p=p), X, dy=np.ones((1, 1, 1, 1)))
    np.testing.assert_allclose(y / np.float32(scale), expected, rtol=1e-6)
    np.testing.assert_allclose(gradients["x"], right["x"], rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("p", [1, 1.5, 2, 3])
def test_where_all_is_zero_so_are_the_norm_and_its_gradient(run, p):
    y, gradients = run(LpPool2d(size=2, p=p), np.zeros((1, 2, 2, 1)), dy=np.ones((1, 1, 1, 1)))
    assert not y.any()
    assert not gradients["x"].any()


def test_an_empty_batch_keeps_its_shapes(run):
    y, gradients = run(LpPool2d(size=2), np.empty((0, 4, 6, 3)), dy=np.empty((0, 2, 3, 3)))
    assert (y.shape, gradients["x"].shape) == ((0, 2, 3, 3), (0, 4, 6, 3))
