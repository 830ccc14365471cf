"""The precision lint finds the classic ways to lose digits, each beside the form that does not, and no others."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from blockrun.core import Block
from blockrun.plugins.host import load_host
from blockrun.plugins.testing.precision import precision_report

HOST = load_host()
LARGEST_EXPONENT = float(np.log(np.finfo(np.float32).max))  # 88.7228: e to any more is infinite in float32


class NaiveSoftplus(Block):
    def forward(self, ctx, x):
        return np.log(1 + np.exp(x)), x

    def backward(self, ctx, x, dy):
        return dy / (1 + np.exp(-x))


class Softplus(Block):
    def forward(self, ctx, x):
        return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x))), x

    def backward(self, ctx, x, dy):
        return dy / (1 + np.exp(-x))


class NaiveSoftmax(Block):
    def forward(self, ctx, x):
        y = np.exp(x)
        y = y / y.sum(axis=-1, keepdims=True)
        return y, y

    def backward(self, ctx, y, dy):
        return y * (dy - (dy * y).sum(axis=-1, keepdims=True))


class NaiveVariance(Block):
    def forward(self, ctx, x):
        return (x * x).mean(axis=0) - x.mean(axis=0) ** 2, x

    def backward(self, ctx, x, dy):
        return dy * 2 * (x - x.mean(axis=0)) / len(x)


class Variance(Block):
    def forward(self, ctx, x):
        centred = x - x.mean(axis=0)
        return (centred * centred).mean(axis=0), centred

    def backward(self, ctx, centred, dy):
        return dy * 2 * centred / len(centred)


class NaiveExpm1(Block):
    def forward(self, ctx, x):
        return np.exp(x) - 1, x

    def backward(self, ctx, x, dy):
        return dy * np.exp(x)


class Expm1(Block):
    def forward(self, ctx, x):
        return np.expm1(x), x

    def backward(self, ctx, x, dy):
        return dy * np.exp(x)


class NaiveGradient(Block):
    """y = x / √(1 + x²), whose slope (1 + x²)^(−3/2) is written as a difference of nearly equal terms."""

    def forward(self, ctx, x):
        return x / np.sqrt(1 + x * x), x

    def backward(self, ctx, x, dy):
        return dy * (1 / np.sqrt(1 + x * x) - x * x / (1 + x * x) ** 1.5)


class Gradient(Block):
    def forward(self, ctx, x):
        return x / np.sqrt(1 + x * x), x

    def backward(self, ctx, x, dy):
        return dy / (1 + x * x) ** 1.5


class Cube(Block):
    def forward(self, ctx, x):
        return x * x * x * np.float32(1e30), x

    def backward(self, ctx, x, dy):
        return dy * 3 * x * x * np.float32(1e30)


class Inverse(Block):
    """Written with LAPACK, which does not know extended precision."""

    def forward(self, ctx, A):
        inverse = np.linalg.inv(A + 3 * np.eye(3, dtype=A.dtype))
        return inverse, inverse

    def backward(self, ctx, inverse, dy):
        return -inverse.mT @ dy @ inverse.mT

    @classmethod
    def examples(cls, rng):
        yield cls(), (0.1 * rng.standard_normal((4, 3, 3)),)


class SmallOnly(Block):
    def forward(self, ctx, x):
        if np.abs(x).max(initial=0) > 50:
            raise ValueError("x must be within ±50")
        return np.sin(x), x

    def backward(self, ctx, x, dy):
        return dy * np.cos(x)


class NoExamples(Block):
    text: str

    def forward(self, ctx, x):
        return x, None


def only(findings: list[Any]) -> Any:
    assert len(findings) == 1, [str(f) for f in findings]
    return findings[0]


def test_a_naive_softplus_is_infinite_from_the_logarithm_of_the_largest_number():
    """ln 3.4028e38 = 88.7228, and softplus is x to every digit there."""
    found = only(precision_report(NaiveSoftplus).findings)
    assert (found.kind, found.tensor, found.got) == ("overflow", "y", np.inf)
    assert found.expected == pytest.approx(LARGEST_EXPONENT, abs=1e-4)
    assert "x[" in found.inputs
    assert float(found.inputs.rpartition("= ")[2]) == pytest.approx(LARGEST_EXPONENT, abs=1e-3)


def test_a_naive_softmax_is_not_a_number_from_the_same_exponent():
    report = precision_report(NaiveSoftmax)
    found = next(f for f in report.findings if f.tensor == "y")
    assert found.kind == "overflow"
    assert np.isnan(found.got)
    assert float(found.inputs.rpartition("= ")[2]) == pytest.approx(LARGEST_EXPONENT, abs=1e-3)
    assert report.forward == np.inf


@pytest.mark.parametrize("seed", range(5))
def test_a_variance_as_mean_of_squares_less_square_of_mean_loses_its_digits_far_from_0(seed):
    """At 10⁴ the squares are 10⁸, whose last place in float32 is 8: more than the variance itself."""
    found = only(precision_report(NaiveVariance, seed).findings)
    assert (found.kind, found.tensor) == ("cancellation", "y")
    assert abs(found.got - found.expected) > 0.1 * found.expected
    assert found.point in {f"the example {offset}" for offset in ("+1000", "-1000", "+10000", "-10000")}


@pytest.mark.parametrize("seed", range(5))
def test_exp_less_1_loses_its_digits_near_0(seed):
    found = only(precision_report(NaiveExpm1, seed).findings)
    assert (found.kind, found.tensor) == ("cancellation", "y")
    assert found.point == "the example times 0.0001"


def test_a_gradient_that_is_a_difference_of_nearly_equal_terms_is_found_though_forward_is_right():
    report = precision_report(NaiveGradient)
    assert {(f.kind, f.tensor) for f in report.findings} == {("cancellation", "dx")}
    assert report.forward < 4


@pytest.mark.parametrize("stable", [Softplus, Variance, Expm1, Gradient, Inverse])
@pytest.mark.parametrize("seed", range(3))
def test_the_stable_form_of_each_is_clean(stable, seed):
    report = precision_report(stable, seed)
    assert report.ok, [str(f) for f in report.findings]
    assert report.points
    assert 0 < max(report.forward, report.backward) < 16


def test_a_result_that_no_float32_can_hold_is_no_finding():
    """10³⁰ x³ passes 3.4·10³⁸ at x = 700; the numbers compared with go further."""
    assert precision_report(Cube).ok


def test_a_block_that_knows_no_extended_precision_is_compared_with_float64():
    assert precision_report(Inverse).bits == 53


def test_points_that_a_block_refuses_are_left_out():
    all_points, some_points = precision_report(Expm1).points, precision_report(SmallOnly).points
    assert 0 < some_points < all_points


def test_a_block_without_examples_has_no_points():
    assert precision_report(NoExamples).points == 0


def test_a_finding_says_where_both_numbers_and_which_inputs():
    text = str(only(precision_report(NaiveSoftplus).findings))
    assert text.startswith("overflow: y[")
    assert "is inf, it should be 88.7228; from x[" in text
    assert text.endswith("= 88.7228 on, in NaiveSoftplus()")


def test_the_table_has_a_line_for_each_block_and_its_findings_below():
    lines = precision_report(NaiveSoftplus, name="softplus").row(10).splitlines()
    assert lines[0].split()[:2] == ["softplus", "inf"]
    assert lines[0].endswith("FAILED")
    assert lines[1].startswith("  overflow: y[")
    assert precision_report(SmallOnly).row(10).endswith("ok")
    assert precision_report(NoExamples).row(10).endswith("nothing to compare")


def test_the_report_is_json():
    row = json.loads(json.dumps(precision_report(NaiveSoftplus).as_dict(), allow_nan=False))
    assert row["ok"] is False
    assert row["forward"] is None
    assert row["findings"][0]["got"] is None
    assert row["findings"][0]["kind"] == "overflow"


@pytest.mark.parametrize("name", HOST.names("blocks"))
def test_every_registered_block_keeps_its_digits(name):
    cls = HOST.find("blocks", name)
    report = precision_report(cls, name=name)
    assert report.ok, "\n".join(map(str, report.findings))
    assert report.points or not hasattr(cls, "backward"), "metrics may count in integers, which lose no digits"
