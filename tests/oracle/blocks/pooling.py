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


def pads_itself(size: Any, pads: Any) -> bool:
    """Whether PyTorch pads so: as much before as after, and no more than half a window."""
    return all(before == after <= k // 2 for k, (before, after) in zip(size, pads, strict=True))


def max_pool(use: Use, x: Tensor) -> Tensor:
    x, pool = channels_first(x), MAXIMUM[x.ndim - 2]
    size, stride, pads = window(use, x)
    if pads_itself(size, pads):
        return channels_last(pool(x, size, stride, [before for before, _ in pads], ceil_mode=use.block.ceil))
    assert not use.block.ceil
    return channels_last(pool(padded(x, pads, -math.inf), size, stride))


def average_pool(use: Use, x: Tensor) -> Tensor:
    """Where PyTorch does not pad so: the sum over each window divided by what it sees of the image."""
    x, pool, block = channels_first(x), AVERAGE[x.ndim - 2], use.block
    size, stride, pads = window(use, x)
    if pads_itself(size, pads):
        y = pool(x, size, stride, [before for before, _ in pads], block.ceil, block.count_padding)
        return channels_last(y)
    assert not block.ceil
    ones = x**0
    total, count = (pool(padded(v, pads), size, stride) for v in (x, ones))
    return channels_last(total if block.count_padding else total / count)


def lp_pool2d(use: Use, x: Tensor) -> Tensor:
    """PyTorch pads nothing here; for a last window that hangs over, zeros do the same."""
    x, p = channels_first(x), use.block.p
    size, stride, pads = window(use, x)
    over = max(size) + max(stride) if use.block.ceil else 0
    y = F.lp_pool2d(padded(x, [(before, after + over) for before, after in pads]).abs(), p, size, stride)
    height, width = use.outputs["y"].shape[1:3]
    return channels_last(y[:, :, :height, :width])


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
