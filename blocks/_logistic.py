"""The logistic function, which opens and closes gates, and its integral, for losses that take logits."""

import numpy as np


def sigmoid(x):
    """σ(x) = 1 / (1 + e⁻ˣ), to all its digits however small; where e⁻ˣ overflows, 1 / ∞ = 0 is right."""
    with np.errstate(over="ignore"):
        return 1 / (1 + np.exp(-x))


def logistic(x):
    """ln(1 + eˣ), ln(1 + e⁻ˣ), σ(x) and σ(−x) = 1 − σ(x), each to all its digits and without overflow."""
    small = np.exp(-np.abs(x))
    tail, large = np.log1p(small), 1 / (1 + small)
    small = small * large
    positive = x > 0
    sigmoids = np.where(positive, large, small), np.where(positive, small, large)
    return np.maximum(x, 0) + tail, np.maximum(-x, 0) + tail, *sigmoids
