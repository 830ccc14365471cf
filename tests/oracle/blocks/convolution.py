"""How PyTorch computes the blocks of convolution."""

from __future__ import annotations

import warnings

from ..common import Counterparts, F, Tensor, Use, channels_first, channels_last, pair, torch
from .window import each, padded, padding

CONVOLUTIONS = {1: F.conv1d, 2: F.conv2d, 3: F.conv3d}


def convolution(use: Use, x: Tensor, W: Tensor, b: Tensor | None = None) -> Tensor:
    block, axes = use.block, x.ndim - 2
    strides, dilations = each(block.stride, axes), each(block.dilation, axes)
    spans = [(k - 1) * d + 1 for k, d in zip(each(block.kernel, axes), dilations, strict=True)]
    x = channels_first(x)
    x = padded(x, padding(use, x, spans, strides))
    return channels_last(CONVOLUTIONS[axes](x, channels_first(W), b, strides, 0, dilations, block.groups))


def conv_transpose2d(use: Use, x: Tensor, W: Tensor, b: Tensor | None = None) -> Tensor:
    """Without padding, which is then cut off; `same` may also need rows and columns that no window writes."""
    block = use.block
    strides, dilations = each(block.stride, 2), each(block.dilation, 2)
    parts = W.chunk(block.groups)
    W = torch.cat([part.permute(3, 0, 1, 2) for part in parts])
    x = channels_first(x)
    y = F.conv_transpose2d(x, W, None, strides, 0, 0, block.groups, dilations)
    cut = []
    for axis in (2, 3):
        if block.pad == "same":
            wanted = x.shape[axis] * strides[axis - 2]
            before = max(0, y.shape[axis] - wanted) // 2
        else:
            before, after = pair(0 if block.pad == "valid" else pair(block.pad)[axis - 2])
            wanted = y.shape[axis] - before - after
        cut.append((-before, wanted + before - y.shape[axis]))
    y = padded(y, cut)
    return channels_last(y) if b is None else channels_last(y) + b


def pad(use: Use, x: Tensor) -> Tensor:
    block = use.block
    amounts = [pair(amount) for amount in each(block.pad, x.ndim - 2)]
    sides = [side for amount in reversed(amounts) for side in amount]
    kind = {"constant": "constant", "edge": "replicate", "reflect": "reflect"}[block.kind]
    value = block.value if block.kind == "constant" else None
    return channels_last(F.pad(channels_first(x), sides, kind, value))


def crop(use: Use, x: Tensor, like: Tensor | None = None) -> Tensor:
    if like is None:
        amounts = [pair(amount) for amount in each(use.block.border, x.ndim - 2)]
    else:
        over = [a - b for a, b in zip(x.shape[1:-1], like.shape[1:-1], strict=True)]
        starts = [n // 2 for n in over] if use.block.offset is None else each(use.block.offset, len(over))
        amounts = [(start, n - start) for start, n in zip(starts, over, strict=True)]
    return channels_last(padded(channels_first(x), [(-before, -after) for before, after in amounts]))


def upsample(use: Use, x: Tensor) -> Tensor:
    options = {"align_corners": False} if use.block.kind == "bilinear" else {}
    factors = [float(f) for f in pair(use.block.factor)]
    return channels_last(F.interpolate(channels_first(x), scale_factor=factors, mode=use.block.kind, **options))


def pixel_shuffle(use: Use, x: Tensor) -> Tensor:
    """PyTorch knows squares only, and counts the channels of a pixel first: rows and columns by `reshape` elsewhere."""
    f, g = pair(use.block.factor)
    if f == g:
        N, H, W, _ = x.shape
        return channels_last(F.pixel_shuffle(channels_first(x.reshape(N, H, W, f * g, -1).mT.flatten(3)), f))
    rows = torch.stack(x.chunk(f, -1), 2).flatten(1, 2)
    return torch.stack(rows.chunk(g, -1), 3).flatten(2, 3)


def unfold(use: Use, x: Tensor) -> Tensor:
    """PyTorch counts the channels of a patch first, and keeps its places in a row."""
    block = use.block
    kernel, strides, dilations = each(block.kernel, 2), each(block.stride, 2), each(block.dilation, 2)
    spans = [(k - 1) * d + 1 for k, d in zip(kernel, dilations, strict=True)]
    read = padded(channels_first(x), padding(use, channels_first(x), spans, strides))
    patches = F.unfold(read, kernel, dilations, 0, strides).unflatten(1, (x.shape[-1], -1))
    height, width = use.outputs["y"].shape[1:3]
    return patches.transpose(1, 2).flatten(1, 2).mT.unflatten(1, (height, width))


def affine_grid(use: Use, theta: Tensor) -> Tensor:
    """PyTorch counts x before y, and warns of a grid of one row or column, which it does as we do."""
    swapped = theta.flip(1)[..., [1, 0, 2]]
    with warnings.catch_warnings(action="ignore"):
        return F.affine_grid(swapped, [len(theta), 1, *pair(use.block.size)], align_corners=True).flip(-1)


def bilinear_sampler(use: Use, x: Tensor, grid: Tensor) -> Tensor:
    return channels_last(F.grid_sample(channels_first(x), grid.flip(-1), align_corners=True))


BLOCKS: Counterparts = {
    "conv1d": convolution,
    "conv2d": convolution,
    "conv3d": convolution,
    "conv_transpose2d": conv_transpose2d,
    "pad": pad,
    "crop": crop,
    "upsample": upsample,
    "pixel_shuffle": pixel_shuffle,
    "unfold": unfold,
    "affine_grid": affine_grid,
    "bilinear_sampler": bilinear_sampler,
}
