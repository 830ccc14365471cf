"""Patches as channels: a linear layer on them is a convolution, and their gradient is the fold."""

import numpy as np
import pytest

from blockrun.blocks.convolution.conv import Conv2d
from blockrun.blocks.convolution.patches import Unfold
from blockrun.blocks.linear.products import Linear


@pytest.mark.parametrize(
    "options",
    [
        {"kernel": 3},
        {"kernel": (2, 3), "stride": (2, 1), "pad": "same"},
        {"kernel": 2, "dilation": (1, 2), "pad": ((1, 0), (0, 2))},
    ],
    ids=str,
)
def test_a_linear_layer_on_patches_is_a_convolution(run, options):
    rng = np.random.default_rng(0)
    x = rng.standard_normal((2, 5, 6, 3))
    kernel = options["kernel"] if isinstance(options["kernel"], tuple) else (options["kernel"],) * 2
    W = rng.standard_normal((4, *kernel, 3))
    y, _ = run(Conv2d(channels=4, bias=False, **options), x, W=W)
    dy = rng.standard_normal(y.shape)
    y, gradients = run(Conv2d(channels=4, bias=False, **options), x, W=W, dy=dy)
    patches, _ = run(Unfold(**options), x)
    z, of_patches = run(Linear(units=4, bias=False), patches, W=W.reshape(4, -1), dy=dy)
    _, folded = run(Unfold(**options), x, dy=of_patches["a"])
    np.testing.assert_allclose(z, y, atol=1e-12)
    np.testing.assert_allclose(folded["x"], gradients["x"], atol=1e-12)


def test_the_gradient_counts_how_often_a_pixel_is_read(run):
    _, gradients = run(Unfold(kernel=2), np.ones((1, 3, 3, 1)), dy=np.ones((1, 2, 2, 4)))
    assert gradients["x"][0, :, :, 0].tolist() == [[1, 2, 1], [2, 4, 2], [1, 2, 1]]


def test_an_empty_batch_keeps_its_shapes(run):
    y, gradients = run(Unfold(kernel=2), np.empty((0, 3, 4, 5)), dy=np.empty((0, 2, 3, 20)))
    assert (y.shape, gradients["x"].shape) == ((0, 2, 3, 20), (0, 3, 4, 5))
