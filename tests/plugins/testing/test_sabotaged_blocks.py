"""The kit is worth as much as what it catches: each broken block must be named, with its tensor and its cause."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from blockrun.plugins.testing import check_block

EXPECTED = {  # class: the check that finds it, the tensor, and words that must be in the message
    "SignFlipped": ("gradients", "dx", "ratio -1: sign flipped?"),
    "InfiniteInOneEntry": ("gradients", "dx", "dx[3, 2]: inf, but it should be 0"),
    "FactorLost": ("gradients", "dx", "ratio 0.5 = 1/2 everywhere: a constant factor is lost"),
    "MeanForSum": ("gradients", "db", "there are 4 examples: a mean where a sum belongs?"),
    "Transposed": ("gradients", "dB", "the transpose of the right gradient"),
    "TransposedShape": ("executor checks", "dW", "transposed?"),
    "TermDropped": ("gradients", "dx", "a term dropped"),
    "SumForgotten": ("executor checks", "db", "forgot to sum over the first 1 axes?"),
    "IncomingForgotten": ("gradients", "dx", "forgot to multiply by dy?"),
    "Zeros": ("gradients", "dx", "returns zeros"),
    "StashedOnSelf": ("arguments untouched", "self.y", "stashed on self"),
    "StaleCache": ("calls in between", "dx", "stale cache"),
    "BufferReused": ("calls in between", "y", "one buffer is used for the outputs of all calls"),
    "InputMutated": ("arguments untouched", "x", "forward writes to `x`"),
    "InputMutatedBehindItsLock": ("executor checks", "x", "`x` is written to although it is locked"),
    "GradientMutated": ("arguments untouched", "dy", "backward writes to `dy`"),
    "SavedMutated": ("arguments untouched", "saved", "backward writes to `saved`"),
    "FreshNoise": ("repeatable", "y", "all randomness comes from ctx.rng"),
    "WrongShape": ("executor checks", "dx", "has shape (12,); `x` has shape (4, 3)"),
    "WrongCount": ("executor checks", "", "returned 1 gradients; it must return 2; one for each of a, b"),
    "OffByOnePadding": ("gradients", "dx", "off by one in padding or an index?"),
    "ContiguousOnly": ("gradient layouts", "dx", "assumes that the incoming gradient is contiguous"),
    "Float64Inside": ("float32", "y", "makes a new array of its own dtype"),
    "Float32Always": ("dtype of the graph", "y", "is float32 in a graph that computes in float64"),
    "NeedsEntangled": ("fewer needs", "db", "belongs to another `if ctx.needs...`"),
    "NotANumberWhenEmpty": ("empty batch", "y", "divide by ctx.examples"),
    "FormulaWrong": ("formula", "y", "`sin(x)` is not what forward computes"),
    "MeanNotAdditive": ("additive", "y", "means belong in result"),
    "GradientForTarget": ("executor checks", "dtarget", "a gradient is returned for `target`"),
    "TrainingOnly": ("gradients", "dx", "evaluation"),
    "SevenAxes": ("examples", "", "def examples(cls, rng):"),
}


def load(name: str) -> Any:
    """A module of this folder, read as one file: test modules are not importable by name."""
    spec = importlib.util.spec_from_file_location(f"kit_{name}", Path(__file__).with_name(f"{name}.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


sabotaged, correct = load("sabotaged"), load("correct")


@pytest.mark.parametrize("name", EXPECTED)
def test_a_broken_block_fails_with_its_tensor_and_a_guess_at_the_cause(name: str) -> None:
    report = check_block(getattr(sabotaged, name))
    check, tensor, words = EXPECTED[name]
    first = report.failures[0]
    assert (first.check, first.tensor) == (check, tensor)
    assert words in str(first)


def test_every_broken_block_has_an_expected_message() -> None:
    classes = {name for name, c in vars(sabotaged).items() if getattr(c, "__module__", "") == "kit_sabotaged"}
    assert {name for name in classes if name[0].isupper()} == set(EXPECTED)


@pytest.mark.parametrize("cls", correct.BLOCKS, ids=lambda cls: cls.name)
@pytest.mark.parametrize("seed", [0, 11])
def test_a_correct_block_passes(cls: Any, seed: int) -> None:
    report = check_block(cls, seed)
    assert report.ok, str(report)
    assert report.worst_error < 1e-8


def test_a_failure_shows_block_case_numbers_ratio_and_how_to_repeat_it() -> None:
    shown = str(check_block(sabotaged.FactorLost, seed=3).failures[0])
    assert "FactorLost()" in shown
    assert "0: x (4, 3) float64, training" in shown
    assert "ratio 0.5" in shown
    assert "blockrun test factor_lost --seed 3 --case 0" in shown


def test_the_worst_entry_and_both_numbers_are_those_of_the_jacobian() -> None:
    """d cos(x)/dx = -sin(x), and the block returns sin(x): both numbers are at most 1, and each other's negative."""
    failure = check_block(sabotaged.SignFlipped).failures[0]
    assert failure.got is not None
    assert failure.expected == pytest.approx(-failure.got)
    assert 0.5 < abs(failure.got) <= 1
    assert failure.index is not None
    assert f"∂y{list(failure.index)}/∂x{list(failure.index)}" in failure.fact


def test_one_case_alone_repeats_the_failure_bit_for_bit() -> None:
    whole = check_block(sabotaged.TrainingOnly).failures[0]
    alone = check_block(sabotaged.TrainingOnly, case=whole.case).failures[0]
    assert (alone.got, alone.expected, alone.index) == (whole.got, whole.expected, whole.index)
    assert alone.also == ()
    assert check_block(sabotaged.TrainingOnly, case=0).ok


def test_a_case_that_does_not_exist_is_refused_with_how_many_there_are() -> None:
    with pytest.raises(IndexError, match="relu has cases 0 to 1; there is no case 2"):
        check_block(correct.Relu, case=2)


def test_a_report_is_plain_json() -> None:
    report = json.loads(json.dumps(check_block(sabotaged.Zeros).as_dict(), allow_nan=False))
    assert report["block"] == "zeros"
    assert report["failures"][0]["tensor"] == "dx"
    assert report["failures"][0]["got"] == 0
