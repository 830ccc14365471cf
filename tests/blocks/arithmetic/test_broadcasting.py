"""Arithmetic between inputs against Python's own `math`, and broadcasting worked by hand."""

import math

import numpy as np
import pytest

from blockrun.blocks.arithmetic.broadcasting import Add, Divide, Maximum, Minimum, Multiply, ScaleShift, Subtract


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


@pytest.mark.parametrize("block", [Maximum(), Minimum()], ids=lambda b: b.name)
@pytest.mark.parametrize("count", [2, 3, 300])
def test_maximum_and_minimum_send_the_gradient_to_the_input_that_was_chosen(run, block, count):
    """300 inputs are more than one byte can number."""
    xs = np.random.default_rng(0).standard_normal((count, 5))
    y, gradients = run(block, *xs, dy=np.arange(1.0, 6))
    chosen = xs.argmax(axis=0) if block == Maximum() else xs.argmin(axis=0)
    assert y.tolist() == [xs[i, column] for column, i in enumerate(chosen)]
    expected = np.zeros_like(xs)
    expected[chosen, range(5)] = range(1, 6)
    np.testing.assert_array_equal(list(gradients.values()), expected)


@pytest.mark.parametrize("block", [Maximum(), Minimum()], ids=lambda b: b.name)
def test_of_equal_inputs_the_first_gets_the_whole_gradient(run, block):
    """Any share is a subgradient; that it goes to the first is the rule of max_pool2d too."""
    a, b, c = np.array([1.0, 3.0, 7.0]), np.array([1.0, 3.0, 7.0]), np.array([1.0, 3.0, 7.0])
    _, gradients = run(block, a, b, c, dy=np.array([1.0, 2.0, 3.0]))
    assert [g.tolist() for g in gradients.values()] == [[1, 2, 3], [0, 0, 0], [0, 0, 0]]


@pytest.mark.parametrize("block", [Maximum(), Minimum()], ids=lambda b: b.name)
def test_maximum_and_minimum_of_one_input_say_how_many_they_need(run, block):
    with pytest.raises(ValueError, match=f"{block.name} has 1 input; it needs at least 2"):
        run(block, np.ones(3))


def test_scale_shift_worked_by_hand(run):
    x, dy = np.array([[1.0, 2], [3, 4]]), np.array([[1.0, 10], [100, 1000]])
    y, gradients = run(ScaleShift(), x, gamma=[2.0, -1], beta=[0.5, 5], dy=dy)
    assert y.tolist() == [[2.5, 3], [6.5, 1]]
    assert gradients["x"].tolist() == [[2, -10], [200, -1000]]
    assert gradients["gamma"].tolist() == [301, 4020]
    assert gradients["beta"].tolist() == [101, 1010]
    y, gradients = run(ScaleShift(bias=False), x, gamma=[2.0, -1], dy=dy)
    assert y.tolist() == [[2, -2], [6, -4]]
    assert set(gradients) == {"x", "gamma"}
