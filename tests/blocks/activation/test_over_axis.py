"""Softmax, its logarithm and maxout: by hand, along the right axis, and with huge and masked inputs."""

import math

import numpy as np
import pytest

from blockrun.blocks.activation.over_axis import LogSoftmax, Maxout, Softmax

BOTH = pytest.mark.parametrize("block", [Softmax, LogSoftmax])


def test_softmax_worked_by_hand(run):
    """e⁰ : e^ln 2 : e^ln 5 = 1 : 2 : 5; with δ = (1, 0, 0) the gradient is y₁ (δ − y₁)."""
    y, gradients = run(Softmax(), np.log([[1.0, 2.0, 5.0]]), dy=np.array([[1.0, 0.0, 0.0]]))
    np.testing.assert_allclose(y, [[1 / 8, 2 / 8, 5 / 8]], rtol=1e-14)
    np.testing.assert_allclose(gradients["x"], [[7 / 64, -2 / 64, -5 / 64]], rtol=1e-14)


def test_log_softmax_worked_by_hand(run):
    """The same; with δ = (1, 0, 0) the gradient is δ − (1, 2, 5) / 8."""
    y, gradients = run(LogSoftmax(), np.log([[1.0, 2.0, 5.0]]), dy=np.array([[1.0, 0.0, 0.0]]))
    np.testing.assert_allclose(y, np.log([[1 / 8, 2 / 8, 5 / 8]]), rtol=1e-14)
    np.testing.assert_allclose(gradients["x"], [[7 / 8, -2 / 8, -5 / 8]], rtol=1e-14)


def test_both_are_taken_along_the_axis_that_was_asked_for(run):
    x = np.random.default_rng(0).standard_normal((4, 3, 2))
    for axis in (0, 1, 2, -1, -2):
        y, _ = run(Softmax(axis=axis), x)
        np.testing.assert_allclose(y.sum(axis=axis), 1)
        logs, _ = run(LogSoftmax(axis=axis), x)
        np.testing.assert_allclose(logs, np.log(y))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_softmax_of_huge_and_of_masked_inputs_is_finite(run, dtype):
    x = np.array([[1e4, -1e4, 1e4], [0, -np.inf, -1e4]], dtype=dtype)
    y, gradients = run(Softmax(), x, dy=np.ones_like(x))
    assert y.tolist() == [[0.5, 0, 0.5], [1, 0, 0]]
    assert gradients["x"].tolist() == [[0, 0, 0], [0, 0, 0]]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_log_softmax_of_huge_and_of_masked_inputs_is_what_it_should_be(run, dtype):
    """Where softmax has become 0 its logarithm is still a number; only a masked input has none."""
    x = np.array([[1e4, -1e4, 1e4], [0, -np.inf, -1e4]], dtype=dtype)
    dy = np.array([[0, 1, 0], [0, 0, 1]], dtype=dtype)
    y, gradients = run(LogSoftmax(), x, dy=dy)
    half = math.log(0.5)
    np.testing.assert_allclose(y, [[half, half - 2e4, half], [0, -np.inf, -1e4]], rtol=1e-6)
    assert gradients["x"].tolist() == [[-0.5, 1, -0.5], [-1, 0, 1]]


@BOTH
@pytest.mark.parametrize("axis", [0, -1])
def test_an_empty_batch_is_empty(run, block, axis):
    y, gradients = run(block(axis=axis), np.empty((0, 3)), dy=np.empty((0, 3)))
    assert y.shape == gradients["x"].shape == (0, 3)


@BOTH
def test_over_the_examples_it_is_not_done_in_pieces(block):
    assert block().batchwise
    assert block(axis=1).batchwise
    assert not block(axis=0).batchwise
    with pytest.raises(ValueError, match=r"axis -1 of shape .* is that of the examples; write 0 if it is meant"):
        block().forward(None, np.ones(3))


def test_maxout_takes_the_largest_of_neighbours_and_gives_the_gradient_to_it(run):
    """Goodfellow et al. 2013: hₖ is the largest of m units, here of two."""
    y, gradients = run(
        Maxout(pieces=2), np.array([[1.0, 2.0, 4.0, 3.0, -1e4, -5.0]]), dy=np.array([[10.0, 20.0, 30.0]])
    )
    assert y.tolist() == [[2, 4, -5]]
    assert gradients["x"].tolist() == [[0, 10, 20, 0, 0, 30]]


def test_of_equal_pieces_the_first_gets_the_gradient(run):
    _, gradients = run(Maxout(pieces=3), np.array([[0.0, 7.0, 7.0, 5.0, 5.0, 5.0]]), dy=np.array([[1.0, 2.0]]))
    assert gradients["x"].tolist() == [[0, 1, 0, 2, 0, 0]]


def test_maxout_says_when_the_last_axis_cannot_be_grouped(run):
    with pytest.raises(ValueError, match=r"the last axis of x has 7 entries; groups of 3 pieces take a multiple of 3"):
        run(Maxout(pieces=3), np.ones((2, 7)))


def test_maxout_of_hundreds_of_pieces_still_knows_the_winner(run):
    x = np.zeros((1, 300))
    x[0, 280] = 1
    _, gradients = run(Maxout(pieces=300), x, dy=np.ones((1, 1)))
    assert gradients["x"].argmax() == 280
