"""The padding of windows along any number of axes, for convolution and pooling."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from ..common import F, Tensor, Use, pair

Sides = tuple[int, int]


def each(value: Any, axes: int) -> tuple[Any, ...]:
    return value if isinstance(value, tuple) else (value,) * axes


def padding(use: Use, x: Tensor, spans: Sequence[int], strides: Sequence[int]) -> list[Sides]:
    """(before, after) of each axis of an image, channels first."""
    pad = (use.block.pad,) if len(spans) == 1 else each(use.block.pad, len(spans))
    return [_before_after(*axis) for axis in zip(pad, x.shape[2:], spans, strides, strict=True)]


def padded(x: Tensor, pads: Sequence[Sides], border: float = 0.0) -> Tensor:
    """An image with its padding: `F.conv2d` itself can pad only as much before as after."""
    return F.pad(x, [side for sides in reversed(pads) for side in sides], value=border)


def _before_after(pad: Any, size: int, span: int, stride: int) -> Sides:
    if pad == "valid":
        return 0, 0
    if pad == "same":
        total = max(0, (math.ceil(size / stride) - 1) * stride + span - size)
        return total // 2, math.ceil(total / 2)
    before, after = pair(pad)
    return before, after
