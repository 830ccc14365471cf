"""How PyTorch computes the blocks of noise."""

from __future__ import annotations

from ..common import Counterparts, Tensor, Use


def dropout(use: Use, x: Tensor) -> Tensor:
    """By the mask that was drawn: no block keeps an input that is not 0 and makes it 0."""
    return x * (use.outputs["y"] != 0) / (1 - use.block.p) if use.training else x


BLOCKS: Counterparts = {
    "dropout": dropout,
    "spatial_dropout": dropout,
    "drop_path": dropout,
}

WITHOUT = {
    "gaussian_noise": "PyTorch has no such layer, and adding what was drawn would compare x + n with itself",
}
