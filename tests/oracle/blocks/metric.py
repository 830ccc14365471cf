"""How PyTorch computes the blocks of metric."""

from __future__ import annotations

from ..common import Counterparts, Tensor, Use, torch


def accuracy(use: Use, logits: Tensor, label: Tensor) -> tuple[Tensor, ...]:
    return (logits.argmax(-1) == label).sum(), torch.tensor(label.numel())


BLOCKS: Counterparts = {
    "accuracy": accuracy,
}
