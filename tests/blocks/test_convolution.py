"""Convolution against loops over every number, written from its definition."""

import itertools

import numpy as np
import pytest

from blockrun.blocks import convolution
from blockrun.blocks.convolution import Conv2d
from blockrun.core.options import OptionError

CASES = [
    (Conv2d(channels=4, kernel=3), (3, 6, 5, 2)),
    (Conv2d(channels=4, kernel=(3, 2), stride=(1, 2), pad=((0, 1), (2, 1))), (3, 5, 6, 3)),
    (Conv2d(channels=2, kernel=(2, 3), dilation=(2, 1), pad=(1, 0)), (3, 5, 6, 3)),
    (Conv2d(channels=6, kernel=2, groups=2, pad=1), (3, 4, 3, 4)),
    (Conv2d(channels=6, kernel=3, groups=3, dilation=2, stride=2, pad=2), (3, 5, 6, 3)),
    (Conv2d(channels=3, kernel=1, bias=False), (3, 4, 2, 5)),
    (Conv2d(channels=2, kernel=(1, 2), dilation=(1, 2), pad=1), (3, 4, 5, 17)),
    (Conv2d(channels=2, kernel=2, stride=3), (3, 6, 7, 9)),
]


def loops(block, x, W, b, dy=None):
    """y, or with `dy` the gradients of x, W and b: one multiplication at a time."""
    (sh, sw), (dh, dw) = convolution.pair(block.stride), convolution.pair(block.dilation)
    top, bottom, left, right = np.ravel([convolution.pair(p) for p in convolution.pair(block.pad)])
    padded = np.pad(x, ((0, 0), (top, bottom), (left, right), (0, 0)))
    M, kh, kw, C = W.shape
    height = (padded.shape[1] - dh * (kh - 1) - 1) // sh + 1
    width = (padded.shape[2] - dw * (kw - 1) - 1) // sw + 1
    y, dpadded, dW = np.zeros((len(x), height, width, M)) + b, np.zeros_like(padded), np.zeros_like(W)
    for n, i, j, m, u, v, c in itertools.product(*map(range, (len(x), height, width, M, kh, kw, C))):
        channel = m // (M // block.groups) * C + c
        at = (n, i * sh + u * dh, j * sw + v * dw, channel)
        y[n, i, j, m] += padded[at] * W[m, u, v, c]
        if dy is not None:
            dpadded[at] += dy[n, i, j, m] * W[m, u, v, c]
            dW[m, u, v, c] += dy[n, i, j, m] * padded[at]
    if dy is None:
        return y
    return dpadded[:, top : top + x.shape[1], left : left + x.shape[2]], dW, dy.sum(axis=(0, 1, 2))


@pytest.mark.parametrize("piece", [1, 2000, 2**21], ids=["one image", "two images", "all images"])
@pytest.mark.parametrize(("block", "shape"), CASES, ids=str)
def test_convolution_agrees_with_its_definition(run, monkeypatch, block, shape, piece):
    monkeypatch.setattr(convolution, "PIECE", piece)
    rng = np.random.default_rng(0)
    x = rng.standard_normal(shape)
    kernel = convolution.pair(block.kernel)
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
