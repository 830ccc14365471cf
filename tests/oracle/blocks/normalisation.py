"""How PyTorch computes the blocks of normalisation."""

from __future__ import annotations

from ..common import Counterparts, F, Tensor, Use, channels_first, channels_last


def batch_norm(use: Use, x: Tensor, gamma: Tensor, beta: Tensor, mean: Tensor, var: Tensor) -> tuple[Tensor, ...]:
    mean, var = mean.clone(), var.clone()
    options = {"training": use.training, "momentum": use.block.momentum, "eps": use.block.eps}
    y = F.batch_norm(channels_first(x), mean, var, gamma, beta, **options)  # moves `mean` and `var`
    return channels_last(y), mean, var


BLOCKS: Counterparts = {
    "batch_norm": batch_norm,
}
