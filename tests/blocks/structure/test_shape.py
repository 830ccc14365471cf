"""Rearrangements: the order that numbers end up in, empty batches, axes named wrongly, and the way back."""

import numpy as np
import pytest

from blockrun.blocks.structure.shape import Expand, Flatten, Flip, Reshape, Squeeze, Transpose
from blockrun.core.options import OptionError


def test_flatten_keeps_examples_apart_and_the_last_axis_fastest(run):
    x = np.arange(24.0).reshape(2, 3, 4)
    y, gradients = run(Flatten(), x, dy=np.arange(24.0).reshape(2, 12) * 10)
    assert y[1].tolist() == [12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23]
    np.testing.assert_array_equal(gradients["x"], 10 * x)


@pytest.mark.parametrize(
    ("block", "given", "wanted"),
    [
        (Flatten(), (0, 3, 4), (0, 12)),
        (Flatten(), (5,), (5, 1)),
        (Reshape(shape=(2, -1)), (0, 3, 4), (0, 2, 6)),
        (Reshape(shape=(-1,)), (5, 3, 4), (5, 12)),
        (Reshape(shape=(4, 3)), (5, 12), (5, 4, 3)),
        (Reshape(shape=()), (5, 1), (5,)),
        (Squeeze(), (0, 3, 1), (0, 3)),
        (Squeeze(axis=(1, -1)), (1, 1, 3, 1), (1, 3)),
        (Squeeze(axis=0), (1, 3), (3,)),
        (Expand(), (0, 3), (0, 3, 1)),
        (Expand(axis=-2), (5, 3), (5, 1, 3)),
        (Expand(axis=0), (5, 3), (1, 5, 3)),
        (Transpose(), (0, 3, 4), (0, 4, 3)),
        (Transpose(swap=(1, -1)), (5, 3, 4, 2), (5, 2, 4, 3)),
        (Transpose(axes=(0, 3, 1, 2)), (5, 3, 4, 2), (5, 2, 3, 4)),
        (Flip(), (0, 3), (0, 3)),
    ],
)
def test_shapes_are_right_with_and_without_examples(run, block, given, wanted):
    y, gradients = run(block, np.ones(given), dy=np.ones(wanted))
    assert y.shape == wanted
    assert gradients["x"].shape == given


def test_reshape_says_how_many_numbers_do_not_fit(run):
    with pytest.raises(ValueError, match=r"shape \(3, 4\), 12 numbers; shape \[5\] takes 5"):
        run(Reshape(shape=(5,)), np.ones((2, 3, 4)))
    with pytest.raises(ValueError, match=r"12 numbers; shape \[5, -1\] takes a multiple of 5"):
        run(Reshape(shape=(5, -1)), np.ones((2, 3, 4)))


@pytest.mark.parametrize("shape", [(-1, -1), (0,), (-2, 3)])
def test_reshape_refuses_sizes_that_mean_nothing(shape):
    with pytest.raises(OptionError, match="sizes must be at least 1, and one may be -1"):
        Reshape(shape=shape)


def test_a_batch_of_one_keeps_its_axis_when_others_are_squeezed_away(run):
    """Squeezing all axes of length 1, as some libraries do, would lose the batch axis where N is 1."""
    y, _ = run(Squeeze(), np.ones((1, 3, 1)))
    assert y.shape == (1, 3)


def test_squeeze_says_how_long_the_axis_is(run):
    with pytest.raises(
        ValueError, match=r"axis 1 of shape \(2, 3\) has length 3; only an axis of length 1 can be left out"
    ):
        run(Squeeze(), np.ones((2, 3)))


def test_transpose_moves_numbers_and_the_gradient_moves_them_back(run):
    x = np.arange(24.0).reshape(2, 3, 4)
    y, gradients = run(Transpose(axes=(0, 2, 1)), x, dy=np.arange(24.0).reshape(2, 4, 3))
    assert y[1].tolist() == [[12, 16, 20], [13, 17, 21], [14, 18, 22], [15, 19, 23]]
    assert gradients["x"][0].tolist() == [[0, 3, 6, 9], [1, 4, 7, 10], [2, 5, 8, 11]]


def test_transpose_wants_every_axis_once_and_one_way_to_say_it(run):
    with pytest.raises(ValueError, match=r"axes \[0, 2\] of shape \(2, 3, 4\): each of its 3 must be listed"):
        run(Transpose(axes=(0, 2)), np.ones((2, 3, 4)))
    with pytest.raises(ValueError, match=r"axes \[0, 2, 2\] of shape \(2, 3, 4\) name one axis twice"):
        run(Transpose(axes=(0, 2, -1)), np.ones((2, 3, 4)))
    with pytest.raises(OptionError, match="`axes` and `swap` are both given"):
        Transpose(axes=(1, 0), swap=(0, 1))


def test_flip_reads_backwards_along_every_axis_named(run):
    y, gradients = run(Flip(axis=(1, 2)), np.arange(6.0).reshape(1, 2, 3), dy=np.arange(6.0).reshape(1, 2, 3))
    assert y.tolist() == gradients["x"].tolist() == [[[5, 4, 3], [2, 1, 0]]]


@pytest.mark.parametrize("block", [Squeeze(axis=-2), Flip(axis=-2), Transpose(), Expand(axis=-3)])
def test_a_negative_axis_never_means_that_of_the_examples(run, block):
    """So that `batchwise` can promise from the options alone that axis 0 is left as it is."""
    assert block.batchwise
    with pytest.raises(
        ValueError, match=r"axis -\d of shape \(1, 3\).* is that of the examples; write 0 if it is meant"
    ):
        run(block, np.ones((1, 3)))


@pytest.mark.parametrize(
    "block", [Squeeze(axis=(1, 0)), Expand(axis=0), Flip(axis=0), Transpose(swap=(0, 1)), Transpose(axes=(1, 0, 2))]
)
def test_what_moves_the_examples_does_not_run_in_pieces(block):
    assert not block.batchwise


@pytest.mark.parametrize("axis", [2, -3])
def test_an_axis_that_is_not_there_is_named_with_those_that_are(run, axis):
    with pytest.raises(ValueError, match=rf"there is no axis {axis} in shape \(4, 3\); there are 0 to 1"):
        run(Flip(axis=axis), np.ones((4, 3)))
