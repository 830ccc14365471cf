"""Pooling of regions against loops over every pixel of every cell, as Girshick 2015 describes them."""

import math

import numpy as np
import pytest

from blockrun.blocks import _batch
from blockrun.blocks.pooling.regions import RoiPool

ROIS = np.array(
    [
        [0, 0, 0, 5, 4],
        [1, 1, 2, 4, 3],
        [1, -3, 3, 1, 7],  # partly outside
        [0, 2, 2, 2, 2],  # one pixel
        [1, 7, 0, 9, 4],  # outside
        [0, 4, 3, 2, 1],  # ends before it begins: one pixel
    ],
    float,
)


def loops(x, rois, h, w, scale):
    """y, and where each of its numbers was found: None for a cell outside x."""
    _, H, W, C = x.shape
    y, found = np.zeros((len(rois), h, w, C)), {}
    for r, (n, *corners) in enumerate(rois):
        left, top, right, bottom = (math.floor(c * scale + 0.5) for c in corners)
        height, width = max(bottom - top + 1, 1), max(right - left + 1, 1)
        for i, j, c in np.ndindex(h, w, C):
            rows = range(top + math.floor(i * height / h), top + math.ceil((i + 1) * height / h))
            columns = range(left + math.floor(j * width / w), left + math.ceil((j + 1) * width / w))
            cell = [(int(n), a, b, c) for a in rows for b in columns if 0 <= a < H and 0 <= b < W]
            found[r, i, j, c] = max(cell, key=lambda at: x[at], default=None)
            y[r, i, j, c] = x[found[r, i, j, c]] if cell else 0
    return y, found


@pytest.mark.parametrize("piece", [1, 2**19], ids=["one region at a time", "all regions"])
@pytest.mark.parametrize(("h", "w", "scale"), [(1, 1, 1), (2, 3, 1), (3, 2, 0.5), (7, 7, 1), (2, 2, 1.5)])
def test_every_cell_holds_its_largest_pixel(run, monkeypatch, h, w, scale, piece):
    monkeypatch.setattr(_batch, "PIECE", piece)
    x = np.random.default_rng(0).standard_normal((2, 5, 6, 3)) - 5  # all negative: a 0 from nowhere would win
    y, found = loops(x, ROIS, h, w, scale)
    dy, dx = np.random.default_rng(1).standard_normal(y.shape), np.zeros_like(x)
    for at, largest in found.items():
        if largest is not None:
            dx[largest] += dy[at]
    got, gradients = run(RoiPool(size=(h, w), scale=scale), x, ROIS, dy=dy)
    np.testing.assert_array_equal(got, y)
    np.testing.assert_allclose(gradients["x"], dx, atol=1e-14)


def test_of_equal_pixels_the_first_gets_the_gradient(run):
    x = np.array([[1.0, 7, 7], [7, 7, 2]]).reshape(1, 2, 3, 1)
    _, gradients = run(RoiPool(size=1), x, np.array([[0.0, 0, 0, 2, 1]]), dy=np.full((1, 1, 1, 1), 5.0))
    assert gradients["x"][0, :, :, 0].tolist() == [[0, 5, 0], [0, 0, 0]]


def test_a_region_of_an_image_that_is_not_there_is_an_error(run):
    x = np.ones((2, 3, 3, 1))
    for image in (2, -1):
        with pytest.raises(ValueError, match=rf"rois\[1, 0\] is image {image}; x has images 0 to 1"):
            run(RoiPool(size=1), x, np.array([[0.0, 0, 0, 1, 1], [image, 0, 0, 1, 1]]))


def test_no_regions_give_no_outputs_and_no_gradient(run):
    y, gradients = run(RoiPool(size=2), np.ones((2, 3, 4, 5)), np.empty((0, 5)), dy=np.empty((0, 2, 2, 5)))
    assert y.shape == (0, 2, 2, 5)
    assert gradients["x"].shape == (2, 3, 4, 5)
    assert not gradients["x"].any()
