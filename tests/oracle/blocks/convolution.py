"""How PyTorch computes the blocks of convolution."""

from __future__ import annotations

from ..common import Counterparts, F, Tensor, Use, channels_first, channels_last
from .window import each, padded, padding

CONVOLUTIONS = {1: F.conv1d, 2: F.conv2d, 3: F.conv3d}


def convolution(use: Use, x: Tensor, W: Tensor, b: Tensor | None = None) -> Tensor:
    block, axes = use.block, x.ndim - 2
    strides, dilations = each(block.stride, axes), each(block.dilation, axes)
    spans = [(k - 1) * d + 1 for k, d in zip(each(block.kernel, axes), dilations, strict=True)]
    x = channels_first(x)
    x = padded(x, padding(use, x, spans, strides))
    return channels_last(CONVOLUTIONS[axes](x, channels_first(W), b, strides, 0, dilations, block.groups))


BLOCKS: Counterparts = {
    "conv1d": convolution,
    "conv2d": convolution,
    "conv3d": convolution,
}
