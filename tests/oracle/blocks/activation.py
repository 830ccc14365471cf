"""How PyTorch computes the blocks of activation."""

from __future__ import annotations

from ..common import Counterparts, F, Tensor, Use, channels_first, channels_last, torch


def prelu(use: Use, x: Tensor, slope: Tensor) -> Tensor:
    return channels_last(F.prelu(channels_first(x), slope)) if x.ndim > 1 else F.prelu(x, slope)


def swiglu(use: Use, x: Tensor) -> Tensor:
    a, b = x.chunk(2, -1)
    return a * F.silu(b)


def maxout(use: Use, x: Tensor) -> Tensor:
    return x.unflatten(-1, (-1, use.block.pieces)).max(-1).values


BLOCKS: Counterparts = {
    "relu": lambda use, x: torch.relu(x),
    "leaky_relu": lambda use, x: F.leaky_relu(x, use.block.slope),
    "prelu": prelu,
    "elu": lambda use, x: F.elu(x, use.block.alpha),
    "selu": lambda use, x: F.selu(x),
    "sigmoid": lambda use, x: torch.sigmoid(x),
    "hard_sigmoid": lambda use, x: F.relu6(x + 3) / 6,  # F.hardsigmoid itself has the slope 1/6 in float32 only
    "tanh": lambda use, x: torch.tanh(x),
    "softplus": lambda use, x: F.softplus(x, use.block.beta),
    "log_sigmoid": lambda use, x: F.logsigmoid(x),
    "silu": lambda use, x: F.silu(x),
    "hard_swish": lambda use, x: F.hardswish(x),
    "gelu": lambda use, x: F.gelu(x, approximate=use.block.approximate),
    "glu": lambda use, x: F.glu(x, -1),
    "swiglu": swiglu,
    "softmax": lambda use, x: torch.softmax(x, use.block.axis),
    "log_softmax": lambda use, x: torch.log_softmax(x, use.block.axis),
    "maxout": maxout,
}
