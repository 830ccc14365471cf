"""Pooling against loops over every window, and what padding, the last window and ties do."""

import itertools
from typing import NamedTuple

import numpy as np
import pytest

from blockrun.blocks import _batch
from blockrun.blocks.pooling.average import AveragePool1d, AveragePool2d, AveragePool3d
from blockrun.blocks.pooling.maximum import MaxPool1d, MaxPool2d, MaxPool3d
from blockrun.core.options import OptionError

MAXIMUM = {1: MaxPool1d, 2: MaxPool2d, 3: MaxPool3d}
AVERAGE = {1: AveragePool1d, 2: AveragePool2d, 3: AveragePool3d}


class Case(NamedTuple):
    """Options, the shape of x, and what they mean: kernel, stride, padding before, padding after and output."""

    options: dict
    shape: tuple
    kernel: tuple
    stride: tuple
    before: tuple
    after: tuple
    output: tuple


CASES = [
    Case({"size": 2}, (2, 4, 6, 3), (2, 2), (2, 2), (0, 0), (0, 0), (2, 3)),
    Case({"size": (3, 2), "stride": (1, 2), "pad": 1}, (2, 4, 5, 3), (3, 2), (1, 2), (1, 1), (1, 1), (4, 3)),
    Case({"size": 3, "stride": 2, "pad": "same"}, (2, 6, 5, 3), (3, 3), (2, 2), (0, 1), (1, 1), (3, 3)),
    Case({"size": (2, 3), "stride": 1, "pad": "valid"}, (2, 3, 5, 4), (2, 3), (1, 1), (0, 0), (0, 0), (2, 3)),
    Case({"size": (2, 3), "stride": 4, "pad": ((0, 1), (2, 1))}, (2, 5, 6, 3), (2, 3), (4, 4), (0, 2), (1, 1), (2, 2)),
    Case({"size": 2, "ceil": True}, (2, 5, 4, 3), (2, 2), (2, 2), (0, 0), (0, 0), (3, 2)),
    Case({"size": 2, "stride": 3, "ceil": True}, (2, 6, 7, 3), (2, 2), (3, 3), (0, 0), (0, 0), (2, 3)),
    Case({"size": 3, "stride": 2, "pad": 1, "ceil": True}, (2, 4, 5, 3), (3, 3), (2, 2), (1, 1), (1, 1), (3, 3)),
    Case({"size": 3, "stride": 2, "pad": (2, 1)}, (2, 5, 3), (3,), (2,), (2,), (1,), (3,)),
    Case({"size": 3, "stride": 3, "ceil": True}, (2, 4, 3), (3,), (3,), (0,), (0,), (2,)),
    Case(
        {"size": (2, 1, 3), "stride": (1, 2, 2), "pad": (1, 0, 1)},
        *((2, 3, 4, 5, 2), (2, 1, 3), (1, 2, 2), (1, 0, 1), (1, 0, 1), (4, 2, 3)),
    ),
    Case({"size": 2, "ceil": True}, (2, 3, 2, 5, 2), (2, 2, 2), (2, 2, 2), (0, 0, 0), (0, 0, 0), (2, 1, 3)),
]


def windows(case):
    """(where in y, the positions in x, how many positions in x and its padding) of every window."""
    sizes = case.shape[1:-1]
    for n, place, c in itertools.product(range(case.shape[0]), np.ndindex(*case.output), range(case.shape[-1])):
        starts = [p * s - b for p, s, b in zip(place, case.stride, case.before, strict=True)]
        reads = [[start + u for u in range(k)] for start, k in zip(starts, case.kernel, strict=True)]
        seen = [(n, *at, c) for at in itertools.product(*reads) if np.all((np.array(at) >= 0) & (np.array(at) < sizes))]
        ends = [m + a for m, a in zip(sizes, case.after, strict=True)]
        padded = np.prod([sum(i < end for i in along) for along, end in zip(reads, ends, strict=True)])
        yield (n, *place, c), seen, padded


@pytest.mark.parametrize("piece", [1, 2**19], ids=["one image at a time", "all images"])
@pytest.mark.parametrize("case", CASES, ids=lambda case: str(case.options))
def test_max_pooling_agrees_with_its_definition(run, monkeypatch, case, piece):
    monkeypatch.setattr(_batch, "PIECE", piece)
    x = np.random.default_rng(0).standard_normal(case.shape) - 5  # all negative: padding with 0 would win
    y, dx = np.zeros((len(x), *case.output, x.shape[-1])), np.zeros_like(x)
    dy = np.random.default_rng(1).standard_normal(y.shape)
    for at, seen, _ in windows(case):
        largest = max(seen, key=lambda p: x[p])
        y[at] = x[largest]
        dx[largest] += dy[at]
    found, gradients = run(MAXIMUM[x.ndim - 2](**case.options), x, dy=dy)
    np.testing.assert_array_equal(found, y)
    np.testing.assert_allclose(gradients["x"], dx, atol=1e-15)


@pytest.mark.parametrize("count_padding", [False, True], ids=["padding left out", "padding counted"])
@pytest.mark.parametrize("piece", [1, 2**19], ids=["one image at a time", "all images"])
@pytest.mark.parametrize("case", CASES, ids=lambda case: str(case.options))
def test_average_pooling_agrees_with_its_definition(run, monkeypatch, case, piece, count_padding):
    monkeypatch.setattr(_batch, "PIECE", piece)
    x = np.random.default_rng(0).standard_normal(case.shape)
    y, dx = np.zeros((len(x), *case.output, x.shape[-1])), np.zeros_like(x)
    dy = np.random.default_rng(1).standard_normal(y.shape)
    for at, seen, padded in windows(case):
        count = padded if count_padding else len(seen)
        y[at] = sum(x[p] for p in seen) / count
        for p in seen:
            dx[p] += dy[at] / count
    found, gradients = run(AVERAGE[x.ndim - 2](count_padding=count_padding, **case.options), x, dy=dy)
    np.testing.assert_allclose(found, y, atol=1e-14)
    np.testing.assert_allclose(gradients["x"], dx, atol=1e-14)


def test_of_equal_numbers_the_first_in_row_order_gets_the_gradient(run):
    x = np.array([[1.0, 7, 7], [7, 7, 2]]).reshape(1, 2, 3, 1)
    _, gradients = run(MaxPool2d(size=(2, 3)), x, dy=np.full((1, 1, 1, 1), 5.0))
    assert gradients["x"][0, :, :, 0].tolist() == [[0, 5, 0], [0, 0, 0]]


def test_the_largest_of_a_window_of_more_than_256_positions_is_found(run):
    """What is kept of a window is a number of one byte, or of two where one is too small."""
    x = np.arange(400.0).reshape(1, 400, 1)
    y, gradients = run(MaxPool1d(size=400), x, dy=np.full((1, 1, 1), 5.0))
    assert y.item() == 399
    assert np.flatnonzero(gradients["x"]).tolist() == [399]


@pytest.mark.parametrize(("size", "kept"), [(256, np.uint8), (257, np.uint16)])
def test_of_max_pooling_one_byte_a_window_is_kept(size, kept):
    """Nothing of x and y, which would live until the backward pass: a quarter of y in float32."""
    ctx = type("Ctx", (), {"needs": type("Needs", (), {"x": True})})
    _, (shape, _, which) = MaxPool1d(size=size).forward(ctx, np.ones((2, 300, 3), np.float32))
    assert (shape, which.dtype, which.shape) == ((2, 300, 3), kept, (2, 1, 3))


def test_the_mean_of_ones_is_one_at_the_border_too(run):
    y, _ = run(AveragePool2d(size=3, stride=1, pad="same"), np.ones((1, 4, 5, 2)))
    np.testing.assert_array_equal(y, np.ones((1, 4, 5, 2)))


def test_padding_that_counts_pulls_the_mean_towards_zero(run):
    """Of the 3 × 3 numbers at a corner 4 are of the image, at an edge 6."""
    y, _ = run(AveragePool2d(size=3, stride=2, pad=1, count_padding=True), np.full((1, 3, 4, 1), 9.0))
    assert y[0, :, :, 0].tolist() == [[4, 6], [4, 6]]


@pytest.mark.parametrize(("size", "stride", "pad", "places"), [(3, 2, 0, 4), (2, 3, 0, 3), (2, 2, 1, 5), (3, 3, 1, 3)])
def test_ceil_adds_a_window_that_starts_before_the_end(run, size, stride, pad, places):
    """Along 8 numbers: ⌈(8 + 2 pad − size) / stride⌉ + 1 places, less one that would start behind them (Jia 2014)."""
    block = MaxPool1d(size=size, stride=stride, pad=pad, ceil=True)
    assert run(block, np.ones((1, 8, 1)))[0].shape == (1, places, 1)


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


@pytest.mark.parametrize("pool", [MaxPool1d, AveragePool1d])
def test_along_a_sequence_a_list_of_two_is_the_padding_of_both_ends(pool):
    assert pool(size=3, pad=[2, 0]).pad == (2, 0)
    with pytest.raises(OptionError, match=r"`pad` is \(0, 3\); it must be smaller than `size`, 3"):
        pool(size=3, pad=(0, 3))


def test_a_window_larger_than_the_image_is_an_error_with_both_sizes(run):
    with pytest.raises(ValueError, match="spans 3 × 3 but the image is 2 × 5"):
        run(MaxPool2d(size=3), np.ones((1, 2, 5, 1)))
