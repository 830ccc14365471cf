"""How PyTorch computes the blocks of linear."""

from __future__ import annotations

from ..common import Counterparts, F, torch

BLOCKS: Counterparts = {
    "linear": lambda use, a, W, b=None: F.linear(a, W, b),
    "matmul": lambda use, A, B: torch.matmul(A, B.mT if use.block.transpose else B),
}
