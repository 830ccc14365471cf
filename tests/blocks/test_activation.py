"""Activations against Python's own `math`, at their kinks and at inputs that overflow the plain formulas."""

import math

import numpy as np
import pytest

from blockrun.blocks.activation import Relu, Sigmoid, Softmax, Tanh


def test_sigmoid_and_tanh_agree_with_math(run):
    points, dy = [-2.0, 0.0, 0.7], np.array([1.0, 2.0, -3.0])
    y, gradients = run(Sigmoid(), np.array(points), dy=dy)
    np.testing.assert_allclose(y, [1 / (1 + math.exp(-x)) for x in points], rtol=1e-15)
    slopes = [1 / (2 + math.exp(x) + math.exp(-x)) for x in points]  # the other form of σ(1 − σ)
    np.testing.assert_allclose(gradients["x"], dy * slopes, rtol=1e-14)
    y, gradients = run(Tanh(), np.array(points), dy=dy)
    np.testing.assert_allclose(y, [math.tanh(x) for x in points], rtol=1e-15)
    np.testing.assert_allclose(gradients["x"], [d / math.cosh(x) ** 2 for d, x in zip(dy, points, strict=True)])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_sigmoid_is_finite_and_exact_far_from_zero(run, dtype):
    x = np.array([-np.inf, -1e4, -60, 60, 1e4, np.inf], dtype=dtype)
    y, gradients = run(Sigmoid(), x, dy=np.ones_like(x))
    np.testing.assert_allclose(y[2], math.exp(-60), rtol=1e-5)
    np.testing.assert_allclose(y, [0, 0, 0, 1, 1, 1], atol=1e-25)
    np.testing.assert_allclose(gradients["x"], np.zeros(6), atol=1e-25)
    assert y.dtype == dtype


def test_relu_passes_no_gradient_at_its_kink(run):
    y, gradients = run(Relu(), np.array([-1.0, 0.0, 2.0]), dy=np.array([5.0, 5.0, 5.0]))
    assert y.tolist() == [0, 0, 2]
    assert gradients["x"].tolist() == [0, 0, 5]


def test_softmax_worked_by_hand(run):
    """e⁰ : e^ln 2 : e^ln 5 = 1 : 2 : 5; with δ = (1, 0, 0) the gradient is y₁ (δ − y₁)."""
    y, gradients = run(Softmax(), np.log([[1.0, 2.0, 5.0]]), dy=np.array([[1.0, 0.0, 0.0]]))
    np.testing.assert_allclose(y, [[1 / 8, 2 / 8, 5 / 8]], rtol=1e-14)
    np.testing.assert_allclose(gradients["x"], [[7 / 64, -2 / 64, -5 / 64]], rtol=1e-14)


def test_softmax_sums_to_one_along_the_axis_that_was_asked_for(run):
    x = np.random.default_rng(0).standard_normal((4, 3, 2))
    for axis in (0, 1, 2, -1, -2):
        y, _ = run(Softmax(axis=axis), x)
        np.testing.assert_allclose(y.sum(axis=axis), 1)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_softmax_of_huge_and_of_masked_inputs_is_finite(run, dtype):
    x = np.array([[1e4, -1e4, 1e4], [0, -np.inf, -1e4]], dtype=dtype)
    y, gradients = run(Softmax(), x, dy=np.ones_like(x))
    assert y.tolist() == [[0.5, 0, 0.5], [1, 0, 0]]
    assert gradients["x"].tolist() == [[0, 0, 0], [0, 0, 0]]


@pytest.mark.parametrize("axis", [0, -1])
def test_softmax_of_an_empty_batch_is_empty(run, axis):
    y, gradients = run(Softmax(axis=axis), np.empty((0, 3)), dy=np.empty((0, 3)))
    assert y.shape == gradients["x"].shape == (0, 3)


def test_softmax_over_the_examples_is_not_done_in_pieces():
    assert Softmax().batchwise
    assert not Softmax(axis=0).batchwise
