"""Sums of products against loops over every index, in plain Python."""

import itertools
import math
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from blockrun.blocks.arithmetic.products import Dot, Einsum
from blockrun.core.options import OptionError

SIZES = {"n": 4, "i": 2, "j": 3, "k": 1, "L": 5}


def by_loops(equation, xs):
    """Einstein's sum as its definition says it: over every value of every index, one product at a time."""
    left, result = equation.split("->")
    y = np.zeros([SIZES[letter] for letter in result])
    letters = sorted(set(left) - {","})
    for values in itertools.product(*(range(SIZES[letter]) for letter in letters)):
        at = dict(zip(letters, values, strict=True))
        factors = [x[tuple(at[a] for a in term)] for term, x in zip(left.split(","), xs, strict=True)]
        y[tuple(at[letter] for letter in result)] += math.prod(factors)
    return y


@st.composite
def equations(draw):
    """Up to three inputs of up to three indices each, and a result of some of them in any order."""
    terms = draw(st.lists(st.permutations("nijkL").map(lambda p: "".join(p[:3])), min_size=1, max_size=3))
    terms = [term[: draw(st.integers(0, 3))] for term in terms]
    there = sorted(set("".join(terms)))
    result = draw(st.permutations(there))[: draw(st.integers(0, len(there)))] if there else []
    return f"{','.join(terms)}->{''.join(result)}"


@given(equations())
@settings(max_examples=60, deadline=None)
def test_einsum_and_its_gradients_are_the_sums_over_every_index(equation):
    """J = Σ y δ is linear in each input, so J with one input replaced by a unit vector is an entry of the gradient."""
    rng = np.random.default_rng(0)
    block = Einsum(equation=equation)
    left = equation.partition("->")[0]
    xs = tuple(rng.standard_normal([SIZES[letter] for letter in term]) for term in left.split(","))
    y, saved = block.forward(None, *xs)
    np.testing.assert_allclose(y, by_loops(equation, xs), rtol=1e-12, atol=1e-12)
    dy = rng.standard_normal(np.shape(y))
    for i, gradient in enumerate(block.backward(Needs(len(xs)), saved, dy)):
        for at in np.ndindex(xs[i].shape):
            unit = np.zeros(xs[i].shape)
            unit[at] = 1
            expected = (by_loops(equation, (*xs[:i], unit, *xs[i + 1 :])) * dy).sum()
            np.testing.assert_allclose(gradient[at], expected, rtol=1e-11, atol=1e-11)


class Needs:
    """A context that asks for the gradients of so many inputs."""

    def __init__(self, count):
        self.needs = self
        self.xs = (True,) * count


def test_the_ellipsis_of_einsum_stands_for_any_further_axes(run):
    """With no further axis, one and two of them, "...ij,kj->...ik" is a matrix product for each."""
    rng = np.random.default_rng(0)
    B = rng.standard_normal((5, 3))
    for further in ((), (4,), (4, 6)):
        A, dy = rng.standard_normal((*further, 2, 3)), rng.standard_normal((*further, 2, 5))
        y, gradients = run(Einsum(equation="...ij,kj->...ik"), A, B, dy=dy)
        np.testing.assert_allclose(y, A @ B.T, rtol=1e-12)
        np.testing.assert_allclose(gradients["xs0"], dy @ B, rtol=1e-12)
        expected = dy.reshape(-1, 5).T @ A.reshape(-1, 3)
        np.testing.assert_allclose(gradients["xs1"], expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(("equation", "words"), [
    ("ij,jk", "it must say after `->` what is left"),
    ("ii->i", "`ii` has an index twice"),
    ("ij->iij", "`iij` has an index twice"),
    ("ij->ik", "the result has `k`, which no input has"),
    ("i1->i", "it must be letters, one for each axis, with a comma between inputs"),
    ("i..j->ij", "it must be letters, one for each axis, with a comma between inputs"),
    ("i->j->i", "it must be letters, one for each axis, with a comma between inputs"),
    ("...i,i->i", "inputs have `...`, and the result must have it too"),
    ("i->...i", "the result has `.`, which no input has"),
])  # fmt: skip
def test_an_equation_that_says_nothing_clear_is_refused_when_it_is_written(equation, words):
    with pytest.raises(OptionError) as caught:
        Einsum(equation=equation)
    assert words in str(caught.value)
    assert equation in str(caught.value)


@pytest.mark.parametrize(("equation", "shapes", "words"), [
    ("ij,jk->ik", [(2, 3)], 'einsum has 1 inputs; "ij,jk->ik" is for 2'),
    ("ij,jk->ik", [(2, 3), (3,)], "input 2 has shape (3,); `jk` is for 2 axes"),
    ("...ij->...i", [(3,)], "input 1 has shape (3,); `...ij` is for 2 axes or more"),
    ("ij,jk->ik", [(2, 3), (1, 5)], "index `j` is 3 in input 1, (2, 3), and 1 in input 2, (1, 5); it must be the same"),
    ("i...,...->i...", [(2, 3), (3, 4)], "`...` is 2 axes of input 2, (3, 4), and 1 of another"),
    ("i...,...->i...", [(2, 3), (4,)], "an axis of `...` is 3 in input 1, (2, 3), and 4 in input 2, (4,)"),
])  # fmt: skip
def test_inputs_that_do_not_fit_the_equation_are_named_with_both_numbers(run, equation, shapes, words):
    with pytest.raises(ValueError, match=re.escape(words)):
        run(Einsum(equation=equation), *map(np.ones, shapes))


@pytest.mark.parametrize(("equation", "batchwise"), [
    ("nij,njk->nik", True),
    ("ni,ni->n", True),
    ("ni,ni->", True),
    ("ni,ij->nj", False),
    ("ni->in", False),
    ("ni,mi->nm", False),
    ("...i,...i->...", False),
    (",->", False),
])  # fmt: skip
def test_einsum_runs_in_pieces_where_axis_0_of_all_is_one_index(equation, batchwise):
    """ "...i,...i->..." is not: the first of those axes need not be that of the examples."""
    assert Einsum(equation=equation).batchwise is batchwise


def test_dot_worked_by_hand(run):
    a, b = np.array([[1.0, 2, 3], [4, 5, 6]]), np.array([[1.0, 0, -1], [2, 2, 2]])
    y, gradients = run(Dot(), a, b, dy=np.array([10.0, 1]))
    assert y.tolist() == [-2, 30]
    assert gradients["a"].tolist() == [[10, 0, -10], [2, 2, 2]]
    assert gradients["b"].tolist() == [[10, 20, 30], [4, 5, 6]]


def test_dot_broadcasts_nothing(run):
    with pytest.raises(ValueError, match=r"`b` has shape \(3,\); dot wants b"):
        run(Dot(), np.ones((2, 3)), np.ones(3))
