"""Choosing: what is taken, where its gradient goes, and what is said of places that do not exist."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from blockrun.blocks.structure.choosing import Argmax, Gather, Slice, Where
from blockrun.core.options import OptionError

RNG = np.random.default_rng(0)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])  # `run` is a function and keeps nothing
@given(st.data(), st.integers(1, 9), st.integers(1, 4))
def test_slice_takes_what_a_python_list_gives(run, data, length, step):
    start, stop = data.draw(st.tuples(*[st.none() | st.integers(-length, length)] * 2))
    x = [float(i) for i in range(length)]
    if not x[start:stop:step]:
        with pytest.raises(ValueError, match="there is nothing"):
            run(Slice(start=start, stop=stop, step=step), np.array([x]))
        return
    taken, gradients = run(Slice(start=start, stop=stop, step=step), np.array([x]), dy=np.array([x[start:stop:step]]))
    assert taken.tolist() == [x[start:stop:step]]
    assert gradients["x"].tolist() == [[v if v in x[start:stop:step] else 0 for v in x]]


@pytest.mark.parametrize(("options", "bound"), [({"start": 6}, 6), ({"stop": 6}, 6), ({"start": -6}, -6)])
def test_slice_does_not_reach_beyond_the_axis(run, options, bound):
    """Python would take what there is without a word."""
    with pytest.raises(ValueError, match=rf"axis 1 of shape \(2, 5\) has length 5; {bound} is beyond it"):
        run(Slice(**options), np.ones((2, 5)))


def test_slice_leaves_the_examples_alone_unless_told():
    assert [Slice(axis=axis).batchwise for axis in (0, 1, -1)] == [False, True, True]


def test_gather_puts_the_axes_of_the_index_where_the_axis_was(run):
    x = RNG.standard_normal((4, 5, 3))
    index = RNG.integers(0, 5, (2, 6))
    y, _ = run(Gather(axis=1), x, index)
    assert y.shape == (4, 2, 6, 3)
    np.testing.assert_array_equal(y[3, 1, 2], x[3, index[1, 2]])


def test_gather_per_example_takes_the_last_step_of_sequences_of_different_lengths(run):
    x = np.arange(24.0).reshape(3, 4, 2)
    y, gradients = run(Gather(axis=1, per_example=True), x, np.array([0, 3, 1]), dy=np.ones((3, 2)))
    assert y.tolist() == [[0, 1], [14, 15], [18, 19]]
    assert np.argwhere(gradients["x"][..., 0]).tolist() == [[0, 0], [1, 3], [2, 1]]


def test_gradients_of_a_place_that_is_read_again_add_up(run):
    _, gradients = run(
        Gather(axis=0), np.zeros((3, 2)), np.array([2, 0, 2, 2]), dy=np.array([[1.0, 2], [3, 4], [5, 6], [7, 8]])
    )
    assert gradients["x"].tolist() == [[3, 4], [0, 0], [13, 16]]


def test_gradients_that_add_up_keep_their_digits_in_float32(run):
    """The sum of 1 and 100,000 times 1e-8 is 1.001; added one by one in float32 it stays 1."""
    dy = np.array([1] + [1e-8] * 100_000, np.float32)
    _, gradients = run(Gather(axis=0), np.zeros(2, np.float32), np.zeros(len(dy), int), dy=dy)
    assert gradients["x"].dtype == np.float32
    np.testing.assert_allclose(gradients["x"], [1.001, 0], rtol=1e-6)


@pytest.mark.parametrize("place", [5, -1])
def test_an_index_out_of_range_is_named_with_its_position_and_the_length(run, place):
    fact = rf"index {place} at position \(1, 0\) is outside axis 1, which has length 5: 0 to 4"
    with pytest.raises(ValueError, match=fact):
        run(Gather(), np.ones((4, 5)), np.array([[0, 1], [place, 2]]))


def test_gather_says_what_it_cannot_read(run):
    with pytest.raises(ValueError, match="index is float64; it must be integers"):
        run(Gather(), np.ones((4, 5)), np.ones(2))
    with pytest.raises(ValueError, match=r"x has shape \(4, 5\) and index \(3,\); with `per_example`"):
        run(Gather(per_example=True), np.ones((4, 5)), np.ones(3, int))
    with pytest.raises(OptionError, match="`axis` is 0, that of the examples"):
        Gather(axis=0, per_example=True)


@pytest.mark.parametrize("dtype", [bool, int, float])
def test_where_takes_a_where_the_condition_is_not_0(run, dtype):
    condition = np.array([[0, 1, 3]]).astype(dtype)
    y, gradients = run(Where(), condition, np.ones((2, 3)), np.zeros(3), dy=np.arange(6.0).reshape(2, 3))
    assert y.tolist() == [[0, 1, 1], [0, 1, 1]]
    assert gradients["a"].tolist() == [[0, 1, 2], [0, 4, 5]]
    assert gradients["b"].tolist() == [3, 0, 0]


def test_where_lets_no_infinity_through_from_what_was_not_taken(run):
    """0 · ∞ would be NaN."""
    y, gradients = run(
        Where(), np.array([True, False]), np.array([1.0, np.inf]), np.zeros(2), dy=np.array([1.0, np.inf])
    )
    assert y.tolist() == [1, 0]
    assert gradients["a"].tolist() == [1, 0]


def test_argmax_is_an_integer_the_first_of_equal_ones(run):
    y, _ = run(Argmax(), np.array([[1.0, 3, 3], [2, 2, 0]]))
    assert y.tolist() == [1, 0]
    assert y.dtype.kind == "i"
    with pytest.raises(ValueError, match=r"axis 0 of shape \(N, 3\) has length 0; nothing there is the largest"):
        Argmax(axis=0).forward(None, np.empty((0, 3)))
