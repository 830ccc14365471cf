"""How PyTorch computes the blocks of linear."""

from __future__ import annotations

from ..common import Counterparts, F, Tensor, Use, torch


def embedding(use: Use, index: Tensor, W: Tensor) -> Tensor:
    """PyTorch reads what is in the row of padding, which it only starts as 0; ours is 0 whatever is there."""
    padding = use.block.padding
    y = F.embedding(index.long(), W, padding)
    return y if padding is None else y * (index != padding)[..., None]


def positions(use: Use, x: Tensor, W: Tensor | None = None) -> Tensor:
    """Learned ones are an embedding of 0, 1, ...; sine and cosine are the parts of a point on the unit circle."""
    T, K = x.shape[1:]
    if W is not None:
        return x + F.embedding(torch.arange(T), W)
    rates = 10000.0 ** (-torch.arange(0, K, 2, dtype=torch.float64) / K)
    angles = torch.outer(torch.arange(T, dtype=torch.float64), rates)
    circle = torch.view_as_real(torch.polar(torch.ones_like(angles), angles))
    return x + circle.flip(-1).flatten(1)[:, :K].to(x.dtype)


BLOCKS: Counterparts = {
    "linear": lambda use, a, W, b=None: F.linear(a, W, b),
    "matmul": lambda use, A, B: torch.matmul(A, B.mT if use.block.transpose else B),
    "bilinear": lambda use, a, c, W, b=None: F.bilinear(a, c, W, b),
    "embedding": embedding,
    "positions": positions,
    "one_hot": lambda use, index: F.one_hot(index.long(), use.block.classes).to(use.outputs["y"].dtype),
}
