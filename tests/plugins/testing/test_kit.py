"""How the kit finds inputs to try, tells kinks from mistakes, and differentiates."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import numpy as np
import pytest
from annotated_types import Ge, Gt, Le, MultipleOf

from blockrun.core import Block, Param, State
from blockrun.plugins.testing import check_block
from blockrun.plugins.testing.cases import make_case
from blockrun.plugins.testing.declared import summed_to
from blockrun.plugins.testing.examples import find_cases
from blockrun.plugins.testing.gradients import derivative, kinked
from blockrun.plugins.testing.options import instances


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(5)


def test_options_are_tried_within_their_declared_types_and_ranges() -> None:
    class Choosy(Block):
        units: Annotated[int, Ge(7), Le(8)]
        rate: Annotated[float, Gt(0.9)]
        width: Annotated[int, MultipleOf(4), Gt(0)]
        size: tuple[int, int]
        kind: Literal["a", "b"]
        bias: bool = True
        name_of_it: str | None = None

        def forward(self, ctx, x):
            return x, None

    found: list[Any] = list(instances(Choosy))
    assert len(found) > 3
    assert {block.kind for block in found} == {"a", "b"}
    assert {block.bias for block in found} == {True, False}
    assert {block.units for block in found} == {7, 8}


def test_shapes_follow_the_declared_notation(rng: np.random.Generator) -> None:
    class Bilinear(Block):
        units: Annotated[int, Ge(1)] = 4
        shapes = "a (N, K), b (N, 2, K), c (units,) -> y (N,)"

        def forward(self, ctx, a, b, c):
            return np.sum(a * b[:, 0], axis=-1) + c.sum(), None

    [case] = find_cases(Bilinear, rng).cases
    (N, K), b, c = (case.arrays[name].shape for name in "abc")
    assert b == (N, 2, K)
    assert c == (4,)
    assert N != K


def test_numbers_are_drawn_where_the_block_is_finite(rng: np.random.Generator) -> None:
    class Logit(Block):
        def forward(self, ctx, p):
            return np.log(p / (1 - p)), p

        def backward(self, ctx, p, dy):
            return dy / (p * (1 - p))

    with np.errstate(all="ignore"):
        cases = find_cases(Logit, rng).cases
    assert len(cases) == 4
    assert all((case.arrays["p"] > 0).all() and (case.arrays["p"] < 1).all() for case in cases)
    assert check_block(Logit).ok


def test_parameters_are_random_and_a_variance_is_positive(rng: np.random.Generator) -> None:
    class Scaled(Block):
        outputs = ("y", "new_var")

        def params(self, x):
            return {"g": Param((5,), init="ones"), "var": State((5,), init="ones", update="new_var")}

        def forward(self, ctx, x, g, var):
            return (x * g / np.sqrt(var), var), None

    case = make_case(Scaled(), (rng.standard_normal((4, 5)),), rng)
    assert np.unique(case.arrays["g"]).size == 5
    assert (case.arrays["var"] >= 0.5).all()


def test_a_block_that_only_rank_three_suits_is_checked_there(rng: np.random.Generator) -> None:
    class Sequence(Block):
        def forward(self, ctx, x):
            if x.ndim != 3:
                raise ValueError(f"{x.ndim} axes given, 3 wanted")
            return x.sum(axis=1), x

        def backward(self, ctx, x, dy):
            return np.broadcast_to(dy[:, None], x.shape)

    assert [case.arrays["x"].ndim for case in find_cases(Sequence, rng).cases] == [3]
    assert check_block(Sequence).ok


def test_examples_that_are_not_pairs_say_what_they_should_be() -> None:
    class Careless(Block):
        def forward(self, ctx, x):
            return x, None

        @classmethod
        def examples(cls, rng):
            yield rng.standard_normal(3)

    failure = check_block(Careless).failures[0]
    assert failure.check == "examples"
    assert "each is a pair: an instance of Careless and the tuple of its data inputs" in failure.fact


def test_examples_that_raise_are_a_failure_and_not_a_traceback() -> None:
    class Unlucky(Block):
        def forward(self, ctx, x):
            return x, None

        @classmethod
        def examples(cls, rng):
            raise RuntimeError("no luck")

    assert "examples raised RuntimeError: no luck" in check_block(Unlucky).failures[0].fact


def test_a_wrong_gradient_is_found_even_where_every_example_sits_on_a_kink() -> None:
    class WrongAbs(Block):
        def forward(self, ctx, x):
            return np.abs(x), np.sign(x)

        def backward(self, ctx, sign, dy):
            return 2 * dy * sign

        @classmethod
        def examples(cls, rng):
            yield cls(), (np.zeros((4, 3)),)

    assert "a factor is counted twice?" in check_block(WrongAbs).failures[0].guess


def test_a_step_function_is_right_to_have_a_zero_gradient_and_that_is_remarked() -> None:
    class Step(Block):
        def forward(self, ctx, x):
            return np.sign(x), None

        def backward(self, ctx, saved, dy):
            return np.zeros_like(dy)

    report = check_block(Step)
    assert report.ok, str(report)
    assert any("dx is zero in every case" in note for note in report.notes)


def test_a_large_input_that_makes_nan_is_remarked_and_no_failure() -> None:
    """exp(100) overflows float32, and ∞/∞ is NaN."""

    class NaiveSoftmax(Block):
        def forward(self, ctx, x):
            y = np.exp(x) / np.exp(x).sum(axis=-1, keepdims=True)
            return y, y

        def backward(self, ctx, y, dy):
            return y * (dy - (dy * y).sum(axis=-1, keepdims=True))

    report = check_block(NaiveSoftmax)
    assert report.ok, str(report)
    assert "y, dx: NaN when inputs reach ±100 in float32" in report.notes


def test_a_gradient_that_overflow_makes_nan_although_the_outputs_are_numbers_is_a_failure() -> None:
    """ln(1 + e¹⁰⁰) is ∞ in float32, which is no more than its size, but its slope is 1 and not ∞/∞."""

    class NaiveSoftplus(Block):
        def forward(self, ctx, x):
            return np.log(1 + np.exp(x)), np.exp(x)

        def backward(self, ctx, e, dy):
            return dy * (e / (1 + e))

        @classmethod
        def examples(cls, rng):
            yield cls(), (1 + 3 * rng.random((4, 3)),)

    [failure, *_] = check_block(NaiveSoftplus).failures
    assert failure.fact == "dx holds NaN when inputs reach ±100 in float32, and no output does"
    assert failure.guess == "overflows on the way: 0 · ∞ or ∞ / ∞?"


def test_a_formula_must_say_which_subgradient_is_taken_at_zero() -> None:
    class Rectifier(Block):
        """Its backward takes the subgradient 1 at the kink, where the formula says 0."""

        gradients = {"x": "dy * (x > 0)"}

        def forward(self, ctx, x):
            return np.maximum(x, 0), x

        def backward(self, ctx, x, dy):
            return dy * (x >= 0)

    [failure, *_] = check_block(Rectifier).failures
    assert failure.fact.startswith("`dy * (x > 0)` is not, where inputs are 0, what backward computes")


def curve(function: Any) -> Any:
    return lambda t: {"y": np.array(function(t))}


@pytest.mark.parametrize(
    ("function", "slope"),
    [(np.sin, 1.0), (np.exp, 1.0), (lambda t: np.sqrt(1e-4 + t), 50.0), (lambda t: np.cos(1000 * t + 1), -841.470985)],
)
def test_derivatives_are_right_to_eight_digits_whatever_the_scale_of_the_function(function: Any, slope: float) -> None:
    """sin′(0) = 1, exp′(0) = 1, √′(10⁻⁴) = 50, and −1000 sin 1 = −841.4709848."""
    with np.errstate(invalid="ignore"):
        found = derivative(curve(function), {"y": np.array(1.0)}, 1.0, abs(slope))
    assert found.value == pytest.approx(slope, rel=1e-8)


@pytest.mark.parametrize(
    ("function", "expected"),
    [(abs, True), (lambda t: max(t, 2 * t), True), (np.exp, False), (lambda t: 900 * t * t, False)],
)
def test_a_kink_is_where_the_one_sided_slopes_stay_apart(function: Any, expected: bool) -> None:
    assert kinked(curve(function), {"y": np.array(1.0)}, 1e-3, 1.0) is expected


def test_gradient_formulas_are_summed_over_axes_that_were_broadcast() -> None:
    """The derivative of a sum of copies is the sum over the copies (Kamper 2022, eq. 26)."""
    value = np.arange(24.0).reshape(2, 3, 4)
    assert np.array_equal(summed_to(value, (3, 1)), value.sum(axis=(0, 2))[:, None])
    assert np.array_equal(summed_to(np.array(2.0), (2, 2)), np.full((2, 2), 2.0))
