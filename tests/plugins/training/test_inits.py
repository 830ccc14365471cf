"""Parameters start with the spread that the papers prescribe, the same in every precision."""

import numpy as np
import pytest

from blockrun.plugins.training.inits import (
    Constant,
    Glorot,
    He,
    Lecun,
    Normal,
    Ones,
    TruncatedNormal,
    Uniform,
    Zeros,
    fan_of,
)
from blockrun.plugins.training.shaped_inits import Bilinear, Identity, Orthogonal, Parts

EVERY = [
    Zeros(),
    Ones(),
    Constant(value=2.5),
    Uniform(),
    Normal(std=0.02),
    TruncatedNormal(),
    Glorot(),
    He(),
    Lecun(),
    Orthogonal(),
]


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
        (TruncatedNormal(std=0.5), 0.25 * 0.773741),  # 1 − 4φ(2) / (2Φ(2) − 1), with φ(2) = 0.0539910, Φ(2) = 0.9772499
        (
            TruncatedNormal(std=0.5, bound=1),
            0.25 * 0.291125,
        ),  # 1 − 2φ(1) / (2Φ(1) − 1), φ(1) = 0.2419707, Φ(1) = 0.8413447
        (Orthogonal(), 1 / 300),  # 200 rows of length 1 and 300 entries
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


def test_a_truncated_normal_has_nothing_beyond_its_bound():
    values = draw(TruncatedNormal(mean=3, std=0.5, bound=1.5))
    assert 0.74 < np.abs(values - 3).max() <= 0.75


@pytest.mark.parametrize("shape", [(20, 30), (30, 20), (20, 20), (8, 3, 3, 4), (64, 2, 2, 3), (5,)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_orthogonal_weights_have_orthonormal_rows_or_columns(shape, dtype):
    W = draw(Orthogonal(gain=2), shape, dtype).reshape(shape[0], -1)
    gram = W @ W.T if W.shape[0] <= W.shape[1] else W.T @ W
    np.testing.assert_allclose(gram, 4 * np.eye(min(W.shape)), atol=4e-6)


def test_orthogonal_weights_prefer_no_direction():
    """Of uniform 3 × 3 orthogonal matrices each entry has mean 0 and mean square 1/3, both with σ ≤ 0.013."""
    rng = np.random.default_rng(0)
    drawn = np.array([Orthogonal()(rng, (3, 3), (3, 3), np.float64) for _ in range(2000)])
    np.testing.assert_allclose(drawn.mean(0), 0, atol=0.055)
    np.testing.assert_allclose((drawn**2).mean(0), 1 / 3, atol=0.03)


def test_identity_weights_give_back_what_enters():
    np.testing.assert_array_equal(draw(Identity(gain=2), (2, 3)), [[2, 0, 0], [0, 2, 0]])
    W = draw(Identity(), (2, 3, 4, 2))
    expected = np.zeros((2, 3, 4, 2))
    expected[0, 1, 2, 0] = expected[1, 1, 2, 1] = 1
    np.testing.assert_array_equal(W, expected)


def upsampled(x, w, factor):
    """A transposed convolution of one axis: every entry of `x` writes its multiple of `w`, `factor` apart."""
    y = np.zeros((len(x) - 1) * factor + len(w))
    for i, value in enumerate(x):
        y[i * factor : i * factor + len(w)] += value * w
    return y


def test_bilinear_weights_have_the_values_of_the_paper():
    """Long et al. 2015: (¼, ¾, ¾, ¼) doubles, (⅓, ⅔, 1, ⅔, ⅓) triples; each channel is by itself."""
    W = draw(Bilinear(), (2, 4, 5, 2))
    kernel = np.outer([1 / 4, 3 / 4, 3 / 4, 1 / 4], [1 / 3, 2 / 3, 1, 2 / 3, 1 / 3])
    for i in range(2):
        np.testing.assert_allclose(W[i, :, :, i], kernel, rtol=1e-15)
        np.testing.assert_array_equal(W[i, :, :, 1 - i], 0)
    np.testing.assert_array_equal(draw(Bilinear(), (3, 4, 4, 1))[0], draw(Bilinear(), (3, 4, 4, 1))[2])


@pytest.mark.parametrize(("k", "factor"), [(1, 1), (3, 2), (4, 2), (5, 3), (6, 3), (8, 4)])
def test_bilinear_weights_interpolate_a_straight_line(k, factor):
    """Inside, a ramp stays a ramp, `factor` times less steep."""
    w = draw(Bilinear(), (1, k, 1, 1))[0, :, 0, 0]
    inside = upsampled(np.arange(8.0), w, factor)[k : -k or None]
    np.testing.assert_allclose(np.diff(inside), 1 / factor, rtol=1e-12)


def test_parts_fill_equal_parts_of_the_first_axis():
    assert draw(Parts(values=(0.0, 1.5)), (4,), np.float32).tolist() == [0, 0, 1.5, 1.5]
    assert draw(Parts(values=(1, 2, 3)), (3, 2)).tolist() == [[1, 1], [2, 2], [3, 3]]
    with pytest.raises(ValueError, match=r"of a first axis that 3 divides; the parameter has shape \(4,\)"):
        draw(Parts(values=(1, 2, 3)), (4,))


@pytest.mark.parametrize("init", [Identity(), Bilinear()], ids=lambda init: init.name)
@pytest.mark.parametrize("shape", [(4, 3, 3, 2), (0, 3, 3, 2), (2, 0, 3, 2)])
def test_laid_out_weights_keep_shape_and_precision(init, shape):
    W = draw(init, shape, np.float32)
    assert (W.dtype, W.shape) == (np.float32, shape)


@pytest.mark.parametrize(("init", "shape"), [(Identity(), (3,)), (Bilinear(), (3, 3)), (Bilinear(), (3,))])
def test_weights_without_the_axes_that_matter_are_refused(init, shape):
    with pytest.raises(ValueError, match=rf"`{init.name}` starts weights .* has shape \({shape[0]},"):
        draw(init, shape)
