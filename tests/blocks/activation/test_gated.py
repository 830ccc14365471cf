"""Gated activations against Python's own `math`, far out where gates are shut or open, and in large batches."""

import math

import numpy as np
import pytest

from blockrun.blocks.activation.gated import Gelu, Glu, HardSwish, Silu, Swiglu

GATES = [Silu(), HardSwish(), Gelu(), Gelu(approximate="tanh")]
POINTS = [-20.0, -8.0, -2.0, -0.3, 0.0, 0.5, 3.0, 9.0]


def normal_cdf(x):
    return math.erfc(-x / math.sqrt(2)) / 2


def test_gelu_agrees_with_math_to_the_last_digits_of_its_tail(run):
    """x Φ(x) and its slope Φ(x) + x φ(x); at −20 they are near 1e-88, where 1 + erf has nothing left."""
    y, gradients = run(Gelu(), np.array(POINTS), dy=np.ones(len(POINTS)))
    slopes = [normal_cdf(x) + x * math.exp(-x * x / 2) / math.sqrt(2 * math.pi) for x in POINTS]
    np.testing.assert_allclose(y, [x * normal_cdf(x) for x in POINTS], rtol=1e-13)
    np.testing.assert_allclose(gradients["x"], slopes, rtol=1e-13)


def test_gelu_in_float32_keeps_the_digits_of_its_tail_too(run):
    """As far as the rounding of x²/2 in float32 leaves them."""
    x = np.linspace(-9, 9, 181, dtype=np.float32)
    y, gradients = run(Gelu(), x, dy=np.ones_like(x))
    exact, slopes = run(Gelu(), x.astype(np.float64), dy=np.ones(len(x)))
    np.testing.assert_allclose(y, exact, rtol=1e-5)
    np.testing.assert_allclose(gradients["x"], slopes["x"], rtol=1e-5, atol=1e-7)
    assert y.dtype == gradients["x"].dtype == np.float32


def test_gelu_by_tanh_is_the_formula_of_the_paper_and_near_the_exact_one(run):
    """Hendrycks and Gimpel 2016, §2; the two differ by less than 5e-4 everywhere."""
    y, _ = run(Gelu(approximate="tanh"), np.array(POINTS[1:]))
    inner = [math.sqrt(2 / math.pi) * (x + 0.044715 * x**3) for x in POINTS[1:]]
    expected = [x * (1 + math.tanh(u)) / 2 for x, u in zip(POINTS[1:], inner, strict=True)]
    np.testing.assert_allclose(y, expected, rtol=1e-13, atol=1e-14)
    x = np.linspace(-6, 6, 1201)
    assert np.abs(run(Gelu(approximate="tanh"), x)[0] - run(Gelu(), x)[0]).max() < 5e-4


def test_silu_agrees_with_math(run):
    y, gradients = run(Silu(), np.array(POINTS), dy=np.ones(len(POINTS)))
    gates = [1 / (1 + math.exp(-x)) for x in POINTS]
    np.testing.assert_allclose(y, [x * s for x, s in zip(POINTS, gates, strict=True)], rtol=1e-14)
    slopes = [s * (1 + x / (1 + math.exp(x))) for x, s in zip(POINTS, gates, strict=True)]
    np.testing.assert_allclose(gradients["x"], slopes, rtol=1e-13)


def test_hard_swish_at_and_between_its_kinks(run):
    """x (x + 3) / 6 and (2 x + 3) / 6 in between; at −3 the slope from the left, at 3 that from the right."""
    y, gradients = run(HardSwish(), np.array([-3.0, -1.5, 0.0, 1.5, 3.0]), dy=np.full(5, 2.0))
    assert y.tolist() == [0, -0.375, 0, 1.125, 3]
    assert gradients["x"].tolist() == [0, 0, 1, 2, 2]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("block", GATES, ids=repr)
def test_far_out_the_gate_is_shut_or_open_without_overflow(run, block, dtype):
    x = np.array([-1e30, -1e4, -100, 100, 1e4, 1e30], dtype=dtype)
    y, gradients = run(block, x, dy=np.ones_like(x))
    np.testing.assert_allclose(y, np.maximum(x, 0), rtol=1e-6, atol=1e-40)
    np.testing.assert_allclose(gradients["x"], x > 0, atol=1e-40)
    assert y.dtype == gradients["x"].dtype == dtype


@pytest.mark.parametrize("approximate", ["none", "tanh"])
def test_gelu_of_a_large_array_is_that_of_its_entries(run, approximate):
    """It works through a large array a piece at a time, whatever its shape and order in memory."""
    block, few = Gelu(approximate=approximate), np.linspace(-4, 4, 1000)
    y, gradients = run(block, few, dy=few)
    order = np.random.default_rng(0).integers(1000, size=(3, 7001, 5)).transpose(2, 0, 1)
    many, slopes = run(block, few[order], dy=few[order])
    np.testing.assert_array_equal(many, y[order])
    np.testing.assert_array_equal(slopes["x"], gradients["x"][order])


def test_gelu_is_the_same_where_nobody_asks_for_its_slope(run):
    x = np.linspace(-3, 3, 40_000).reshape(4, -1)
    np.testing.assert_array_equal(run(Gelu(), x, training=False)[0], run(Gelu(), x, dy=x)[0])


def test_glu_and_swiglu_worked_by_hand(run):
    """With b = ln 3 the gate σ(b) is 3/4, and 1 − σ(b) is 1/4."""
    b = math.log(3)
    x, dy = np.array([[2.0, -1.0, b, 0.0]]), np.array([[1.0, 1.0]])
    y, gradients = run(Glu(), x, dy=dy)
    np.testing.assert_allclose(y, [[1.5, -0.5]])
    np.testing.assert_allclose(gradients["x"], [[0.75, 0.5, 2 * 3 / 16, -1 / 4]])
    y, gradients = run(Swiglu(), x, dy=dy)
    np.testing.assert_allclose(y, [[1.5 * b, 0]])
    np.testing.assert_allclose(gradients["x"], [[0.75 * b, 0, 2 * (0.75 + b * 3 / 16), -1 / 2]])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("block", [Glu(), Swiglu()], ids=repr)
def test_large_halves_are_multiplied_without_overflow(run, block, dtype):
    x = np.array([[1e4, 1e4, -1e4, 1e4]], dtype=dtype)
    y, gradients = run(block, x, dy=np.ones((1, 2), dtype))
    assert y.tolist() == [[0, 1e4 if isinstance(block, Glu) else 1e8]]
    assert np.isfinite(gradients["x"]).all()


@pytest.mark.parametrize("block", [Glu(), Swiglu()], ids=repr)
def test_a_last_axis_without_halves_is_refused_in_words(run, block):
    with pytest.raises(ValueError, match=rf"the last axis of x has 5 entries; {block.name} takes an even number"):
        run(block, np.ones((2, 5)))
    with pytest.raises(ValueError, match="at least 2 axes"):
        run(block, np.ones(4))
