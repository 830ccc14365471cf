"""Convolution against loops over every number, written from its definition for any number of axes."""

import itertools

import numpy as np
import pytest

from blockrun.blocks import _batch
from blockrun.blocks._window import per_axis, sides
from blockrun.blocks.convolution import _products
from blockrun.blocks.convolution.conv import Conv1d, Conv2d, Conv3d
from blockrun.core.options import OptionError

CASES = [
    (Conv2d(channels=4, kernel=3), (3, 6, 5, 2)),
    (Conv2d(channels=4, kernel=(3, 2), stride=(1, 2), pad=((0, 1), (2, 1))), (3, 5, 6, 3)),
    (Conv2d(channels=2, kernel=(2, 3), dilation=(2, 1), pad=(1, 0)), (3, 5, 6, 3)),
    (Conv2d(channels=6, kernel=2, groups=2, pad=1), (3, 4, 3, 4)),
    (Conv2d(channels=3, kernel=3, groups=3, dilation=2, stride=2, pad=2), (3, 5, 6, 3)),
    (Conv2d(channels=6, kernel=3, groups=3, pad=1), (3, 4, 3, 3)),
    (Conv2d(channels=3, kernel=1, bias=False), (3, 4, 2, 5)),
    (Conv2d(channels=2, kernel=(1, 2), dilation=(1, 2), pad=1), (3, 4, 5, 17)),
    (Conv2d(channels=2, kernel=2, stride=3), (3, 6, 7, 9)),
    (Conv1d(channels=4, kernel=3, stride=2, pad=(2, 1)), (3, 7, 5)),
    (Conv1d(channels=4, kernel=2, dilation=3, groups=2), (3, 6, 2)),
    (Conv1d(channels=3, kernel=4, pad=2, groups=3), (3, 5, 3)),
    (Conv3d(channels=2, kernel=(2, 3, 1), stride=(1, 2, 2), pad=(1, 0, 1)), (3, 3, 5, 2, 4)),
    (Conv3d(channels=4, kernel=2, dilation=(1, 2, 1), pad=((1, 0), (0, 2), (0, 0)), groups=2), (2, 3, 2, 4, 2)),
    (Conv3d(channels=2, kernel=2, stride=2, pad=1, groups=2, bias=False), (3, 3, 2, 4, 2)),
]


def padding(block, axes):
    """(before, after) of every axis."""
    return [sides(p) for p in ((block.pad,) if axes == 1 else per_axis(block.pad, axes))]


def loops(block, x, W, b, dy=None):
    """y, or with `dy` the gradients of x, W and b: one multiplication at a time."""
    axes = x.ndim - 2
    stride, dilation = np.array(per_axis(block.stride, axes)), np.array(per_axis(block.dilation, axes))
    pads = padding(block, axes)
    padded = np.pad(x, ((0, 0), *pads, (0, 0)))
    M, *kernel, C = W.shape
    places = (np.array(padded.shape[1:-1]) - dilation * (np.array(kernel) - 1) - 1) // stride + 1
    y, dpadded, dW = np.zeros((len(x), *places, M)) + b, np.zeros_like(padded), np.zeros_like(W)
    for n, place, m in itertools.product(range(len(x)), np.ndindex(*places), range(M)):
        for tap, c in itertools.product(np.ndindex(*kernel), range(C)):
            at = (n, *(place * stride + tap * dilation), m // (M // block.groups) * C + c)
            y[(n, *place, m)] += padded[at] * W[(m, *tap, c)]
            if dy is not None:
                dpadded[at] += dy[(n, *place, m)] * W[(m, *tap, c)]
                dW[(m, *tap, c)] += dy[(n, *place, m)] * padded[at]
    if dy is None:
        return y
    inside = tuple(slice(before, before + size) for (before, _), size in zip(pads, x.shape[1:-1], strict=True))
    return dpadded[(slice(None), *inside)], dW, dy.reshape(-1, M).sum(axis=0)


@pytest.mark.parametrize("piece", [1, 2000, 2**21], ids=["one row", "two images", "all images"])
@pytest.mark.parametrize(("block", "shape"), CASES, ids=str)
def test_convolution_agrees_with_its_definition(run, monkeypatch, block, shape, piece):
    monkeypatch.setattr(_products, "PIECE", piece)
    monkeypatch.setattr(_batch, "PIECE", piece)
    rng = np.random.default_rng(0)
    x = rng.standard_normal(shape)
    kernel = per_axis(block.kernel, x.ndim - 2)
    W = rng.standard_normal((block.channels, *kernel, shape[-1] // block.groups))
    b = rng.standard_normal(block.channels) if block.bias else 0
    y = loops(block, x, W, b)
    dy = rng.standard_normal(y.shape)
    params = {"W": W, "b": b} if block.bias else {"W": W}
    found, gradients = run(block, x, dy=dy, **params)
    np.testing.assert_allclose(found, y, atol=1e-12)
    for name, expected in zip(("x", "W", "b"), loops(block, x, W, b, dy), strict=True):
        if name in gradients:
            np.testing.assert_allclose(gradients[name], expected, atol=1e-12, err_msg=name)


def test_convolution_worked_by_hand(run):
    """A 3 × 3 image of 1 … 9 under the kernel (1, 0; 0, −1): every entry less the one diagonally below, −4."""
    x = np.arange(1.0, 10).reshape(1, 3, 3, 1)
    W = np.array([[1.0, 0], [0, -1]]).reshape(1, 2, 2, 1)
    y, gradients = run(Conv2d(channels=1, kernel=2), x, W=W, b=np.array([0.5]), dy=np.ones((1, 2, 2, 1)))
    assert y.ravel().tolist() == [-3.5] * 4
    assert gradients["W"].ravel().tolist() == [12, 16, 24, 28]  # the sums of the four corner squares
    assert gradients["x"][0, :, :, 0].tolist() == [[1, 1, 0], [1, 0, -1], [0, -1, -1]]
    assert gradients["b"].tolist() == [4]


@pytest.mark.parametrize(
    ("size", "stride", "kernel", "sums"), [(4, 2, 3, [6, 7]), (5, 2, 3, [3, 9, 9]), (3, 2, 1, [1, 3])]
)
def test_same_padding_puts_the_odd_one_after(run, size, stride, kernel, sums):
    """⌈size / stride⌉ places, as in TensorFlow: for 1 2 3 4, stride 2, kernel 3 the sums of 1 2 3 and 3 4 0."""
    x = np.arange(1.0, size + 1).reshape(1, size, 1, 1)
    block = Conv2d(channels=1, kernel=(kernel, 1), stride=(stride, 1), pad="same", bias=False)
    y, _ = run(block, x, W=np.ones((1, kernel, 1, 1)))
    assert y.ravel().tolist() == sums


def test_valid_padding_is_none(run):
    x, W = np.ones((1, 4, 4, 1)), np.ones((1, 3, 3, 1))
    y, _ = run(Conv2d(channels=1, kernel=3, pad="valid", bias=False), x, W=W)
    assert y.shape == (1, 2, 2, 1)


def test_an_empty_batch_has_shapes_and_zero_gradients(run):
    params = {"W": np.ones((4, 3, 3, 2)), "b": np.ones(4)}
    y, gradients = run(Conv2d(channels=4, kernel=3), np.empty((0, 6, 5, 2)), dy=np.empty((0, 4, 3, 4)), **params)
    assert y.shape == (0, 4, 3, 4)
    assert gradients["x"].shape == (0, 6, 5, 2)
    assert not gradients["W"].any()
    assert gradients["b"].tolist() == [0, 0, 0, 0]


def test_images_and_gradients_may_lie_in_memory_in_any_order(run):
    """A batch that is stored channels first, and a gradient that is one number seen everywhere."""
    rng = np.random.default_rng(0)
    stored, W = rng.standard_normal((3, 2, 6, 5)), rng.standard_normal((4, 3, 3, 2))
    block, x = Conv2d(channels=4, kernel=3, bias=False), stored.transpose(0, 2, 3, 1)
    y, gradients = run(block, x, W=W, dy=np.broadcast_to(np.ones(()), (3, 4, 3, 4)))
    np.testing.assert_allclose(y, loops(block, x, W, 0), atol=1e-12)
    np.testing.assert_allclose(gradients["W"], loops(block, x, W, 0, np.ones((3, 4, 3, 4)))[1], atol=1e-12)


def test_an_image_smaller_than_the_kernel_is_an_error_with_all_sizes(run):
    message = r"spans 5 × 3 but the image is 2 × 7, padded by 1 above, 1 below, 0 left, 0 right"
    with pytest.raises(ValueError, match=message):
        run(Conv2d(channels=1, kernel=(3, 3), dilation=(2, 1), pad=(1, 0)), np.ones((1, 2, 7, 1)))
    with pytest.raises(ValueError, match=r"spans 4 but the image is 2, padded by 1 left, 0 right"):
        run(Conv1d(channels=1, kernel=4, pad=(1, 0)), np.ones((1, 2, 1)))
    message = r"spans 2 × 2 × 2 but the image is 1 × 3 × 3, padded by 0 in front, 0 behind, 0 above, 0 below, 0 left, 0"
    with pytest.raises(ValueError, match=message):
        run(Conv3d(channels=1, kernel=2), np.ones((1, 1, 3, 3, 1)))


def test_padding_before_only_keeps_a_sequence_causal(run):
    """Of y at t the gradient reaches x up to t and no further (van den Oord et al. 2016)."""
    dy = np.zeros((1, 6, 1))
    dy[0, 3] = 1
    block = Conv1d(channels=1, kernel=2, dilation=2, pad=(2, 0), bias=False)
    y, gradients = run(block, np.ones((1, 6, 1)), W=np.ones((1, 2, 1)), dy=dy)
    assert y.ravel().tolist() == [1, 1, 2, 2, 2, 2]
    assert gradients["x"].ravel().tolist() == [0, 1, 0, 1, 0, 0]


def test_one_kernel_gives_the_same_along_one_two_and_three_axes(run):
    rng = np.random.default_rng(0)
    x, W = rng.standard_normal((2, 7, 3)), rng.standard_normal((4, 3, 3))
    options = {"channels": 4, "bias": False}
    y, _ = run(Conv1d(kernel=3, stride=2, **options), x, W=W)
    flat, _ = run(Conv2d(kernel=(1, 3), stride=(1, 2), **options), x[:, None], W=W[:, None])
    deep, _ = run(Conv3d(kernel=(1, 1, 3), stride=(1, 1, 2), **options), x[:, None, None], W=W[:, None, None])
    np.testing.assert_allclose(flat[:, 0], y, atol=1e-14)
    np.testing.assert_allclose(deep[:, 0, 0], y, atol=1e-14)


def test_groups_must_divide_both_numbers_of_channels(run):
    with pytest.raises(OptionError, match="`groups` is 4; it must divide `channels`, 6"):
        Conv2d(channels=6, kernel=1, groups=4)
    with pytest.raises(ValueError, match="x has 5 channels; `groups`, 2, must divide them"):
        run(Conv2d(channels=6, kernel=1, groups=2), np.ones((1, 2, 2, 5)))


@pytest.mark.parametrize("wrong", [{"kernel": 0}, {"stride": (1, 0)}, {"pad": -1}, {"pad": "full"}, {"pad": (1, 2, 3)}])
def test_impossible_options_are_refused(wrong):
    with pytest.raises(OptionError, match=f"`{next(iter(wrong))}` is"):
        Conv2d(**{"channels": 1, "kernel": 1} | wrong)


def test_the_initialiser_is_told_how_many_inputs_and_outputs_a_number_has():
    """Glorot and Bengio 2010: each output sums kh kw C/groups products, each input enters kh kw M/groups."""
    wish = Conv2d(channels=6, kernel=(3, 2), groups=2).params(np.empty((0, 5, 5, 4)))["W"]
    assert wish.shape == (6, 3, 2, 2)
    assert wish.fan == (12, 18)
