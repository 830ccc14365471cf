"""Pooling against loops over every window, and what padding and ties do."""

import itertools

import numpy as np
import pytest

from blockrun.blocks.pooling import AveragePool2d, MaxPool2d
from blockrun.core.options import OptionError

CASES = [  # options, shape of x, and what they mean: kernel, stride, (top, left) padding, output
    ({"size": 2}, (2, 4, 6, 3), (2, 2), (2, 2), (0, 0), (2, 3)),
    ({"size": (3, 2), "stride": (1, 2), "pad": 1}, (2, 4, 5, 3), (3, 2), (1, 2), (1, 1), (4, 3)),
    ({"size": 3, "stride": 2, "pad": "same"}, (2, 6, 5, 3), (3, 3), (2, 2), (0, 1), (3, 3)),
    ({"size": (2, 3), "stride": 1, "pad": "valid"}, (2, 3, 5, 4), (2, 3), (1, 1), (0, 0), (2, 3)),
    ({"size": (2, 3), "stride": 4, "pad": ((0, 1), (2, 1))}, (2, 5, 6, 3), (2, 3), (4, 4), (0, 2), (2, 2)),
]


def windows(case):
    """(where in y, the positions in x) of every window, those outside the image left out."""
    _, (n, height, width, C), kernel, stride, pad, output = case
    for image, i, j, c in itertools.product(*map(range, (n, *output, C))):
        rows = [i * stride[0] - pad[0] + u for u in range(kernel[0])]
        columns = [j * stride[1] - pad[1] + v for v in range(kernel[1])]
        seen = [(image, r, q, c) for r in rows for q in columns if 0 <= r < height and 0 <= q < width]
        yield (image, i, j, c), seen


@pytest.mark.parametrize("case", CASES, ids=lambda case: str(case[0]))
def test_max_pooling_agrees_with_its_definition(run, case):
    x = np.random.default_rng(0).standard_normal(case[1]) - 5  # all negative: padding with 0 would win
    y, dx = np.zeros((len(x), *case[-1], x.shape[-1])), np.zeros_like(x)
    dy = np.random.default_rng(1).standard_normal(y.shape)
    for at, seen in windows(case):
        largest = max(seen, key=lambda p: x[p])
        y[at] = x[largest]
        dx[largest] += dy[at]
    found, gradients = run(MaxPool2d(**case[0]), x, dy=dy)
    np.testing.assert_array_equal(found, y)
    np.testing.assert_allclose(gradients["x"], dx, atol=1e-15)


@pytest.mark.parametrize("case", CASES, ids=lambda case: str(case[0]))
def test_average_pooling_agrees_with_its_definition(run, case):
    x = np.random.default_rng(0).standard_normal(case[1])
    y, dx = np.zeros((len(x), *case[-1], x.shape[-1])), np.zeros_like(x)
    dy = np.random.default_rng(1).standard_normal(y.shape)
    for at, seen in windows(case):
        y[at] = sum(x[p] for p in seen) / len(seen)
        for p in seen:
            dx[p] += dy[at] / len(seen)
    found, gradients = run(AveragePool2d(**case[0]), x, dy=dy)
    np.testing.assert_allclose(found, y, atol=1e-14)
    np.testing.assert_allclose(gradients["x"], dx, atol=1e-14)


def test_of_equal_numbers_the_first_in_row_order_gets_the_gradient(run):
    x = np.array([[1.0, 7, 7], [7, 7, 2]]).reshape(1, 2, 3, 1)
    _, gradients = run(MaxPool2d(size=(2, 3)), x, dy=np.full((1, 1, 1, 1), 5.0))
    assert gradients["x"][0, :, :, 0].tolist() == [[0, 5, 0], [0, 0, 0]]


def test_the_mean_of_ones_is_one_at_the_border_too(run):
    y, _ = run(AveragePool2d(size=3, stride=1, pad="same"), np.ones((1, 4, 5, 2)))
    np.testing.assert_array_equal(y, np.ones((1, 4, 5, 2)))


@pytest.mark.parametrize("block", [MaxPool2d(size=2, pad=1), AveragePool2d(size=2, pad=1)], ids=lambda b: b.name)
def test_an_empty_batch_keeps_its_shapes(run, block):
    y, gradients = run(block, np.empty((0, 4, 6, 3)), dy=np.empty((0, 3, 4, 3)))
    assert y.shape == (0, 3, 4, 3)
    assert gradients["x"].shape == (0, 4, 6, 3)


@pytest.mark.parametrize("pool", [MaxPool2d, AveragePool2d])
def test_padding_as_wide_as_the_window_is_refused(pool):
    """Such a window would see nothing but padding."""
    with pytest.raises(OptionError, match=r"`pad` is \(\(0, 2\), \(0, 0\)\); it must be smaller than `size`, 2"):
        pool(size=2, pad=((0, 2), (0, 0)))


def test_a_window_larger_than_the_image_is_an_error_with_both_sizes(run):
    with pytest.raises(ValueError, match="spans 3 × 3 but the image is 2 × 5"):
        run(MaxPool2d(size=3), np.ones((1, 2, 5, 1)))
