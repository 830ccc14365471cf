"""Functions of one input against Python's own `math`, at their kinks, and where they overflow."""

import math

import numpy as np
import pytest

from blockrun.blocks.arithmetic.elementwise import (
    Abs,
    Clip,
    Cos,
    Exp,
    Log,
    Negate,
    Power,
    Reciprocal,
    Sin,
    Sqrt,
    Square,
)
from blockrun.core import Graph, Node, backward, forward
from blockrun.core.options import OptionError

UNARY = [
    (Negate(), lambda x: -x, lambda x: -1.0),
    (Abs(), abs, lambda x: 1.0),
    (Square(), lambda x: x * x, lambda x: 2 * x),
    (Sqrt(), math.sqrt, lambda x: 0.5 / math.sqrt(x)),
    (Power(exponent=2.5), lambda x: math.pow(x, 2.5), lambda x: 2.5 * math.pow(x, 1.5)),
    (Power(exponent=-1), lambda x: 1 / x, lambda x: -1 / (x * x)),
    (Reciprocal(), lambda x: 1 / x, lambda x: -1 / (x * x)),
    (Exp(), math.exp, math.exp),
    (Log(), math.log, lambda x: 1 / x),
    (Sin(), math.sin, math.cos),
    (Cos(), math.cos, lambda x: -math.sin(x)),
    (Clip(low=0.5, high=2), lambda x: min(max(x, 0.5), 2), lambda x: float(0.5 <= x <= 2)),
]


@pytest.mark.parametrize(("block", "function", "derivative"), UNARY, ids=lambda p: getattr(p, "name", ""))
def test_functions_of_one_input_agree_with_math(run, block, function, derivative):
    points = [0.3, 1.0, 2.7]
    y, gradients = run(block, np.array(points), dy=np.array([1.0, -2.0, 3.0]))
    np.testing.assert_allclose(y, [function(p) for p in points], rtol=1e-14)
    expected = [dy * derivative(p) for dy, p in zip([1.0, -2.0, 3.0], points, strict=True)]
    np.testing.assert_allclose(gradients["x"], expected, rtol=1e-14)


def test_abs_has_the_subgradient_zero_at_its_kink(run):
    y, gradients = run(Abs(), np.array([-2.0, 0.0, 3.0]), dy=np.array([5.0, 5.0, 5.0]))
    assert y.tolist() == [2, 0, 3]
    assert gradients["x"].tolist() == [-5, 0, 5]


@pytest.mark.parametrize(("low", "high", "y", "dx"), [
    (-1, 2, [-1, -1, 0.5, 2, 2], [0, 1, 1, 1, 0]),
    (-1, None, [-1, -1, 0.5, 2, 3], [0, 1, 1, 1, 1]),
    (None, 2, [-4, -1, 0.5, 2, 2], [1, 1, 1, 1, 0]),
])  # fmt: skip
def test_clip_passes_the_gradient_inside_and_at_its_ends(run, low, high, y, dx):
    found, gradients = run(Clip(low=low, high=high), np.array([-4.0, -1, 0.5, 2, 3]), dy=np.ones(5))
    assert found.tolist() == y
    assert gradients["x"].tolist() == dx


def test_clip_refuses_ends_that_make_no_interval():
    with pytest.raises(OptionError, match="clip has neither `low` nor `high`; give at least one of them"):
        Clip()
    for low, high in ((2, -1), (2, 2)):
        with pytest.raises(OptionError, match=f"`high` is {high} and `low` is {low}; `high` must be the greater"):
            Clip(low=low, high=high)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("block", [Sqrt(), Power(exponent=0.5), Power(exponent=0)], ids=repr)
def test_where_the_slope_at_zero_is_infinite_the_gradient_is_zero(run, block, dtype):
    """∂√x/∂x = 1 / 2√x, which is 1/4 at 4."""
    y, gradients = run(block, np.array([0, 4], dtype), dy=np.ones(2, dtype))
    assert y.tolist() == ([1, 1] if block == Power(exponent=0) else [0, 2])
    assert gradients["x"].tolist() == ([0, 0] if block == Power(exponent=0) else [0, 0.25])


def chain(feed, *blocks):
    """The gradient of the sum of what `blocks` make of x one after another."""
    names = ["x", *(f"v{i}" for i in range(len(blocks)))]
    nodes = [Node(name, block, (before,)) for before, name, block in zip(names, names[1:], blocks, strict=False)]
    values, tape = forward(Graph(nodes), {"x": feed}, keep=(names[-1],), wrt=("x",))
    return backward(tape, {names[-1]: np.ones_like(values[names[-1]])}, ("x",))["x"]


def test_a_norm_that_is_zero_has_a_gradient():
    """√(x²) = |x|, of which 0 is a subgradient at 0."""
    assert chain(np.array([-3.0, 0.0, 2.0]), Square(), Sqrt()).tolist() == [-1, 0, 1]


@pytest.mark.filterwarnings("ignore:overflow")
def test_no_gradient_through_an_exponential_that_overflows_is_zero_and_not_nan(run):
    """1 / e⁻ˣ = eˣ, whose slope at −100 is e⁻¹⁰⁰, which float32 rounds to 0; e¹⁰⁰ is infinite in it."""
    y, gradients = run(Exp(), np.float32([100, 1]), dy=np.float32([0, 1]))
    assert np.isinf(y[0])
    np.testing.assert_allclose(gradients["x"], [0, math.e], rtol=1e-6)
    assert chain(np.float32([-100]), Negate(), Exp(), Reciprocal()).tolist() == [0]


def test_power_zero_has_no_slope_even_at_zero(run):
    y, gradients = run(Power(exponent=0), np.array([0.0, 2.0]), dy=np.ones(2))
    assert y.tolist() == [1, 1]
    assert gradients["x"].tolist() == [0, 0]


def test_single_numbers_stay_float32(run):
    for block in (Square(), Sqrt(), Power(exponent=1.5), Power(exponent=0.5), Reciprocal(), Exp(), Log(), Clip(low=0)):
        y, gradients = run(block, np.float32(2), dy=np.float32(1))
        assert (y.dtype, gradients["x"].dtype) == (np.float32, np.float32), block.name
