"""How PyTorch computes the blocks of arithmetic."""

from __future__ import annotations

import functools
import operator

from ..common import Counterparts, torch

BLOCKS: Counterparts = {
    "add": lambda use, *xs: functools.reduce(operator.add, xs),
    "subtract": lambda use, a, b: a - b,
    "multiply": lambda use, *xs: functools.reduce(operator.mul, xs),
    "divide": lambda use, a, b: a / b,
    "negate": lambda use, x: -x,
    "square": lambda use, x: torch.square(x),
    "power": lambda use, x: torch.pow(x, use.block.exponent),
    "reciprocal": lambda use, x: torch.reciprocal(x),
    "exp": lambda use, x: torch.exp(x),
    "log": lambda use, x: torch.log(x),
}
