"""Descent by the sign of the gradient alone."""

import numpy as np

from blockrun.plugins.training.contracts import Optimizer


class Signsgd(Optimizer):
    """p ← p − lr·sign(dp).      (Bernstein, Wang, Azizzadenesheli and Anandkumar 2018)"""

    def update(self, p, dp, state, lr, step):
        return p - np.asarray(lr, p.dtype) * np.sign(dp), {}
