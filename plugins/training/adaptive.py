"""Rules that scale each entry of the gradient by the size of those before it, without Adam's freeing from bias.

Their decay is coupled, the gradient of decay/2·‖p‖²; `decoupled`, d = dp and p is first multiplied by 1 − lr·decay.
"""

from __future__ import annotations

from typing import Annotated, ClassVar

import numpy as np
from annotated_types import Ge, Gt, Lt

from blockrun.plugins.training.contracts import Array, Optimizer
from blockrun.plugins.training.decay import decayed


class Adagrad(Optimizer):
    """d = dp + decay·p,   v ← v + d²,   p ← p − lr·d / (√v + eps),   v = `start` at first.

    (Duchi, Hazan & Singer 2011, fig. 1 with the diagonal matrix)
    """

    lr: ClassVar[float] = 0.01
    start: Annotated[float, Ge(0)] = 0.0
    eps: Annotated[float, Gt(0)] = 1e-10
    decay: Annotated[float, Ge(0)] = 0.0
    decoupled: bool = False

    def init(self, p: Array) -> dict[str, Array]:
        return {"v": np.full_like(p, self.start)}

    def update(
        self, p: Array, dp: Array, state: dict[str, Array], lr: float, step: int
    ) -> tuple[Array, dict[str, Array]]:
        p, d = decayed(p, dp, self.decay, self.decoupled, lr)
        v = np.asarray(state["v"] + d * d)
        return np.asarray(p - lr * d / (np.sqrt(v) + self.eps)), {"v": v}


class Adadelta(Optimizer):
    """d = dp + decay·p,   v ← ρv + (1 − ρ)d²,   Δ = √(u + eps) / √(v + eps) · d,   p ← p − lr·Δ,

    u ← ρu + (1 − ρ)Δ²,   u = v = 0 at first. Δ has the units of p, so that lr may stay 1. (Zeiler
    2012, algorithm 1, with the opposite sign of Δ)
    """

    lr: ClassVar[float] = 1.0
    rho: Annotated[float, Ge(0), Lt(1)] = 0.9
    eps: Annotated[float, Gt(0)] = 1e-6
    decay: Annotated[float, Ge(0)] = 0.0
    decoupled: bool = False

    def init(self, p: Array) -> dict[str, Array]:
        return {"u": np.zeros_like(p), "v": np.zeros_like(p)}

    def update(
        self, p: Array, dp: Array, state: dict[str, Array], lr: float, step: int
    ) -> tuple[Array, dict[str, Array]]:
        p, d = decayed(p, dp, self.decay, self.decoupled, lr)
        v = _average(self.rho, state["v"], d * d)
        change = np.sqrt(state["u"] + self.eps) / np.sqrt(v + self.eps) * d
        return np.asarray(p - lr * change), {"u": _average(self.rho, state["u"], change * change), "v": v}


class Rmsprop(Optimizer):
    """d = dp + decay·p,   v ← ρv + (1 − ρ)d²,   u = d / (√v + eps),   p ← p − lr·u,   v = 0 at first.

    With `centered`, v − m² stands for v in u, where m ← ρm + (1 − ρ)d (Graves 2013, with eps outside the root, as in
    PyTorch). With `momentum`, the step is b ← momentum·b + u in place of u. (Tieleman & Hinton 2012, lecture 6.5)
    """

    lr: ClassVar[float] = 0.01
    rho: Annotated[float, Ge(0), Lt(1)] = 0.99
    eps: Annotated[float, Gt(0)] = 1e-8
    momentum: Annotated[float, Ge(0), Lt(1)] = 0.0
    centered: bool = False
    decay: Annotated[float, Ge(0)] = 0.0
    decoupled: bool = False

    def init(self, p: Array) -> dict[str, Array]:
        used = {"v": True, "m": self.centered, "b": self.momentum > 0}
        return {name: np.zeros_like(p) for name, needed in used.items() if needed}

    def update(
        self, p: Array, dp: Array, state: dict[str, Array], lr: float, step: int
    ) -> tuple[Array, dict[str, Array]]:
        p, d = decayed(p, dp, self.decay, self.decoupled, lr)
        new = {"v": _average(self.rho, state["v"], d * d)}
        spread = new["v"]
        if self.centered:
            new["m"] = _average(self.rho, state["m"], d)
            spread = np.maximum(spread - new["m"] * new["m"], 0)  # rounding may take a variance of 0 below it
        u = d / (np.sqrt(spread) + self.eps)
        if self.momentum:
            u = new["b"] = np.asarray(self.momentum * state["b"] + u)
        return np.asarray(p - lr * u), new


def _average(rho: float, old: Array, new: Array) -> Array:
    return np.asarray(rho * old + (1 - rho) * new)
