"""Parameters start with the spread that the papers prescribe, the same in every precision."""

import numpy as np
import pytest

from blockrun.plugins.training.inits import Constant, Glorot, He, Lecun, Normal, Ones, Uniform, Zeros, fan_of

EVERY = [Zeros(), Ones(), Constant(value=2.5), Uniform(), Normal(std=0.02), Glorot(), He(), Lecun()]


def draw(init, shape=(200, 300), dtype=np.float64, fan=None):
    return init(np.random.default_rng(0), shape, fan_of(shape, fan), dtype)


@pytest.mark.parametrize(
    ("shape", "fan"),
    [
        ((5, 3), (3, 5)),  # linear (D, K): K inputs and D outputs per unit
        ((16, 3, 3, 8), (72, 144)),  # convolution (M, kh, kw, C): Glorot & Bengio count kernel·channels
        ((7,), (7, 7)),
        ((), (1, 1)),
    ],
)
def test_the_fan_is_read_off_the_layout(shape, fan):
    assert fan_of(shape) == fan


def test_a_given_fan_counts():
    assert fan_of((5, 3), (10, 20)) == (10, 20)


@pytest.mark.parametrize(
    ("init", "variance"),
    [
        (Glorot(), 2 / 500),  # Glorot & Bengio 2010, eq. 12
        (He(), 2 / 300),  # He et al. 2015, eq. 10
        (Lecun(), 1 / 300),  # LeCun et al. 1998, eq. 16
        (Uniform(low=-3, high=3), 3),  # (high − low)² / 12
        (Normal(std=0.5), 0.25),
    ],
)
def test_the_variance_is_that_of_the_paper(init, variance):
    """With 60,000 draws the relative error of a variance is below √(2/60000) = 0.6 %; four of those are allowed."""
    values = draw(init)
    assert values.var() == pytest.approx(variance, rel=0.024)
    assert abs(values.mean()) < 4 * np.sqrt(variance / values.size)


def test_glorot_and_uniform_stay_within_their_range():
    assert np.abs(draw(Glorot())).max() <= np.sqrt(6 / 500)
    values = draw(Uniform(low=2, high=3))
    assert (values.min() >= 2, values.max() < 3) == (True, True)


def test_constants_are_constant():
    assert [float(draw(init, (1,))[0]) for init in EVERY[:3]] == [0, 1, 2.5]


@pytest.mark.parametrize("init", EVERY, ids=lambda init: init.name)
@pytest.mark.parametrize("shape", [(4, 3), (3,), (), (0, 3)])
def test_float32_is_float64_rounded(init, shape):
    single, double = draw(init, shape, np.float32), draw(init, shape)
    assert isinstance(single, np.ndarray)
    assert (single.dtype, single.shape) == (np.float32, shape)
    np.testing.assert_array_equal(single, double.astype(np.float32))


def test_an_empty_range_is_refused():
    with pytest.raises(ValueError, match="low must be less than high"):
        Uniform(low=1, high=1)
