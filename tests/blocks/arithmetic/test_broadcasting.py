"""Arithmetic against Python's own `math`, and broadcasting worked by hand."""

import math

import numpy as np
import pytest

from blockrun.blocks.arithmetic import Add, Divide, Exp, Log, Multiply, Negate, Power, Reciprocal, Square, Subtract

UNARY = [
    (Negate(), lambda x: -x, lambda x: -1.0),
    (Square(), lambda x: x * x, lambda x: 2 * x),
    (Power(exponent=2.5), lambda x: math.pow(x, 2.5), lambda x: 2.5 * math.pow(x, 1.5)),
    (Power(exponent=-1), lambda x: 1 / x, lambda x: -1 / (x * x)),
    (Reciprocal(), lambda x: 1 / x, lambda x: -1 / (x * x)),
    (Exp(), math.exp, math.exp),
    (Log(), math.log, lambda x: 1 / x),
]


@pytest.mark.parametrize(("block", "function", "derivative"), UNARY, ids=lambda p: getattr(p, "name", ""))
def test_functions_of_one_input_agree_with_math(run, block, function, derivative):
    points = [0.3, 1.0, 2.7]
    y, gradients = run(block, np.array(points), dy=np.array([1.0, -2.0, 3.0]))
    np.testing.assert_allclose(y, [function(p) for p in points], rtol=1e-14)
    expected = [dy * derivative(p) for dy, p in zip([1.0, -2.0, 3.0], points, strict=True)]
    np.testing.assert_allclose(gradients["x"], expected, rtol=1e-14)


def test_two_inputs_worked_by_hand(run):
    a, b, dy = np.array([6.0, 1.0]), np.array([2.0, -4.0]), np.array([1.0, 10.0])
    for block, y, da, db in [
        (Subtract(), [4, 5], [1, 10], [-1, -10]),
        (Divide(), [3, -0.25], [0.5, -2.5], [-1.5, -0.625]),
    ]:
        found, gradients = run(block, a, b, dy=dy)
        np.testing.assert_array_equal(found, y)
        np.testing.assert_array_equal(gradients["a"], da)
        np.testing.assert_array_equal(gradients["b"], db)


@pytest.mark.parametrize("count", [1, 2, 4])
def test_add_and_multiply_take_any_number_of_inputs(run, count):
    xs = [np.array([2.0, 3.0]), np.array([5.0, 7.0]), np.array([0.5, -1.0]), np.array([1.0, 4.0])][:count]
    y, gradients = run(Add(), *xs, dy=np.ones(2))
    np.testing.assert_array_equal(y, [math.fsum(x[i] for x in xs) for i in range(2)])
    assert all(g.tolist() == [1, 1] for g in gradients.values())
    y, gradients = run(Multiply(), *xs, dy=np.ones(2))
    np.testing.assert_array_equal(y, [math.prod(x[i] for x in xs) for i in range(2)])
    for k, gradient in enumerate(gradients.values()):
        np.testing.assert_allclose(gradient, [math.prod(x[i] for x in xs) / xs[k][i] for i in range(2)])


@pytest.mark.parametrize("block", [Add(), Multiply()], ids=lambda b: b.name)
def test_add_and_multiply_without_inputs_say_how_many_they_need(block):
    with pytest.raises(ValueError, match=f"{block.name} has 0 inputs; it needs at least 1"):
        block.forward(None)


def test_multiply_has_the_right_gradient_where_a_factor_is_zero(run):
    _, gradients = run(Multiply(), np.array([0.0]), np.array([3.0]), np.array([4.0]), dy=np.ones(1))
    assert [g.tolist() for g in gradients.values()] == [[12], [0], [0]]


def test_the_gradient_of_a_broadcast_input_is_summed_back(run):
    """A column and a row of ones against a 2 × 3 table of 1 … 6: row sums 6, 15 and column sums 5, 7, 9."""
    dy = np.arange(1.0, 7).reshape(2, 3)
    _, gradients = run(Add(), np.ones((2, 1)), np.ones(3), np.ones(()), dy=dy)
    assert gradients["xs0"].tolist() == [[6], [15]]
    assert gradients["xs1"].tolist() == [5, 7, 9]
    assert gradients["xs2"].tolist() == 21
    _, gradients = run(Divide(), np.full((2, 1), 6.0), np.full((1, 3), 2.0), dy=dy)
    assert gradients["a"].tolist() == [[3], [7.5]]
    assert gradients["b"].tolist() == [[-7.5, -10.5, -13.5]]


def test_power_zero_has_no_slope_even_at_zero(run):
    y, gradients = run(Power(exponent=0), np.array([0.0, 2.0]), dy=np.ones(2))
    assert y.tolist() == [1, 1]
    assert gradients["x"].tolist() == [0, 0]


def test_single_numbers_stay_float32(run):
    for block in (Square(), Power(exponent=1.5), Reciprocal(), Exp(), Log()):
        y, gradients = run(block, np.float32(2), dy=np.float32(1))
        assert (y.dtype, gradients["x"].dtype) == (np.float32, np.float32), block.name
