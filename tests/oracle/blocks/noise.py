"""How PyTorch computes the blocks of noise."""

from __future__ import annotations

from ..common import Counterparts, Tensor, Use


def dropout(use: Use, x: Tensor) -> Tensor:
    return x * (use.outputs["y"] != 0) / (1 - use.block.p) if use.training else x


BLOCKS: Counterparts = {
    "dropout": dropout,
}
