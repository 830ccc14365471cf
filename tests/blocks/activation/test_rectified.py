"""Rectifiers at their kinks and at large inputs, and the constants and slopes that papers prescribe."""

import math

import numpy as np
import pytest

from blockrun.blocks.activation.rectified import ALPHA, LAMBDA, Elu, LeakyRelu, Prelu, Relu, Selu
from blockrun.core.options import OptionError


@pytest.mark.parametrize(
    ("block", "left", "at", "subgradient", "right"),
    [
        (Relu(), 0, 0, 0, 1),
        (LeakyRelu(slope=0.25), -0.5, 0, 0.25, 1),
        (Elu(alpha=0.5), 0.5 * math.expm1(-2), 0, 0.5, 1),
        (Selu(), LAMBDA * ALPHA * math.expm1(-2), 0, LAMBDA * ALPHA, LAMBDA),
    ],
    ids=lambda value: value.name if hasattr(value, "name") else "",
)
def test_the_two_sides_and_the_subgradient_in_between(run, block, left, at, subgradient, right):
    y, gradients = run(block, np.array([-2.0, 0.0, 3.0]), dy=np.array([1.0, 10.0, 5.0]))
    np.testing.assert_allclose(y, [left, at, 3 * right], rtol=1e-15)
    np.testing.assert_allclose(gradients["x"][1:], [10 * subgradient, 5 * right], rtol=1e-15)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("block", [Relu(), LeakyRelu(), Elu(), Selu()], ids=repr)
def test_far_from_zero_all_is_finite_and_the_right_side_is_a_straight_line(run, block, dtype):
    x = np.array([-1e4, -100, 100, 1e4], dtype=dtype)
    y, gradients = run(block, x, dy=np.ones_like(x))
    steepness = LAMBDA if isinstance(block, Selu) else 1
    floor = {"relu": 0, "elu": -1, "selu": -LAMBDA * ALPHA, "leaky_relu": -100}[block.name]
    np.testing.assert_allclose(y[[0, 2, 3]], [floor, 100 * steepness, 1e4 * steepness], rtol=1e-6)
    slope = 0.01 if isinstance(block, LeakyRelu) else 0
    np.testing.assert_allclose(gradients["x"], [slope, slope, steepness, steepness], rtol=1e-6, atol=1e-6)
    assert y.dtype == gradients["x"].dtype == dtype


def test_relu_shows_a_nan_instead_of_hiding_it(run):
    y, _ = run(Relu(), np.array([np.nan, -1.0]))
    assert np.isnan(y[0])
    assert y[1] == 0


def test_elu_of_a_small_input_keeps_its_digits(run):
    """e^x − 1 itself would leave two digits of x = −1e-5 in float32."""
    y, _ = run(Elu(), np.array([-1e-5], dtype=np.float32))
    np.testing.assert_allclose(y, [math.expm1(-1e-5)], rtol=1e-6)


def test_the_constants_of_selu_are_those_of_the_paper():
    """Klambauer et al. 2017, equation 14, evaluated with Python's own erfc."""
    root, tail, tail2 = math.sqrt(math.e), math.erfc(math.sqrt(0.5)), math.erfc(math.sqrt(2))
    alpha = -math.sqrt(2 / math.pi) / (tail * root - 1)
    under = 2 * tail2 * math.e**2 + math.pi * tail**2 * math.e - 2 * (2 + math.pi) * tail * root + math.pi + 2
    assert pytest.approx(alpha, rel=1e-15) == ALPHA
    assert pytest.approx((1 - tail * root) * math.sqrt(2 * math.pi / under), rel=1e-15) == LAMBDA


def test_selu_keeps_mean_zero_and_variance_one(run):
    """What its constants are for: ∫ selu(z) φ(z) dz = 0 and ∫ selu(z)² φ(z) dz = 1, by the trapezium rule."""
    z = np.linspace(-12, 12, 240_001)  # with a point on the kink
    y, _ = run(Selu(), z)
    density = np.exp(-z * z / 2) / math.sqrt(2 * math.pi)
    assert abs(np.trapezoid(y * density, z)) < 1e-8
    assert abs(np.trapezoid(y * y * density, z) - 1) < 1e-8


def test_prelu_learns_a_slope_per_channel_from_where_the_input_is_negative(run):
    """Each slope gets Σ δ_y x over the negative x of its channel: −2 − 3, and −4."""
    x = np.array([[[-2.0, 1.0], [-3.0, -4.0]]])
    y, gradients = run(Prelu(), x, dy=np.ones_like(x), slope=[0.5, 0.1])
    assert y.tolist() == [[[-1, 1], [-1.5, -0.4]]]
    assert gradients["x"].tolist() == [[[0.5, 1], [0.5, 0.1]]]
    assert gradients["slope"].tolist() == [-5, -4]


def test_prelu_with_one_slope_learns_it_from_all_channels(run):
    x = np.array([[-2.0, 1.0], [0.0, -4.0]])
    y, gradients = run(Prelu(per_channel=False), x, dy=np.ones_like(x), slope=[0.5])
    assert y.tolist() == [[-1, 1], [0, -2]]
    assert gradients["x"].tolist() == [[0.5, 1], [0.5, 0.5]]
    assert gradients["slope"].tolist() == [-6]


def test_prelu_takes_any_slope_also_one_that_turns_the_left_side_down(run):
    y, gradients = run(Prelu(), np.array([[-2.0, -2.0]]), dy=np.ones((1, 2)), slope=[-1.0, 3.0])
    assert y.tolist() == [[2, -6]]
    assert gradients["x"].tolist() == [[-1, 3]]


def test_the_slopes_of_prelu_start_at_a_quarter():
    """He et al. 2015, §2.1."""
    assert Prelu().params(np.empty((0, 5)))["slope"].init == 0.25
    assert Prelu().params(np.empty((0, 5)))["slope"].shape == (5,)
    assert Prelu(per_channel=False).params(np.empty((0, 5)))["slope"].shape == (1,)


@pytest.mark.parametrize("slope", [-0.1, 1.5])
def test_leaky_relu_refuses_a_slope_with_which_it_would_be_another_function(slope):
    with pytest.raises(OptionError, match="at least 0, at most 1"):
        LeakyRelu(slope=slope)
