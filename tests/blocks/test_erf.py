"""Our erf against Python's own, which comes from the C library: on a dense grid, at the seams and at the extremes."""

import math

import numpy as np
import pytest

from blockrun.blocks._erf import LARGEST, MIDDLE_END, NEAR_END, erf, erfcx

SEAMS = [np.nextafter(end, to) for end in (NEAR_END, MIDDLE_END, LARGEST) for to in (0, end, 99)]
GRID = np.concatenate([np.linspace(0, 6.5, 200_001), np.logspace(-300, 300, 5001), SEAMS, [0, np.inf]])


def units(found, exact):
    """How far off, in units in the last place."""
    exact = np.array(exact)
    return np.abs(found - exact) / np.spacing(np.abs(exact).astype(found.dtype))


@pytest.mark.parametrize("sign", [1, -1])
def test_erf_in_float64_is_within_two_units_in_the_last_place(sign):
    x = sign * GRID
    assert units(erf(x), [math.erf(v) for v in x]).max() <= 2


def test_erf_in_float32_is_within_three_units_in_the_last_place():
    x = GRID[GRID < 1e30].astype(np.float32)
    y = erf(x)
    assert y.dtype == np.float32
    assert units(y, [math.erf(v) for v in x.tolist()])[x > 1e-37].max() <= 3  # fewer digits below, by design


def test_erf_keeps_the_sign_of_zero_and_shows_a_nan():
    assert np.signbit(erf(np.array([-0.0, 0.0]))).tolist() == [True, False]
    assert np.isnan(erf(np.array([np.nan]))).all()


@pytest.mark.parametrize(("dtype", "most"), [(np.float64, 1e-15), (np.float32, 6e-7)])
def test_the_scaled_complement_is_exact_up_to_where_the_complement_vanishes(dtype, most):
    """Against exp(z²) erfc(z) of Python, whose own rounding grows with z²; past 5 by Laplace's continued fraction."""
    z = np.linspace(0, 15, 15_001).astype(dtype)
    exact = [math.exp(v * v) * math.erfc(v) if v < 1 else continued_fraction(v) for v in z.tolist()]
    y = erfcx(z)
    np.testing.assert_allclose(y, exact, rtol=most)
    assert y.dtype == dtype


def continued_fraction(z):
    """exp(z²) erfc(z) = 1/√π · 1/(z + ½/(z + 1/(z + 3/2/(z + ...)))) (Abramowitz and Stegun 1964, 7.1.14)."""
    below = z
    for k in range(600, 0, -1):
        below = z + k / 2 / below
    return 1 / (math.sqrt(math.pi) * below)
