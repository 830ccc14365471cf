"""The Adam family: steps scaled by running averages of the gradient and of its square."""

from __future__ import annotations

import math
from typing import Annotated, ClassVar

import numpy as np
from annotated_types import Ge, Gt, Lt

from blockrun.plugins.training.contracts import Array, Optimizer


class Adam(Optimizer):
    """d = dp + decay·p,   m ← β₁m + (1 − β₁)d,   v ← β₂v + (1 − β₂)d²,   m = v = 0 at first,

    p ← p − lr · m̂ / (√v̂ + eps),   m̂ = m / (1 − β₁ᵗ),   v̂ = v / (1 − β₂ᵗ),   t the step from 1. The decay is coupled:
    the gradient of decay/2·‖p‖², scaled like every gradient. (Kingma & Ba 2015, algorithm 1) With `amsgrad`, v̂ is
    made of the largest v so far, entry by entry. (Reddi, Kale & Kumar 2018, algorithm 2, with Adam's m̂ and v̂)
    """

    lr: ClassVar[float] = 1e-3
    beta1: Annotated[float, Ge(0), Lt(1)] = 0.9
    beta2: Annotated[float, Ge(0), Lt(1)] = 0.999
    eps: Annotated[float, Gt(0)] = 1e-8
    decay: Annotated[float, Ge(0)] = 0.0
    amsgrad: bool = False

    def init(self, p: Array) -> dict[str, Array]:
        return _first_state(self, p)

    def update(
        self, p: Array, dp: Array, state: dict[str, Array], lr: float, step: int
    ) -> tuple[Array, dict[str, Array]]:
        d = dp + self.decay * p if self.decay else dp
        state, scratch = _averaged(self, d, state)
        return _descend(self, p, state, lr, step, scratch), state


class Adamw(Optimizer):
    """p ← (1 − lr·decay)·p, then the step of Adam with d = dp.

    The decay is decoupled: it shrinks every entry alike, whatever the size of its gradients, and follows the learning
    rate. (Loshchilov & Hutter 2019, algorithm 2, with the schedule's factor taken into lr, as PyTorch does)
    """

    lr: ClassVar[float] = 1e-3
    beta1: Annotated[float, Ge(0), Lt(1)] = 0.9
    beta2: Annotated[float, Ge(0), Lt(1)] = 0.999
    eps: Annotated[float, Gt(0)] = 1e-8
    decay: Annotated[float, Ge(0)] = 0.01
    amsgrad: bool = False

    def init(self, p: Array) -> dict[str, Array]:
        return _first_state(self, p)

    def update(
        self, p: Array, dp: Array, state: dict[str, Array], lr: float, step: int
    ) -> tuple[Array, dict[str, Array]]:
        state, scratch = _averaged(self, dp, state)
        return _descend(self, p * (1 - lr * self.decay), state, lr, step, scratch), state


class Amsgrad(Optimizer):
    """Adam with v̂ made of the largest v so far: `adam` with `amsgrad: true` under its own name.

    (Reddi, Kale & Kumar 2018, algorithm 2, with Adam's m̂ and v̂)
    """

    lr: ClassVar[float] = 1e-3
    amsgrad: ClassVar[bool] = True
    beta1: Annotated[float, Ge(0), Lt(1)] = 0.9
    beta2: Annotated[float, Ge(0), Lt(1)] = 0.999
    eps: Annotated[float, Gt(0)] = 1e-8
    decay: Annotated[float, Ge(0)] = 0.0

    def init(self, p: Array) -> dict[str, Array]:
        return _first_state(self, p)

    def update(
        self, p: Array, dp: Array, state: dict[str, Array], lr: float, step: int
    ) -> tuple[Array, dict[str, Array]]:
        d = dp + self.decay * p if self.decay else dp
        state, scratch = _averaged(self, d, state)
        return _descend(self, p, state, lr, step, scratch), state


Rule = Adam | Adamw | Amsgrad


def _first_state(rule: Rule, p: Array) -> dict[str, Array]:
    names = ("m", "v", "v_max") if rule.amsgrad else ("m", "v")
    return {name: np.zeros_like(p) for name in names}


def _averaged(rule: Rule, d: Array, state: dict[str, Array]) -> tuple[dict[str, Array], Array]:
    """The new state, and an array of the parameter's shape and dtype to write on."""
    scratch = np.asarray(d * (1 - rule.beta1))
    m = np.asarray(state["m"] * rule.beta1)
    m += scratch
    np.multiply(d, d, out=scratch)
    scratch *= 1 - rule.beta2
    v = np.asarray(state["v"] * rule.beta2)
    v += scratch
    if not rule.amsgrad:
        return {"m": m, "v": v}, scratch
    return {"m": m, "v": v, "v_max": np.asarray(np.maximum(state["v_max"], v))}, scratch


def _descend(rule: Rule, p: Array, state: dict[str, Array], lr: float, step: int, scratch: Array) -> Array:
    """The new parameter, written into `scratch`: this runs at the speed of memory, so no array is made twice."""
    np.sqrt(state["v_max" if rule.amsgrad else "v"], out=scratch)
    scratch /= math.sqrt(1 - rule.beta2**step)
    scratch += rule.eps
    np.divide(state["m"], scratch, out=scratch)
    scratch *= -lr / (1 - rule.beta1**step)
    scratch += p
    return scratch
