"""The swish activation."""

import numpy as np

from blockrun.core import Block


class Swish(Block):
    """y = x s with s = 1 / (1 + e⁻ˣ) = (1 + tanh(x/2)) / 2.      x (...) → y (...)

    ∂J/∂x = δ_y (s + y (1 − s)).      (Ramachandran, Zoph and Le 2017)
    """

    def forward(self, ctx, x):
        s = 0.5 * (1 + np.tanh(0.5 * x))
        y = x * s
        return y, (s, y)

    def backward(self, ctx, saved, dy):
        s, y = saved
        return dy * (s + y * (1 - s))
