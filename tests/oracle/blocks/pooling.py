"""How PyTorch computes the blocks of pooling."""

from __future__ import annotations

import math
from typing import Any

from ..common import Counterparts, F, Tensor, Use, channels_first, channels_last
from .window import each, padded, padding

MAXIMUM = {1: F.max_pool1d, 2: F.max_pool2d, 3: F.max_pool3d}
AVERAGE = {1: F.avg_pool1d, 2: F.avg_pool2d, 3: F.avg_pool3d}


def window(use: Use, x: Tensor) -> tuple[Any, Any, Any]:
    """Size, stride and padding of each axis of an image, channels first."""
    block, axes = use.block, x.ndim - 2
    size = each(block.size, axes)
    stride = size if block.stride is None else each(block.stride, axes)
    return size, stride, padding(use, x, size, stride)


def pads_itself(x: Tensor, size: Any, pads: Any) -> bool:
    """Whether PyTorch pads so: as much before as after, no more than half a window, and a window no larger than x."""
    axes = zip(x.shape[2:], size, pads, strict=True)
    return all(before == after <= k // 2 and k <= length for length, k, (before, after) in axes)


def room(size: Any) -> list[tuple[int, int]]:
    """Padding behind the padding, for a last window that hangs over."""
    return [(0, k) for k in size]


def as_many(y: Tensor, use: Use) -> Tensor:
    """As many places as ours: with room for a last window there may be more."""
    return y[(..., *map(slice, use.outputs["y"].shape[1:-1]))]


def max_pool(use: Use, x: Tensor) -> Tensor:
    x, pool = channels_first(x), MAXIMUM[x.ndim - 2]
    size, stride, pads = window(use, x)
    if pads_itself(x, size, pads):
        return channels_last(pool(x, size, stride, [before for before, _ in pads], ceil_mode=use.block.ceil))
    x = padded(padded(x, pads, -math.inf), room(size), -math.inf)
    return channels_last(as_many(pool(x, size, stride), use))


def average_pool(use: Use, x: Tensor) -> Tensor:
    """Where PyTorch does not pad so: the sum over each window divided by the sum of ones where x counts."""
    x, pool, block = channels_first(x), AVERAGE[x.ndim - 2], use.block
    size, stride, pads = window(use, x)
    if pads_itself(x, size, pads):
        y = pool(x, size, stride, [before for before, _ in pads], block.ceil, block.count_padding)
        return channels_last(y)
    counted = padded(x**0, pads, float(block.count_padding))
    parts = (pool(padded(v, room(size)), size, stride) for v in (padded(x, pads), counted))
    total, count = (as_many(part, use) for part in parts)
    return channels_last(total / count)


def lp_pool2d(use: Use, x: Tensor) -> Tensor:
    """PyTorch pads nothing here."""
    x = channels_first(x)
    size, stride, pads = window(use, x)
    x = padded(padded(x, pads), room(size)).abs()
    return channels_last(as_many(F.lp_pool2d(x, use.block.p, size, stride), use))


def rows(x: Tensor) -> Tensor:
    return x.reshape(len(x), -1, x.shape[-1])


BLOCKS: Counterparts = {
    "max_pool1d": max_pool,
    "max_pool2d": max_pool,
    "max_pool3d": max_pool,
    "average_pool1d": average_pool,
    "average_pool2d": average_pool,
    "average_pool3d": average_pool,
    "lp_pool2d": lp_pool2d,
    "global_average_pool": lambda use, x: rows(x).mean(1),
    "global_max_pool": lambda use, x: rows(x).max(1).values,
}
WITHOUT = {
    "roi_pool": "torchvision has it, PyTorch has not; tests/blocks/pooling/test_regions.py compares it with loops",
}
