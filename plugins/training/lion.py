"""Lion: steps of one size, whose direction is the sign of a running average of the gradient."""

from __future__ import annotations

from typing import Annotated, ClassVar

import numpy as np
from annotated_types import Ge, Lt

from blockrun.plugins.training.contracts import Array, Optimizer


class Lion(Optimizer):
    """c = β₁m + (1 − β₁)dp,   p ← p − lr·(sign c + decay·p),   m ← β₂m + (1 − β₂)dp,   m = 0 at first, sign 0 = 0.

    The decay is decoupled. Every entry moves by lr, so lr is three to ten times less than Adam's, and the decay as much
    greater. (Chen et al. 2023, algorithm 2)
    """

    lr: ClassVar[float] = 1e-4
    beta1: Annotated[float, Ge(0), Lt(1)] = 0.9
    beta2: Annotated[float, Ge(0), Lt(1)] = 0.99
    decay: Annotated[float, Ge(0)] = 0.0

    def init(self, p: Array) -> dict[str, Array]:
        return {"m": np.zeros_like(p)}

    def update(
        self, p: Array, dp: Array, state: dict[str, Array], lr: float, step: int
    ) -> tuple[Array, dict[str, Array]]:
        direction = np.sign(self.beta1 * state["m"] + (1 - self.beta1) * dp)
        m = np.asarray(self.beta2 * state["m"] + (1 - self.beta2) * dp)
        return np.asarray(p - lr * (direction + self.decay * p)), {"m": m}
