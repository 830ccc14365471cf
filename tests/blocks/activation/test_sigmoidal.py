"""Sigmoids and their kin against Python's own `math`, and at inputs that overflow the plain formulas."""

import math

import numpy as np
import pytest

from blockrun.blocks.activation.sigmoidal import HardSigmoid, LogSigmoid, Sigmoid, Softplus, Tanh


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


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_softplus_and_log_sigmoid_keep_their_digits_on_both_sides(run, dtype):
    """ln(1 + eˣ) is eˣ far to the left and x far to the right, with slopes eˣ and 1; ln σ(x) is −ln(1 + e⁻ˣ)."""
    x = np.array([-1e4, -40, 40, 1e4], dtype=dtype)
    y, gradients = run(Softplus(), x, dy=np.ones_like(x))
    small = math.exp(-40)
    np.testing.assert_allclose(y, [0, small, 40, 1e4], rtol=1e-6)
    np.testing.assert_allclose(gradients["x"], [0, small, 1, 1], rtol=1e-6)
    y, gradients = run(LogSigmoid(), x, dy=np.ones_like(x))
    np.testing.assert_allclose(y, [-1e4, -40, -small, 0], rtol=1e-6)
    np.testing.assert_allclose(gradients["x"], [1, 1, small, 0], rtol=1e-6)
    assert y.dtype == gradients["x"].dtype == dtype


def test_softplus_and_log_sigmoid_agree_with_math(run):
    points = [-3.0, -0.1, 0.0, 2.0]
    y, _ = run(Softplus(beta=2), np.array(points))
    np.testing.assert_allclose(y, [math.log1p(math.exp(2 * x)) / 2 for x in points], rtol=1e-14)
    y, _ = run(LogSigmoid(), np.array(points))
    np.testing.assert_allclose(y, [-math.log1p(math.exp(-x)) for x in points], rtol=1e-14)


def test_softplus_nears_the_rectifier_as_beta_grows(run):
    """They differ most at 0, by ln 2 / β."""
    x = np.linspace(-2, 2, 101)
    y, _ = run(Softplus(beta=50), x)
    gap = y - np.maximum(x, 0)
    np.testing.assert_allclose(gap.max(), math.log(2) / 50, rtol=1e-12)
    assert gap.argmax() == 50


def test_hard_sigmoid_is_straight_between_its_kinks_and_flat_at_and_beyond_them(run):
    x = np.array([-1e4, -3.0, -1.5, 0.0, 1.5, 3.0, 1e4])
    y, gradients = run(HardSigmoid(), x, dy=np.full(7, 6.0))
    assert y.tolist() == [0, 0, 0.25, 0.5, 0.75, 1, 1]
    assert gradients["x"].tolist() == [0, 0, 1, 1, 1, 0, 0]


@pytest.mark.parametrize("block", [Sigmoid(), HardSigmoid(), Tanh(), Softplus(), LogSigmoid()], ids=repr)
def test_a_single_number_is_an_array_without_axes(run, block):
    y, gradients = run(block, 0.5, dy=1.0)
    assert np.shape(y) == np.shape(gradients["x"]) == ()
