"""Padding and cropping: what the border holds and where its gradient goes, by hand; what is refused."""

import numpy as np
import pytest

from blockrun.blocks.convolution.border import Crop, Pad
from blockrun.core.options import OptionError

ABC = np.array([1.0, 2, 3]).reshape(1, 3, 1)


@pytest.mark.parametrize(
    ("options", "y", "dx"),
    [  # dy counts from 0: of the places that hold the same x the numbers add up
        ({"pad": [[2, 1]]}, [0, 0, 1, 2, 3, 0], [2, 3, 4]),
        ({"pad": 1, "value": 9}, [9, 1, 2, 3, 9], [1, 2, 3]),
        ({"pad": [[2, 1]], "kind": "edge"}, [1, 1, 1, 2, 3, 3], [0 + 1 + 2, 3, 4 + 5]),
        ({"pad": [[2, 1]], "kind": "reflect"}, [3, 2, 1, 2, 3, 2], [2, 1 + 3 + 5, 0 + 4]),
        ({"pad": [[0, 2]], "kind": "reflect"}, [1, 2, 3, 2, 1], [0 + 4, 1 + 3, 2]),
    ],
)
def test_a_padded_sequence_and_its_gradient(run, options, y, dx):
    found, gradients = run(Pad(**options), ABC, dy=np.arange(float(len(y))).reshape(1, -1, 1))
    assert found.ravel().tolist() == y
    assert gradients["x"].ravel().tolist() == dx


def test_each_axis_has_its_own_border(run):
    y, _ = run(Pad(pad=[1, [0, 2]]), np.ones((2, 3, 4, 5)))
    assert y.shape == (2, 5, 6, 5)
    assert y[0, :, :, 0].tolist() == [[0] * 6, *[[1, 1, 1, 1, 0, 0]] * 3, [0] * 6]


@pytest.mark.parametrize("kind", ["constant", "edge", "reflect"])
def test_an_empty_batch_is_padded(run, kind):
    y, gradients = run(Pad(pad=1, kind=kind), np.empty((0, 3, 4, 2)), dy=np.empty((0, 5, 6, 2)))
    assert y.shape == (0, 5, 6, 2)
    assert gradients["x"].shape == (0, 3, 4, 2)


def test_impossible_padding_is_an_error_with_both_numbers(run):
    with pytest.raises(OptionError, match=r"`value` is 2\.0; it goes with `kind: constant`, not edge"):
        Pad(pad=1, kind="edge", value=2)
    with pytest.raises(ValueError, match="`pad` is 3 along an axis of 3; reflect can add at most 2 there"):
        run(Pad(pad=3, kind="reflect"), ABC)
    with pytest.raises(ValueError, match=r"`pad` has entries for 2 axes; x, \(1, 3, 1\), has 1 between N and C"):
        run(Pad(pad=[2, 0]), ABC)
    with pytest.raises(ValueError, match=r"x has shape \(3, 1\); there is no axis between N and C"):
        run(Pad(pad=1), ABC[0])


@pytest.mark.parametrize(
    ("options", "like", "left"),
    [
        ({"border": 1}, None, [2, 3, 4, 5]),
        ({"border": [[0, 4]]}, None, [1, 2]),
        ({}, 3, [2, 3, 4]),  # the odd one of three is cut off after
        ({"offset": 3}, 2, [4, 5]),
        ({"offset": [0]}, 6, [1, 2, 3, 4, 5, 6]),
    ],
)
def test_what_is_left_of_a_sequence_and_its_gradient(run, options, like, left):
    x = np.arange(1.0, 7).reshape(1, 6, 1)
    inputs = (x,) if like is None else (x, np.ones((1, like, 7)))
    y, gradients = run(Crop(**options), *inputs, dy=np.ones((1, len(left), 1)))
    assert y.ravel().tolist() == left
    assert gradients["x"].ravel().tolist() == [float(i in left) for i in range(1, 7)]


def test_an_image_is_cut_to_the_size_of_another_of_any_channels(run):
    x = np.arange(5 * 6.0).reshape(1, 5, 6, 1)
    y, _ = run(Crop(), x, np.ones((1, 3, 2, 4)))
    np.testing.assert_array_equal(y, x[:, 1:4, 2:4])


def test_impossible_cuts_are_errors_that_say_what_would_be_right(run):
    x = np.ones((1, 5, 4, 1))
    with pytest.raises(ValueError, match="`border` is 2 before and 2 after, but the axis is 4 long; cut less"):
        run(Crop(border=2), x)
    with pytest.raises(ValueError, match="crop has neither `border` nor a second input"):
        run(Crop(), x)
    with pytest.raises(ValueError, match="crop has both `border` and a second input"):
        run(Crop(border=1), x, x)
    with pytest.raises(ValueError, match="6 places from 0 on are to be left of 5; x is too small"):
        run(Crop(offset=0), x, np.ones((1, 6, 4, 1)))
    with pytest.raises(ValueError, match="3 places from 2 on are to be left of 4; x is too small"):
        run(Crop(offset=2), x, np.ones((1, 3, 3, 1)))
    with pytest.raises(ValueError, match="they must have as many axes"):
        run(Crop(), x, np.ones((1, 3, 1)))
    with pytest.raises(OptionError, match="`offset` is 1; it goes with a second input"):
        Crop(border=1, offset=1)
