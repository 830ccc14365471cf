"""How PyTorch computes the blocks of normalisation."""

from __future__ import annotations

from ..common import Counterparts, F, Tensor, Use, channels_first, channels_last, pair, torch


def batch_norm(use: Use, x: Tensor, gamma: Tensor, beta: Tensor, mean: Tensor, var: Tensor) -> tuple[Tensor, ...]:
    mean, var = mean.clone(), var.clone()
    options = {"training": use.training, "momentum": use.block.momentum, "eps": use.block.eps}
    y = F.batch_norm(channels_first(x), mean, var, gamma, beta, **options)  # moves `mean` and `var`
    return channels_last(y), mean, var


def layer_norm(use: Use, x: Tensor, gamma: Tensor | None = None, beta: Tensor | None = None) -> Tensor:
    return F.layer_norm(x, x.shape[-1:], gamma, beta, use.block.eps)


def group_norm(use: Use, x: Tensor, gamma: Tensor | None = None, beta: Tensor | None = None) -> Tensor:
    """PyTorch's fails in its backward if it has a bias and no weight, so it always gets one."""
    gamma = torch.ones(x.shape[-1], dtype=x.dtype) if gamma is None else gamma
    return channels_last(F.group_norm(channels_first(x), use.block.groups, gamma, beta, use.block.eps))


def instance_norm(use: Use, x: Tensor, gamma: Tensor | None = None, beta: Tensor | None = None) -> Tensor:
    return channels_last(F.instance_norm(channels_first(x), weight=gamma, bias=beta, eps=use.block.eps))


def local_response_norm(use: Use, x: Tensor) -> Tensor:
    """`F.local_response_norm` takes the mean over the window where we take the sum, and wants an axis of positions."""
    block = use.block
    images = channels_first(x)[..., None]
    y = F.local_response_norm(images, block.size, block.alpha * block.size, block.beta, block.k)
    return channels_last(y[..., 0])


def spatial_norm(use: Use, x: Tensor) -> Tensor:
    block = use.block
    pads = [((size - 1) // 2, size // 2) for size in reversed(pair(block.size))]
    x = channels_first(x)
    squares, seen = (F.pad(v, (*pads[0], *pads[1])) for v in (x**2, torch.ones_like(x)))
    total, count = (F.avg_pool2d(v, pair(block.size), 1, divisor_override=1) for v in (squares, seen))
    return channels_last(x / (1 + block.alpha * total / count) ** block.beta)


BLOCKS: Counterparts = {
    "batch_norm": batch_norm,
    "layer_norm": layer_norm,
    "group_norm": group_norm,
    "instance_norm": instance_norm,
    "rms_norm": lambda use, x, gamma=None: F.rms_norm(x, x.shape[-1:], gamma, use.block.eps),
    "local_response_norm": local_response_norm,
    "lp_normalize": lambda use, x: F.normalize(x, use.block.p, use.block.axis, use.block.eps),
    "spatial_norm": spatial_norm,
}
