"""How PyTorch computes the blocks of convolution."""

from __future__ import annotations

from ..common import Counterparts, F, Tensor, Use, channels_first, channels_last, pair
from .window import padded


def conv2d(use: Use, x: Tensor, W: Tensor, b: Tensor | None = None) -> Tensor:
    block = use.block
    strides, dilations = pair(block.stride), pair(block.dilation)
    spans = [(k - 1) * d + 1 for k, d in zip(pair(block.kernel), dilations, strict=True)]
    x = padded(use, channels_first(x), spans, strides)
    return channels_last(F.conv2d(x, channels_first(W), b, strides, 0, dilations, block.groups))


BLOCKS: Counterparts = {
    "conv2d": conv2d,
}
