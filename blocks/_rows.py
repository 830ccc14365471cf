"""A linear map of whatever is laid out along the last axis, as one product: NumPy makes one for each leading index."""


def rows(x):
    """x (..., K) as a matrix."""
    return x.reshape(-1, x.shape[-1])


def affine(x, W, b=None):
    """x Wᵀ + b.      x (..., K), W (D, K), b (D,) → (..., D)"""
    y = rows(x) @ W.T
    if b is not None:
        y += b
    return y.reshape(*x.shape[:-1], len(W))
