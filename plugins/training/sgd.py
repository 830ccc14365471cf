"""Gradient descent, with and without momentum."""

from __future__ import annotations

from typing import Annotated, ClassVar

import numpy as np
from annotated_types import Ge, Lt

from blockrun.plugins.training.contracts import Array, Optimizer
from blockrun.plugins.training.decay import decayed


class Sgd(Optimizer):
    """d = dp + decay·p,   v ← momentum·v + d,   p ← p − lr·v,   v = 0 at first.

    With `nesterov`, p ← p − lr·(d + momentum·v). The decay passes through the momentum unless it is `decoupled`: then
    d = dp and p is first multiplied by 1 − lr·decay (Loshchilov & Hutter 2019, algorithm 1). (Sutskever, Martens, Dahl
    & Hinton 2013, in the form whose v does not depend on lr)
    """

    lr: ClassVar[float] = 0.1
    momentum: Annotated[float, Ge(0), Lt(1)] = 0.0
    nesterov: bool = False
    decay: Annotated[float, Ge(0)] = 0.0
    decoupled: bool = False

    def validate(self) -> None:
        if self.nesterov and self.momentum == 0:
            raise ValueError("`nesterov` is true and `momentum` is 0; it needs a momentum, such as 0.9")

    def init(self, p: Array) -> dict[str, Array]:
        return {"v": np.zeros_like(p)} if self.momentum else {}

    def update(
        self, p: Array, dp: Array, state: dict[str, Array], lr: float, step: int
    ) -> tuple[Array, dict[str, Array]]:
        p, d = decayed(p, dp, self.decay, self.decoupled, lr)
        if not self.momentum:
            return _descend(p, d, lr), {}
        v = np.asarray(state["v"] * self.momentum)
        v += d
        return _descend(p, d + self.momentum * v if self.nesterov else v, lr), {"v": v}


def _descend(p: Array, direction: Array, lr: float) -> Array:
    new = np.asarray(direction * -lr)
    new += p
    return new
