"""Copying: what ends up where, and gradients that come back as sums over the copies."""

import numpy as np
import pytest

from blockrun.blocks.structure.copying import Broadcast, Tile


def test_tile_repeats_the_whole_and_not_each_entry(run):
    y, gradients = run(Tile(times=2), np.array([[1.0, 2, 3]]), dy=np.array([[1.0, 2, 3, 40, 50, 60]]))
    assert y.tolist() == [[1, 2, 3, 1, 2, 3]]
    assert gradients["x"].tolist() == [[41, 52, 63]]


def test_tile_of_the_examples_does_not_run_in_pieces():
    assert [Tile(times=2, axis=axis).batchwise for axis in (0, 1, -1)] == [False, True, True]


def test_broadcast_like_a_batch_gives_every_example_the_same_array_and_sums_the_gradient_over_them(run):
    y, gradients = run(Broadcast(), np.array([1.0, 2]), np.empty((3, 2)), dy=np.arange(6.0).reshape(3, 2))
    assert y.tolist() == [[1, 2]] * 3
    assert gradients["x"].tolist() == [6, 9]
    assert not gradients["like"].any()


def test_broadcast_to_a_shape_matches_the_axes_of_an_example(run):
    """With 2 examples of 2 numbers, axes matched from the last of the whole array would mix examples."""
    y, gradients = run(Broadcast(shape=(2, 2)), np.array([[1.0, 2], [3, 4]]), dy=np.arange(8.0).reshape(2, 2, 2))
    assert y.tolist() == [[[1, 2], [1, 2]], [[3, 4], [3, 4]]]
    assert gradients["x"].tolist() == [[2, 4], [10, 12]]


def test_broadcast_takes_no_memory():
    y, _ = Broadcast(shape=(10**9,)).forward(None, np.ones((10**6, 1)))
    assert y.shape == (10**6, 10**9)


@pytest.mark.parametrize(
    ("block", "inputs", "message"),
    [
        (Broadcast(), [(2, 3)], "`like` or that of the option `shape`; neither is given"),
        (Broadcast(shape=(3,)), [(2, 3), (2, 3)], "`like` or that of the option `shape`; both are given"),
        (Broadcast(shape=(4,)), [(2, 3)], r"shape \(2, 3\) cannot be broadcast to \(2, 4\)"),
        (Broadcast(), [(2, 3), (3,)], r"shape \(2, 3\) cannot be broadcast to \(3,\)"),
    ],
)
def test_a_shape_that_is_missing_or_does_not_fit_is_said(run, block, inputs, message):
    with pytest.raises(ValueError, match=message):
        run(block, *map(np.ones, inputs))
