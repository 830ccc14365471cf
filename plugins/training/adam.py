"""Adam: steps scaled by running averages of the gradient and of its square."""

from __future__ import annotations

import math
from typing import Annotated, ClassVar

import numpy as np
from annotated_types import Ge, Gt, Lt

from blockrun.plugins.training.contracts import Array, Optimizer


class Adam(Optimizer):
    """d = dp + decay·p,   m ← β₁m + (1 − β₁)d,   v ← β₂v + (1 − β₂)d²,   m = v = 0 at first,

    p ← p − lr · m̂ / (√v̂ + eps),   m̂ = m / (1 − β₁ᵗ),   v̂ = v / (1 − β₂ᵗ),   t the step from 1. The decay is coupled:
    the gradient of decay/2·‖p‖², scaled like every gradient. (Kingma & Ba 2015, algorithm 1)
    """

    lr: ClassVar[float] = 1e-3
    beta1: Annotated[float, Ge(0), Lt(1)] = 0.9
    beta2: Annotated[float, Ge(0), Lt(1)] = 0.999
    eps: Annotated[float, Gt(0)] = 1e-8
    decay: Annotated[float, Ge(0)] = 0.0

    def init(self, p: Array) -> dict[str, Array]:
        return {"m": np.zeros_like(p), "v": np.zeros_like(p)}

    def update(
        self, p: Array, dp: Array, state: dict[str, Array], lr: float, step: int
    ) -> tuple[Array, dict[str, Array]]:
        d = dp + self.decay * p if self.decay else dp
        scratch = np.asarray(d * (1 - self.beta1))
        m = np.asarray(state["m"] * self.beta1)
        m += scratch
        np.multiply(d, d, out=scratch)
        scratch *= 1 - self.beta2
        v = np.asarray(state["v"] * self.beta2)
        v += scratch
        return self._descend(p, m, v, lr, step, scratch), {"m": m, "v": v}

    def _descend(self, p: Array, m: Array, v: Array, lr: float, step: int, scratch: Array) -> Array:
        """The new parameter, written into `scratch`: this runs at the speed of memory, so no array is made twice."""
        np.sqrt(v, out=scratch)
        scratch /= math.sqrt(1 - self.beta2**step)
        scratch += self.eps
        np.divide(m, scratch, out=scratch)
        scratch *= -lr / (1 - self.beta1**step)
        scratch += p
        return scratch
