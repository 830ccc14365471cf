"""What the comparisons with PyTorch share.

A counterpart is a function of how the block is used and of its inputs as tensors that gives its outputs as tensors.
Inputs and outputs are laid out as ours; a counterpart that needs another layout turns them, and PyTorch turns the
gradients back.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed; pip install 'blockrun[oracle]' brings it")
F = torch.nn.functional

Tensor = Any
Counterparts = dict[str, Callable[..., Any]]


class Use(NamedTuple):
    """A block with its options, the mode, and what the block itself gave: the only way to know the noise it drew."""

    block: Any
    training: bool
    outputs: dict[str, Tensor]


def channels_first(x: Tensor) -> Tensor:
    return x.movedim(-1, 1)


def channels_last(x: Tensor) -> Tensor:
    return x.movedim(1, -1)


def pair(value: Any) -> Any:
    return value if isinstance(value, tuple) else (value, value)
