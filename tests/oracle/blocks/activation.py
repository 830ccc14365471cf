"""How PyTorch computes the blocks of activation."""

from __future__ import annotations

from ..common import Counterparts, torch

BLOCKS: Counterparts = {
    "sigmoid": lambda use, x: torch.sigmoid(x),
    "tanh": lambda use, x: torch.tanh(x),
    "relu": lambda use, x: torch.relu(x),
    "softmax": lambda use, x: torch.softmax(x, use.block.axis),
}
