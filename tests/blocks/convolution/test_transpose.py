"""Transposed convolution against the convolution it is the transpose of, and by hand."""

import numpy as np
import pytest

from blockrun.blocks import _batch
from blockrun.blocks._window import per_axis
from blockrun.blocks.convolution import _products
from blockrun.blocks.convolution.conv import Conv2d
from blockrun.blocks.convolution.transpose import ConvTranspose2d
from blockrun.core.options import OptionError

CASES = [  # options, the size of the image that the convolution reads, channels on both sides
    ({"kernel": 3}, (5, 6), 2, 3),
    ({"kernel": (3, 4), "stride": 2, "pad": "same"}, (4, 6), 2, 3),
    ({"kernel": 2, "stride": (3, 1), "pad": "same"}, (6, 4), 3, 2),
    ({"kernel": 3, "stride": 2, "pad": ((1, 0), (0, 1))}, (4, 6), 4, 2),
    ({"kernel": 3, "stride": 2, "pad": 1, "groups": 2}, (5, 7), 2, 4),
    ({"kernel": 2, "dilation": (1, 2), "pad": (0, 1), "groups": 3}, (4, 5), 3, 3),
]


@pytest.mark.parametrize("piece", [1, 2**21], ids=["one row", "all images"])
@pytest.mark.parametrize(("options", "size", "M", "C"), CASES, ids=str)
def test_it_is_the_transpose_of_the_convolution_with_the_same_options(run, monkeypatch, options, size, M, C, piece):
    """⟨conv(u), x⟩ = ⟨u, conv_transpose(x)⟩ with W[c, u, v, m] for W[m, u, v, c], within each group."""
    monkeypatch.setattr(_products, "PIECE", piece)
    monkeypatch.setattr(_batch, "PIECE", piece)
    rng = np.random.default_rng(0)
    groups = options.get("groups", 1)
    W = rng.standard_normal((C, *per_axis(options["kernel"], 2), M // groups))
    u = rng.standard_normal((2, *size, M))
    made, _ = run(Conv2d(channels=C, bias=False, **options), u, W=W)
    x = rng.standard_normal(made.shape)
    turned = np.concatenate([part.transpose(3, 1, 2, 0) for part in np.split(W, groups)])
    y, _ = run(ConvTranspose2d(channels=M, bias=False, **options), x, W=turned)
    assert y.shape == u.shape
    np.testing.assert_allclose(np.vdot(u, y), np.vdot(made, x), rtol=1e-12)


def test_a_transposed_convolution_worked_by_hand(run):
    """Each x writes x·(1, 2, 3) two places on; where two meet, they add: 3·1 + 1·4 = 7."""
    x = np.array([1.0, 4, 5]).reshape(1, 3, 1, 1)
    W = np.array([1.0, 2, 3]).reshape(1, 3, 1, 1)
    block = ConvTranspose2d(channels=1, kernel=(3, 1), stride=(2, 1))
    y, gradients = run(block, x, W=W, b=np.array([10.0]), dy=np.arange(7.0).reshape(1, 7, 1, 1))
    assert y.ravel().tolist() == [11, 12, 17, 18, 27, 20, 25]
    assert gradients["x"].ravel().tolist() == [0 + 2 + 6, 2 + 6 + 12, 4 + 10 + 18]
    assert gradients["W"].ravel().tolist() == [0 + 8 + 20, 1 + 12 + 25, 2 + 16 + 30]
    assert gradients["b"].tolist() == [21]


@pytest.mark.parametrize(
    ("options", "size"),
    [
        ({"kernel": 4, "stride": 2, "pad": 1}, (6, 10)),  # twice the size: (3 − 1)·2 + 4 − 2
        ({"kernel": 3, "stride": 2, "pad": 1}, (5, 9)),
        ({"kernel": 3, "stride": 2, "pad": ((1, 0), (1, 0))}, (6, 10)),  # the other size that conv2d halves to 3, 5
        ({"kernel": 3, "stride": 2, "pad": "same"}, (6, 10)),
        ({"kernel": 2, "stride": 3, "pad": "same"}, (9, 15)),
        ({"kernel": 2, "stride": 3, "pad": "valid"}, (8, 14)),
        ({"kernel": 3, "dilation": (1, 2)}, (5, 9)),
    ],
    ids=str,
)
def test_the_size_of_the_output(run, options, size):
    """(H − 1)·stride + (k − 1)·dilation + 1 less the padding (Dumoulin and Visin 2016, relationship 14)."""
    y, _ = run(
        ConvTranspose2d(channels=1, bias=False, **options), np.ones((1, 3, 5, 1)), W=np.ones((1, *_kernel(options), 1))
    )
    assert y.shape == (1, *size, 1)


def _kernel(options):
    return per_axis(options["kernel"], 2)


def test_between_windows_that_stand_apart_there_is_only_the_bias(run):
    block = ConvTranspose2d(channels=1, kernel=1, stride=2, pad="same")
    y, _ = run(block, np.ones((1, 2, 1, 1)), W=np.full((1, 1, 1, 1), 3.0), b=np.array([0.5]))
    assert y[0, :, :, 0].tolist() == [[3.5, 0.5], [0.5, 0.5], [3.5, 0.5], [0.5, 0.5]]


def test_an_empty_batch_has_shapes_and_zero_gradients(run):
    params = {"W": np.ones((4, 3, 3, 2)), "b": np.ones(4)}
    y, gradients = run(
        ConvTranspose2d(channels=4, kernel=3), np.empty((0, 6, 5, 2)), dy=np.empty((0, 8, 7, 4)), **params
    )
    assert y.shape == (0, 8, 7, 4)
    assert gradients["x"].shape == (0, 6, 5, 2)
    assert gradients["W"].shape == (4, 3, 3, 2)
    assert not gradients["W"].any()


def test_padding_that_leaves_nothing_is_an_error_with_both_sizes(run):
    with pytest.raises(ValueError, match="the windows reach over 3 × 5 and `pad` cuts off 4 × 0; nothing is left"):
        run(ConvTranspose2d(channels=1, kernel=3, pad=(2, 0)), np.ones((1, 1, 3, 1)))


def test_groups_must_divide_both_numbers_of_channels(run):
    with pytest.raises(OptionError, match="`groups` is 4; it must divide `channels`, 6"):
        ConvTranspose2d(channels=6, kernel=1, groups=4)
    with pytest.raises(ValueError, match="x has 5 channels; `groups`, 2, must divide them"):
        run(ConvTranspose2d(channels=6, kernel=1, groups=2), np.ones((1, 2, 2, 5)))


def test_the_initialiser_counts_the_products_that_meet_in_one_number():
    """With stride 2 × 3 one in six of the 4·6·4 products in a sum of y is there; each x enters 4·6·6/2."""
    wish = ConvTranspose2d(channels=6, kernel=(4, 6), stride=(2, 3), groups=2).params(np.empty((0, 5, 5, 8)))["W"]
    assert wish.shape == (6, 4, 6, 4)
    assert wish.fan == (16, 72)
