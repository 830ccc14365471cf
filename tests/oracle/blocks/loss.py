"""How PyTorch computes the blocks of loss."""

from __future__ import annotations

from ..common import Counterparts, F, Tensor, Use, channels_first, torch


def softmax_cross_entropy(use: Use, logits: Tensor, label: Tensor) -> Tensor:
    """The sum over all positions, divided by their number: PyTorch's own mean divides by the weights that it met."""
    block, count = use.block, logits[..., 0].numel()
    weight = None if block.weights is None else torch.tensor(block.weights, dtype=logits.dtype)
    target = channels_first(label) if label.is_floating_point() else label.long()
    options = {} if block.ignore is None else {"ignore_index": block.ignore}
    total = F.cross_entropy(
        channels_first(logits), target, weight, reduction="sum", label_smoothing=block.smoothing, **options
    )
    return total / count


def sigmoid_cross_entropy(use: Use, logits: Tensor, target: Tensor) -> Tensor:
    weight = torch.tensor(use.block.positive_weight, dtype=logits.dtype)
    return F.binary_cross_entropy_with_logits(logits, target.to(logits.dtype), pos_weight=weight)


def nll(use: Use, logp: Tensor, label: Tensor) -> Tensor:
    block = use.block
    weight = None if block.weights is None else torch.tensor(block.weights, dtype=logp.dtype)
    options = {} if block.ignore is None else {"ignore_index": block.ignore}
    return F.nll_loss(channels_first(logp), label, weight, reduction="sum", **options) / label.numel()


def kl_divergence(use: Use, logq: Tensor, p: Tensor) -> Tensor:
    total = F.kl_div(logq, p, reduction="sum", log_target=use.block.log_target)
    return total / logq[..., 0].numel()


def hinge(use: Use, logits: Tensor, label: Tensor) -> Tensor:
    """PyTorch has `logistic` and `multi_margin`; of the others the formula, read from the definition."""
    margin, label = use.block.margin, label.long()
    if use.block.kind == "logistic":
        return F.soft_margin_loss(logits, 2 * label.to(logits.dtype) - 1)
    if use.block.kind == "binary":
        return F.relu(margin - torch.where(label == 1, logits, -logits)).mean()
    rows, label = logits.flatten(0, -2), label.flatten()
    if use.block.kind == "multi_margin":
        return F.multi_margin_loss(rows, label, margin=margin)
    own = rows.gather(1, label[:, None])[:, 0]
    others = rows.masked_fill(F.one_hot(label, rows.shape[1]).bool(), -torch.inf)
    rival = others.amax(1) if use.block.kind == "mshinge" else 0
    return F.relu(margin - own + rival).mean()


def pairwise_distance(use: Use, left: Tensor, right: Tensor) -> Tensor:
    return torch.linalg.vector_norm(left - right, ord=use.block.order, dim=-1)


def contrastive(use: Use, distance: Tensor, label: Tensor) -> Tensor:
    """PyTorch has no such loss: the formula of Hadsell et al. in its operations."""
    apart = label.to(distance.dtype)
    short = F.relu(use.block.margin - distance)
    return ((1 - apart) * distance**2 / 2 + apart * short**2 / 2).mean()


def triplet(use: Use, anchor: Tensor, positive: Tensor, negative: Tensor) -> Tensor:
    def distance(a: Tensor, b: Tensor) -> Tensor:
        length = F.pairwise_distance(a.flatten(0, -2), b.flatten(0, -2), eps=0)
        return length**2 if use.block.squared else length

    return F.triplet_margin_with_distance_loss(
        anchor, positive, negative, distance_function=distance, margin=use.block.margin
    )


BLOCKS: Counterparts = {
    "sum_of_squares": lambda use, prediction, target: F.mse_loss(prediction, target, reduction="sum"),
    "mean_squared_error": lambda use, prediction, target: F.mse_loss(prediction, target),
    "mean_absolute_error": lambda use, prediction, target: F.l1_loss(prediction, target),
    "huber": lambda use, prediction, target: F.huber_loss(prediction, target, delta=use.block.delta),
    "softmax_cross_entropy": softmax_cross_entropy,
    "sigmoid_cross_entropy": sigmoid_cross_entropy,
    "nll": nll,
    "kl_divergence": kl_divergence,
    "hinge": hinge,
    "pairwise_distance": pairwise_distance,
    "contrastive": contrastive,
    "triplet": triplet,
}
