"""Unquoted scalars by the YAML 1.2 core schema, where the parser underneath would apply YAML 1.1."""

from __future__ import annotations

import math
import re
from typing import Any

NULL = re.compile(r"null|Null|NULL|~|")
BOOL = re.compile(r"true|True|TRUE|false|False|FALSE")
INT = re.compile(r"[-+]?[0-9]++|0o[0-7]++|0x[0-9a-fA-F]++")  # `++` never goes back, so that time is linear
FLOAT = re.compile(r"[-+]?(\.[0-9]++|[0-9]++(\.[0-9]*+)?)([eE][-+]?[0-9]++)?")
SPECIAL = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
LONGEST_INT = 25  # characters: enough for 64 bits in any base


def plain_scalar(text: str) -> Any:
    """The value of an unquoted scalar: `1e-3` is a number, `on` and `no` are strings.

    Raises `ValueError` for a leading zero, which YAML versions read differently, and for numbers beyond 64 bits.
    """
    if NULL.fullmatch(text):
        return None
    if BOOL.fullmatch(text):
        return text.lower() == "true"
    if INT.fullmatch(text):
        return _integer(text)
    if FLOAT.fullmatch(text):
        return _finite(text)
    if SPECIAL.fullmatch(text):
        return float(text.replace(".", ""))
    return text


def _integer(text: str) -> int:
    digits = text.lstrip("+-")
    if len(text) <= LONGEST_INT and re.fullmatch(r"0[0-9]+", digits):
        decimal = digits.lstrip("0") or "0"
        raise ValueError(f"{text} is octal to some readers of YAML and decimal to others; write {decimal} or 0o...")
    value = 2**64 if len(text) > LONGEST_INT else int(text, 0)
    if not -(2**63) <= value < 2**63:
        raise ValueError("this integer does not fit in 64 bits")
    return value


def _finite(text: str) -> float:
    value = float(text)
    if math.isinf(value):
        raise ValueError("this number is too large for 64 bits; write .inf for infinity")
    return value
