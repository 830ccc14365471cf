"""How PyTorch computes what our optimizers and schedules compute."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

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

from .common import torch

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

# (options of our plateau, those of PyTorch's, which drops when there are more than `patience` without a gain)
PLATEAUS: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({"patience": 3}, {"patience": 2, "threshold": 0.0}),
    ({"patience": 1, "factor": 0.5, "min_delta": 0.3}, {"patience": 0, "factor": 0.5, "threshold": 0.3}),
    ({"patience": 2, "cooldown": 3, "mode": "max"}, {"patience": 1, "cooldown": 3, "mode": "max", "threshold": 0.0}),
    ({"patience": 2, "end": 0.05}, {"patience": 1, "min_lr": 0.05, "threshold": 0.0}),
]

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
