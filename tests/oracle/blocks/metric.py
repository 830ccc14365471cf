"""How the blocks of metric are counted with PyTorch's operations, which has no metrics of its own."""

from __future__ import annotations

from ..common import Counterparts, F, Tensor, Use, channels_first, torch


def accuracy(use: Use, logits: Tensor, label: Tensor) -> tuple[Tensor, ...]:
    logits, label = counted(use, logits, label)
    return (logits.argmax(-1) == label).sum(), torch.tensor(label.numel())


def top_k_accuracy(use: Use, logits: Tensor, label: Tensor) -> tuple[Tensor, ...]:
    logits, label = counted(use, logits, label)
    return (logits.topk(use.block.k).indices == label[:, None]).sum(), torch.tensor(label.numel())


def hits(use: Use, logits: Tensor, label: Tensor) -> tuple[Tensor, ...]:
    """Predictions and labels one-hot: the sums of their product and of each."""
    if logits.ndim == label.ndim:  # one logit says how far the second class is above the first
        logits = torch.stack([torch.full_like(logits, use.block.threshold), logits], -1)
    logits, label = counted(use, logits, label)
    classes = logits.shape[1]
    guess, truth = F.one_hot(logits.argmax(1), classes), F.one_hot(label, classes)
    sums = [(guess * truth).sum(0), guess.sum(0), truth.sum(0)]
    return tuple(x[1] if use.block.average == "binary" else x for x in sums)


def confusion_matrix(use: Use, logits: Tensor, label: Tensor) -> Tensor:
    logits, label = counted(use, logits, label)
    classes = logits.shape[1]
    return F.one_hot(label, classes).T @ F.one_hot(logits.argmax(1), classes)


def surprise(use: Use, logits: Tensor, label: Tensor) -> tuple[Tensor, ...]:
    options = {} if use.block.ignore is None else {"ignore_index": use.block.ignore}
    total = F.cross_entropy(channels_first(logits), label, reduction="sum", **options)
    return total, (label != use.block.ignore).sum() if options else torch.tensor(label.numel())


def r2(use: Use, prediction: Tensor, target: Tensor) -> tuple[Tensor, ...]:
    prediction, target = (x.double().reshape(-1, x.shape[-1] if x.ndim > 1 else 1) for x in (prediction, target))
    return ((prediction - target) ** 2).sum(0), (target**2).sum(0), target.sum(0), torch.tensor(len(target))


def counted(use: Use, logits: Tensor, label: Tensor) -> tuple[Tensor, Tensor]:
    """Rows of logits and their labels, without those that are ignored."""
    rows, label = logits.flatten(0, -2), label.flatten().long()
    kept = torch.ones_like(label, dtype=torch.bool) if use.block.ignore is None else label != use.block.ignore
    return rows[kept], label[kept]


BLOCKS: Counterparts = {
    "accuracy": accuracy,
    "top_k_accuracy": top_k_accuracy,
    "precision": hits,
    "recall": hits,
    "f1": hits,
    "confusion_matrix": confusion_matrix,
    "squared_error": lambda use, x, t: (F.mse_loss(x, t, reduction="sum"), torch.tensor(t.numel())),
    "absolute_error": lambda use, x, t: (F.l1_loss(x, t, reduction="sum"), torch.tensor(t.numel())),
    "r2": r2,
    "perplexity": surprise,
    "bits_per_character": surprise,
}
