"""Weight decay in its two forms, which the rules that take either share."""

from __future__ import annotations

from blockrun.plugins.training.contracts import Array


def decayed(p: Array, dp: Array, decay: float, decoupled: bool, lr: float) -> tuple[Array, Array]:
    """The parameter to step from and the gradient to step by.

    Coupled, the decay is the gradient of decay/2·‖p‖² and goes through all that the rule does to gradients; decoupled,
    it shrinks the parameter by lr·decay beside the rule (Loshchilov & Hutter 2019).
    """
    if not decay:
        return p, dp
    return (p * (1 - lr * decay), dp) if decoupled else (p, dp + decay * p)
