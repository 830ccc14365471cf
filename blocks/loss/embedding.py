"""Losses of distances: examples that belong together are drawn close, others are pushed apart."""

from typing import Annotated

import numpy as np
from annotated_types import Ge, Gt

from blockrun.core import Block

from .._labels import check_labels
from .._mean import positions


class PairwiseDistance(Block):
    """y = ‖left − right‖ over the last axis, with the norm of `order` p: (Σ |d|ᵖ)^(1/p), or the largest |d| for inf.

    left, right (N, ..., K) → y (N, ...).   ∂J/∂left = δ_y sign(d) (|d| / y)^(p − 1) = −∂J/∂right with d = left − right;
    where d = 0, and where a single entry is 0 for p = 1, the subgradient 0; for inf the largest entries share it.
    Entries are scaled by the largest, so that no power overflows.      (Horn and Johnson 2012, §5.2)
    """

    order: Annotated[float, Ge(1)] = 2.0
    shapes = "left (N, ..., K), right (N, ..., K) -> y (N, ...)"
    batchwise = True

    def forward(self, ctx, left, right):
        d = left - right
        size = np.abs(d)
        total = ((size / _largest(size)) ** self.order).sum(axis=-1)
        return size.max(axis=-1) * total ** (1 / self.order), d

    def backward(self, ctx, saved, dy):
        d = saved
        size = np.abs(d)
        part = size / _largest(size)
        total = np.maximum((part**self.order).sum(axis=-1, keepdims=True), 1)  # 1 or more unless d = 0
        dleft = dy[..., None] * np.sign(d) * part ** (self.order - 1) / total ** (1 - 1 / self.order)
        return dleft if ctx.needs.left else None, -dleft if ctx.needs.right else None

    @classmethod
    def examples(cls, rng):
        for order in (1, 1.5, 2, 3):
            left = rng.standard_normal((4, 3))
            yield cls(order=order), (left, left + rng.choice((-1, 1), (4, 3)) * rng.uniform(0.2, 2, (4, 3)))
        yield cls(), (rng.standard_normal((4, 2, 3)), rng.standard_normal((4, 2, 3)))
        yield cls(order=np.inf), (rng.standard_normal((4, 2, 3)), rng.standard_normal((4, 2, 3)))


def _largest(size):
    """The largest entry of each row, but no 0."""
    return np.maximum(size.max(axis=-1, keepdims=True), np.finfo(size.dtype).tiny)


class Contrastive(Block):
    """y = Σ ((1 − c) D² + c max(0, margin − D)²) / (2 P): pairs of label 0 are drawn together, of label 1 pushed apart.

    distance D (N, ...), such as pairwise_distance gives, label c (N, ...): 0 alike, 1 different; P pairs in the whole
    batch → y ().   ∂J/∂D = δ_y ((1 − c) D − c max(0, margin − D)) / P.      (Hadsell, Chopra and LeCun 2006)
    """

    margin: Annotated[float, Gt(0)] = 1.0
    nograd = ("label",)
    shapes = "distance (N, ...), label (N, ...) -> y ()"
    batchwise = True
    formula = "sum(where(label, maximum(margin - distance, 0), distance) ** 2) / (2 * examples * prod(label.shape[1:]))"
    gradients = {
        "distance": "dy * where(label, -maximum(margin - distance, 0), distance) / (examples * prod(label.shape[1:]))"
    }

    def forward(self, ctx, distance, label):
        check_labels(label, 2)
        count = positions(ctx, label.shape)
        slope = np.where(label == 1, -np.maximum(self.margin - distance, 0), distance)
        return (slope * slope).sum() / (2 * count), (slope, count)

    def backward(self, ctx, saved, dy):
        slope, count = saved
        return dy / count * slope, None

    @classmethod
    def examples(cls, rng):
        yield cls(), (rng.uniform(0, 2, (6, 1)), rng.permutation([0, 0, 1, 1, 1, 1])[:, None])
        yield cls(margin=1.5), (rng.uniform(0, 2, (4, 3)), rng.integers(2, size=(4, 3), dtype=np.uint8))


class Triplet(Block):
    """y = Σ max(0, D(anchor, positive) − D(anchor, negative) + margin) / P; D the squared Euclidean distance over the
    last axis, or the distance itself unless `squared`.

    anchor, positive, negative (N, ..., K), P triplets in the whole batch → y ().   Where the maximum is not 0,
    ∂J/∂positive = −δ_y ∂D(d)/∂d / P at d = anchor − positive, ∂J/∂negative is the opposite at anchor − negative,
    ∂J/∂anchor = −∂J/∂positive − ∂J/∂negative; at the kinks, d = 0 being one, the subgradient 0.   (Schroff et al. 2015)
    """

    margin: Annotated[float, Gt(0)] = 0.2
    squared: bool = True
    shapes = "anchor (N, ..., K), positive (N, ..., K), negative (N, ..., K) -> y ()"
    batchwise = True

    def forward(self, ctx, anchor, positive, negative):
        count = positions(ctx, anchor.shape[:-1])
        gap = self._distance(anchor - positive) - self._distance(anchor - negative) + self.margin
        losses = np.maximum(gap, 0)
        return losses.sum() / count, (anchor, positive, negative, losses > 0, count)

    def backward(self, ctx, saved, dy):
        anchor, positive, negative, violated, count = saved
        share = (dy / count * violated)[..., None]
        draws = share * self._pull(anchor - positive)
        pushes = share * self._pull(anchor - negative)
        danchor = draws - pushes if ctx.needs.anchor else None
        return danchor, -draws if ctx.needs.positive else None, pushes if ctx.needs.negative else None

    def _distance(self, d):
        return (d * d).sum(axis=-1) if self.squared else _length(d)[..., 0]

    def _pull(self, d):
        """∂D(d)/∂d"""
        return 2 * d if self.squared else d / np.maximum(_length(d), np.finfo(d.dtype).tiny)

    @classmethod
    def examples(cls, rng):
        yield cls(margin=0.5), tuple(rng.standard_normal((3, 5, 3)))
        yield cls(squared=False), tuple(rng.standard_normal((3, 4, 2, 3)))


def _length(d):
    return np.sqrt((d * d).sum(axis=-1, keepdims=True))
