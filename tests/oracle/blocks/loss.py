"""How PyTorch computes the blocks of loss."""

from __future__ import annotations

from ..common import Counterparts, F, channels_first

BLOCKS: Counterparts = {
    "sum_of_squares": lambda use, prediction, target: F.mse_loss(prediction, target, reduction="sum"),
    "softmax_cross_entropy": lambda use, logits, label: F.cross_entropy(channels_first(logits), label.long()),
}
