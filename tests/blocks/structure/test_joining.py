"""Joining and parting: the order of the parts, the places where gradients are cut, and the messages."""

import numpy as np
import pytest

from blockrun.blocks.structure.joining import Concat


def test_concat_joins_in_order_and_cuts_the_gradient_at_the_same_places(run):
    xs = [np.array([[1.0], [2]]), np.array([[3.0, 4], [5, 6]]), np.array([[7.0], [8]])]
    y, gradients = run(Concat(), *xs, dy=np.array([[10.0, 20, 30, 40], [50, 60, 70, 80]]))
    assert y.tolist() == [[1, 3, 4, 7], [2, 5, 6, 8]]
    assert [g.tolist() for g in gradients.values()] == [[[10], [50]], [[20, 30], [60, 70]], [[40], [80]]]


def test_concat_joins_along_another_axis(run):
    y, gradients = run(Concat(axis=1), np.zeros((2, 3, 4)), np.ones((2, 1, 4)), dy=np.ones((2, 4, 4)))
    assert y.shape == (2, 4, 4)
    assert [g.shape for g in gradients.values()] == [(2, 3, 4), (2, 1, 4)]
    assert not Concat(axis=0).batchwise


def test_concat_without_inputs_says_how_many_it_needs():
    with pytest.raises(ValueError, match="concat has 0 inputs; it needs at least 1"):
        Concat().forward(None)
