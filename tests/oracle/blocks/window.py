"""The padding of windows, for convolution and pooling."""

from __future__ import annotations

import math
from typing import Any

from ..common import F, Tensor, Use, pair


def padded(use: Use, x: Tensor, spans: Any, strides: Any, border: float = 0.0) -> Tensor:
    """An image, channels first, with its padding: `F.conv2d` itself can pad only as much before as after."""
    pad = use.block.pad
    axes = (pad, pad) if isinstance(pad, str) else pair(pad)
    (top, bottom), (left, right) = (before_after(*each) for each in zip(axes, x.shape[2:], spans, strides, strict=True))
    return F.pad(x, (left, right, top, bottom), value=border)


def before_after(pad: Any, size: int, span: int, stride: int) -> tuple[int, int]:
    if pad == "valid":
        return 0, 0
    if pad == "same":
        total = max(0, (math.ceil(size / stride) - 1) * stride + span - size)
        return total // 2, math.ceil(total / 2)
    return pair(pad)
