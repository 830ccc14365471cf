"""The second implementation: for each block, optimizer and schedule, how PyTorch computes the same.

A counterpart is a function of how the block is used and of its inputs as tensors that gives its outputs as tensors.
Inputs and outputs are laid out as ours; a counterpart that needs another layout turns them, and PyTorch turns the
gradients back.
"""

from __future__ import annotations

import functools
import math
import operator
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest

from blockrun.plugins.training.adam import Adam, Adamw, Amsgrad
from blockrun.plugins.training.adaptive import Adadelta, Adagrad, Rmsprop
from blockrun.plugins.training.contracts import Optimizer, Schedule
from blockrun.plugins.training.schedules import (
    Cosine,
    CosineRestarts,
    Exponential,
    MultiStep,
    OneCycle,
    Polynomial,
    Step,
)
from blockrun.plugins.training.sgd import Sgd

torch = pytest.importorskip("torch", reason="PyTorch is not installed; pip install 'blockrun[oracle]' brings it")
F = torch.nn.functional

Tensor = Any


class Use(NamedTuple):
    """A block with its options, the mode, and what the block itself gave: the only way to know the noise it drew."""

    block: Any
    training: bool
    outputs: dict[str, Tensor]


def channels_first(x: Tensor) -> Tensor:
    return x.movedim(-1, 1)


def channels_last(x: Tensor) -> Tensor:
    return x.movedim(1, -1)


def pair(value: Any) -> Any:
    return value if isinstance(value, tuple) else (value, value)


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


def conv2d(use: Use, x: Tensor, W: Tensor, b: Tensor | None = None) -> Tensor:
    block = use.block
    strides, dilations = pair(block.stride), pair(block.dilation)
    spans = [(k - 1) * d + 1 for k, d in zip(pair(block.kernel), dilations, strict=True)]
    x = padded(use, channels_first(x), spans, strides)
    return channels_last(F.conv2d(x, channels_first(W), b, strides, 0, dilations, block.groups))


def max_pool2d(use: Use, x: Tensor) -> Tensor:
    size, stride = pair(use.block.size), pair(use.block.stride or use.block.size)
    return channels_last(F.max_pool2d(padded(use, channels_first(x), size, stride, -math.inf), size, stride))


def average_pool2d(use: Use, x: Tensor) -> Tensor:
    """Sum over each window divided by how much of the image it sees."""
    size, stride = pair(use.block.size), pair(use.block.stride or use.block.size)
    x = channels_first(x)
    total, count = (F.avg_pool2d(padded(use, v, size, stride), size, stride, divisor_override=1) for v in (x, x**0))
    return channels_last(total / count)


def batch_norm(use: Use, x: Tensor, gamma: Tensor, beta: Tensor, mean: Tensor, var: Tensor) -> tuple[Tensor, ...]:
    mean, var = mean.clone(), var.clone()
    options = {"training": use.training, "momentum": use.block.momentum, "eps": use.block.eps}
    y = F.batch_norm(channels_first(x), mean, var, gamma, beta, **options)  # moves `mean` and `var`
    return channels_last(y), mean, var


def dropout(use: Use, x: Tensor) -> Tensor:
    return x * (use.outputs["y"] != 0) / (1 - use.block.p) if use.training else x


def accuracy(use: Use, logits: Tensor, label: Tensor) -> tuple[Tensor, ...]:
    return (logits.argmax(-1) == label).sum(), torch.tensor(label.numel())


BLOCKS: dict[str, Callable[..., Any]] = {
    "add": lambda use, *xs: functools.reduce(operator.add, xs),
    "subtract": lambda use, a, b: a - b,
    "multiply": lambda use, *xs: functools.reduce(operator.mul, xs),
    "divide": lambda use, a, b: a / b,
    "negate": lambda use, x: -x,
    "square": lambda use, x: torch.square(x),
    "power": lambda use, x: torch.pow(x, use.block.exponent),
    "reciprocal": lambda use, x: torch.reciprocal(x),
    "exp": lambda use, x: torch.exp(x),
    "log": lambda use, x: torch.log(x),
    "sigmoid": lambda use, x: torch.sigmoid(x),
    "tanh": lambda use, x: torch.tanh(x),
    "relu": lambda use, x: torch.relu(x),
    "softmax": lambda use, x: torch.softmax(x, use.block.axis),
    "linear": lambda use, a, W, b=None: F.linear(a, W, b),
    "matmul": lambda use, A, B: torch.matmul(A, B.mT if use.block.transpose else B),
    "conv2d": conv2d,
    "max_pool2d": max_pool2d,
    "average_pool2d": average_pool2d,
    "flatten": lambda use, x: torch.flatten(x, 1) if x.ndim > 1 else x[:, None],
    "reshape": lambda use, x: torch.reshape(x, (len(x), *use.block.shape)),
    "concat": lambda use, *xs: torch.cat(xs, use.block.axis),
    "dropout": dropout,
    "batch_norm": batch_norm,
    "sum_of_squares": lambda use, prediction, target: F.mse_loss(prediction, target, reduction="sum"),
    "softmax_cross_entropy": lambda use, logits, label: F.cross_entropy(channels_first(logits), label.long()),
    "accuracy": accuracy,
}

BLOCKS_WITHOUT: dict[str, str] = {}  # block: why PyTorch has nothing to compare it with

OPTIMIZERS: list[tuple[Optimizer, Callable[..., Any], dict[str, Any]]] = [
    (Sgd(), torch.optim.SGD, {}),
    (Sgd(decay=0.1), torch.optim.SGD, {"weight_decay": 0.1}),
    (Sgd(momentum=0.9), torch.optim.SGD, {"momentum": 0.9}),
    (Sgd(momentum=0.8, decay=0.1), torch.optim.SGD, {"momentum": 0.8, "weight_decay": 0.1}),
    (Sgd(momentum=0.9, nesterov=True), torch.optim.SGD, {"momentum": 0.9, "nesterov": True}),
    (
        Sgd(momentum=0.9, nesterov=True, decay=0.1),
        torch.optim.SGD,
        {"momentum": 0.9, "nesterov": True, "weight_decay": 0.1},
    ),
    (Adam(), torch.optim.Adam, {}),
    (Adam(beta1=0.7, beta2=0.9, eps=1e-3), torch.optim.Adam, {"betas": (0.7, 0.9), "eps": 1e-3}),
    (Adam(decay=0.1), torch.optim.Adam, {"weight_decay": 0.1}),
    (Adam(amsgrad=True, beta2=0.8), torch.optim.Adam, {"amsgrad": True, "betas": (0.9, 0.8)}),
    (Amsgrad(decay=0.1), torch.optim.Adam, {"amsgrad": True, "weight_decay": 0.1}),
    (Adamw(), torch.optim.AdamW, {}),
    (Adamw(decay=0.3, beta1=0.7), torch.optim.AdamW, {"weight_decay": 0.3, "betas": (0.7, 0.999)}),
    (Adamw(amsgrad=True, beta2=0.8), torch.optim.AdamW, {"amsgrad": True, "betas": (0.9, 0.8)}),
    (Adagrad(), torch.optim.Adagrad, {}),
    (
        Adagrad(start=0.5, eps=1e-3, decay=0.1),
        torch.optim.Adagrad,
        {"initial_accumulator_value": 0.5, "eps": 1e-3, "weight_decay": 0.1},
    ),
    (Adadelta(), torch.optim.Adadelta, {}),
    (Adadelta(rho=0.7, eps=1e-3, decay=0.1), torch.optim.Adadelta, {"rho": 0.7, "eps": 1e-3, "weight_decay": 0.1}),
    (Rmsprop(), torch.optim.RMSprop, {}),
    (Rmsprop(rho=0.8, eps=1e-3, decay=0.1), torch.optim.RMSprop, {"alpha": 0.8, "eps": 1e-3, "weight_decay": 0.1}),
    (Rmsprop(centered=True), torch.optim.RMSprop, {"centered": True}),
    (
        Rmsprop(momentum=0.9, centered=True, decay=0.1),
        torch.optim.RMSprop,
        {"momentum": 0.9, "centered": True, "weight_decay": 0.1},
    ),
]

# optimizer: why PyTorch has nothing to compare it with
OPTIMIZERS_WITHOUT: dict[str, str] = {"lion": "torch.optim has no Lion; the tests take its steps by hand"}

STEPS = 20
RATES = torch.optim.lr_scheduler
SCHEDULES: list[tuple[Schedule, Callable[..., Any], dict[str, Any]]] = [
    (Step(peak=0.3, every=6, factor=0.5), RATES.StepLR, {"step_size": 6, "gamma": 0.5}),
    (MultiStep(peak=0.3, milestones=(4, 15)), RATES.MultiStepLR, {"milestones": [4, 15]}),
    (Exponential(peak=0.3, factor=0.9), RATES.ExponentialLR, {"gamma": 0.9}),
    (Polynomial(peak=0.3, power=0.9), RATES.PolynomialLR, {"total_iters": STEPS - 1, "power": 0.9}),
    (Cosine(peak=0.3, end=0.1), RATES.CosineAnnealingLR, {"T_max": STEPS - 1, "eta_min": 0.1}),
    (
        CosineRestarts(peak=0.3, period=3, stretch=2, end=0.1),
        RATES.CosineAnnealingWarmRestarts,
        {"T_0": 3, "T_mult": 2, "eta_min": 0.1},
    ),
    (OneCycle(peak=0.3), RATES.OneCycleLR, {"max_lr": 0.3, "total_steps": STEPS}),
    (
        OneCycle(peak=0.3, rise=0.42, div_factor=5, final_div_factor=2),
        RATES.OneCycleLR,
        {"max_lr": 0.3, "total_steps": STEPS, "pct_start": 0.42, "div_factor": 5, "final_div_factor": 2},
    ),
]
