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
    "maximum": lambda use, *xs: functools.reduce(torch.maximum, xs),
    "minimum": lambda use, *xs: functools.reduce(torch.minimum, xs),
    "scale_shift": lambda use, x, gamma, beta=None: x * gamma if beta is None else torch.addcmul(beta, x, gamma),
    "negate": lambda use, x: -x,
    "abs": lambda use, x: torch.abs(x),
    "square": lambda use, x: torch.square(x),
    "sqrt": lambda use, x: torch.sqrt(x),
    "power": lambda use, x: torch.pow(x, use.block.exponent),
    "reciprocal": lambda use, x: torch.reciprocal(x),
    "exp": lambda use, x: torch.exp(x),
    "log": lambda use, x: torch.log(x),
    "sin": lambda use, x: torch.sin(x),
    "cos": lambda use, x: torch.cos(x),
    "clip": lambda use, x: torch.clamp(x, use.block.low, use.block.high),
    "dot": lambda use, a, b: torch.linalg.vecdot(a, b),
    "einsum": lambda use, *xs: torch.einsum(use.block.equation, *xs),
}
