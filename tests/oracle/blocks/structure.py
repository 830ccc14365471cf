"""How PyTorch computes the blocks of structure."""

from __future__ import annotations

from ..common import Counterparts, torch

BLOCKS: Counterparts = {
    "flatten": lambda use, x: torch.flatten(x, 1) if x.ndim > 1 else x[:, None],
    "reshape": lambda use, x: torch.reshape(x, (len(x), *use.block.shape)),
    "concat": lambda use, *xs: torch.cat(xs, use.block.axis),
}
