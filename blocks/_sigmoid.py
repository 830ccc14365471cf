"""The logistic function, which squashes, and which opens and closes gates."""

import numpy as np


def sigmoid(x):
    """1 / (1 + e⁻ˣ), to all its digits however small; where e⁻ˣ is too large for its dtype, 1 / ∞ = 0 is right."""
    with np.errstate(over="ignore"):
        return 1 / (1 + np.exp(-x))
