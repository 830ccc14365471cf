"""Unquoted scalars mean what the core schema of YAML 1.2.2, section 10.3.2, says, less what readers disagree about."""

import math

import pytest

from blockrun.plugins.network.scalars import plain_scalar
from blockrun.plugins.network.scan import parse_document

INTEGERS = {"0": 0, "-0": 0, "7": 7, "-19": -19, "+12": 12, "0o14": 12, "0o7": 7, "0x3A": 58, "0xff": 255,
            "9223372036854775807": 2**63 - 1, "-9223372036854775808": -(2**63)}  # fmt: skip
FLOATS = {"1e-3": 1e-3, "1e3": 1000.0, "0.": 0.0, "-0.0": -0.0, ".5": 0.5, "+12e03": 12000.0, "-2E+05": -200000.0,
          "1.": 1.0, "3.0": 3.0, "6.02e23": 6.02e23, ".inf": math.inf, "-.Inf": -math.inf, "+.INF": math.inf,
          "12345678901234567890.0": 12345678901234567890.0}  # fmt: skip
OTHERS = {"": None, "~": None, "null": None, "Null": None, "NULL": None,
          "true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}  # fmt: skip
STRINGS = ["on", "off", "yes", "no", "y", "n", "On", "NO", "nUll", "tRUE", "1_000", "1:30", "12:30:45", "2001-12-14",
           "0b11", "0o8", "0xG", "-0x1", "1e", "e5", ".", "-", "--1", "+.5.", "1.2.3", "1,5", "inf", "nan", ".Nan",
           "=", "$width", "10%"]  # fmt: skip
REFUSED = ["010", "-007", "00", "9223372036854775808", "-9223372036854775809", "1" * 5000, "0x" + "f" * 17,
           "0x" + "0" * 5000, "1e400", "-1e999", "1" * 400 + ".0"]  # fmt: skip


@pytest.mark.parametrize(("text", "value"), [*INTEGERS.items(), *FLOATS.items(), *OTHERS.items()])
def test_numbers_truth_values_and_null(text, value):
    found = plain_scalar(text)
    assert type(found) is type(value)
    assert found == value


@pytest.mark.parametrize("text", [".nan", ".NaN", ".NAN"])
def test_not_a_number(text):
    assert math.isnan(plain_scalar(text))


@pytest.mark.parametrize("text", STRINGS)
def test_everything_else_is_text(text):
    assert plain_scalar(text) == text


@pytest.mark.parametrize("text", REFUSED)
def test_what_readers_disagree_about_or_does_not_fit_64_bits_is_refused(text):
    with pytest.raises(ValueError, match=r"64 bits|octal"):
        plain_scalar(text)


@pytest.mark.parametrize("text", ['"1"', "'true'", '"~"', '"1e-3"', "|\n  1"])
def test_quoted_scalars_are_text(text):
    assert isinstance(parse_document(f"a: {text}\n").data["a"], str)
