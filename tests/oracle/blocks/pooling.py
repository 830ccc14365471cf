"""How PyTorch computes the blocks of pooling."""

from __future__ import annotations

import math

from ..common import Counterparts, F, Tensor, Use, channels_first, channels_last, pair
from .window import padded


def max_pool2d(use: Use, x: Tensor) -> Tensor:
    size, stride = pair(use.block.size), pair(use.block.stride or use.block.size)
    return channels_last(F.max_pool2d(padded(use, channels_first(x), size, stride, -math.inf), size, stride))


def average_pool2d(use: Use, x: Tensor) -> Tensor:
    """Sum over each window divided by how much of the image it sees."""
    size, stride = pair(use.block.size), pair(use.block.stride or use.block.size)
    x = channels_first(x)
    total, count = (F.avg_pool2d(padded(use, v, size, stride), size, stride, divisor_override=1) for v in (x, x**0))
    return channels_last(total / count)


BLOCKS: Counterparts = {
    "max_pool2d": max_pool2d,
    "average_pool2d": average_pool2d,
}
