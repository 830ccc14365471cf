"""Losses of probabilities: how surprising the labels are to a model that gives logits or log-probabilities."""

from typing import Annotated

import numpy as np
from annotated_types import Ge, Gt, Le

from blockrun.core import Block
from blockrun.core.shapes import ShapeError, show_shape

from .._labels import check_labels, class_weights, entries, without_ignored
from .._logistic import logistic
from .._mean import positions

Weights = tuple[Annotated[float, Ge(0)], ...]


class SoftmaxCrossEntropy(Block):
    """y = −Σ w t ln p / P with p = softmax(logits) over the last axis and P label positions in the whole batch.

    logits (N, ..., K), label (N, ...) of integers 0 … K − 1, which are one-hot t, or (N, ..., K) of probabilities t
    → y (). `smoothing` s makes of t (1 − s) t + s / K, `weights` has the w of each class, the label `ignore` adds 0.
    P counts every position, whatever its weight, so that the mean over a batch is exact in pieces of it.
    ∂J/∂logits = δ_y (p Σ w t − w t) / P,   ∂J/∂t = −δ_y (1 − s) w ln p / P.      (Bridle 1990; Szegedy et al. 2016)
    """

    smoothing: Annotated[float, Ge(0), Le(1)] = 0.0
    weights: Weights | None = None
    ignore: int | None = None
    shapes = "logits (N, ..., K) -> y ()"
    batchwise = True

    def forward(self, ctx, logits, label):
        _check_forms(logits, label)
        count = positions(ctx, logits.shape[:-1])
        rows = logits.reshape(-1, logits.shape[-1])
        target, picked = self._target(rows, label)
        shifted = rows - rows.max(axis=1, keepdims=True)
        p = np.exp(shifted)
        total = p.sum(axis=1, keepdims=True)
        one = picked is not None
        surprise = np.log(total[:, 0]) - shifted[entries(picked)] if one else np.log(total) - shifted
        slope = None
        if ctx.needs.label:
            weights = class_weights(self.weights, rows.shape[1], rows)
            slope = (1 - self.smoothing) * (weights * surprise).reshape(label.shape)
        return (target * surprise).sum() / count, (p / total, target, picked, slope, count, logits.shape)

    def backward(self, ctx, saved, dy):
        p, target, picked, slope, count, shape = saved
        target = dy / count * target
        if picked is None:
            dlogits = p * target.sum(axis=1, keepdims=True) - target
        else:
            dlogits = p * target.reshape(-1, 1)
            dlogits[entries(picked)] -= target
        return dlogits.reshape(shape), dy / count * slope if ctx.needs.label else None

    def _target(self, rows, label):
        """w t for every class of every row; where all but one are 0, that one, and the class that it is of."""
        plain = self.smoothing == 0 and self.weights is None and self.ignore is None
        if plain and label.dtype.kind != "f":
            check_labels(label, rows.shape[1])
            return 1.0, label.reshape(-1)
        weights = class_weights(self.weights, rows.shape[1], rows)
        if label.dtype.kind == "f":
            return weights * ((1 - self.smoothing) * label.reshape(rows.shape) + self.smoothing / rows.shape[1]), None
        picked, kept = (x.reshape(-1) for x in without_ignored(label, rows.shape[1], self.ignore))
        if self.smoothing == 0:
            return weights[picked] * kept, picked
        target = np.full_like(rows, self.smoothing / rows.shape[1])
        target[entries(picked)] += 1 - self.smoothing
        return weights * target * kept[:, None], None

    @classmethod
    def examples(cls, rng):
        label = rng.integers(3, size=(4, 2), dtype=np.uint8)
        some = np.where(rng.permutation(8).reshape(4, 2) < 2, -1, label.astype(np.int64))
        chances = rng.dirichlet(np.ones(3), (4, 2))
        yield cls(), (rng.standard_normal((4, 3)), rng.integers(3, size=4))
        yield cls(), (rng.standard_normal((4, 2, 3)), label)
        yield cls(weights=(0.5, 2, 1.5), ignore=-1), (rng.standard_normal((4, 2, 3)), some)
        yield cls(smoothing=0.2, weights=(0.5, 2, 1.5), ignore=-1), (rng.standard_normal((4, 2, 3)), some)
        yield cls(), (rng.standard_normal((4, 2, 3)), chances)
        yield cls(smoothing=0.2, weights=(0.5, 2, 1.5)), (rng.standard_normal((4, 2, 3)), chances)


def _check_forms(logits, label):
    """Raise `ShapeError` unless `label` has an integer for each row of logits, or a number for each logit."""
    one, all = logits.shape[:-1], logits.shape
    if label.shape == (all if label.dtype.kind == "f" else one):
        return
    wanted = f"integers {show_shape(one)} or probabilities {show_shape(all)}"
    if label.shape == one:
        raise ValueError(f"label is {label.dtype}; class labels must be integers from 0 to {logits.shape[-1] - 1}")
    shown = f"`label` is {label.dtype} and has shape {show_shape(label.shape)}"
    raise ShapeError(f"{shown}; for logits {show_shape(all)} it is {wanted}")


class SigmoidCrossEntropy(Block):
    """y = −Σ (w t ln σ(logits) + (1 − t) ln σ(−logits)) / P, the mean over all P entries of the whole batch.

    logits, target (N, ...) → y (); target t is 0 or 1, of integers, or a probability. `positive_weight` w is a number,
    or one for each entry of the last axis. The logarithms are ln(1 + e^∓logits), never of a rounded probability.
    ∂J/∂logits = δ_y ((1 − t) σ(logits) − w t σ(−logits)) / P,
    ∂J/∂t = δ_y ((w − 1) ln(1 + e^−logits) − logits) / P.      (Cox 1958)
    """

    positive_weight: Annotated[float, Gt(0)] | tuple[Annotated[float, Gt(0)], ...] = 1.0
    shapes = "logits (N, ...), target (N, ...) -> y ()"
    batchwise = True

    def forward(self, ctx, logits, target):
        count = positions(ctx, logits.shape)
        w, t = self._weight(logits), _as_probability(target, logits)
        no, yes, p, q = logistic(logits)
        slope = (1 - t) * p - w * t * q
        tilt = (w - 1) * yes - logits if ctx.needs.target else None
        return (w * t * yes + (1 - t) * no).sum() / count, (slope, tilt, count)

    def backward(self, ctx, saved, dy):
        slope, tilt, count = saved
        share = dy / count
        return share * slope if ctx.needs.logits else None, share * tilt if ctx.needs.target else None

    def _weight(self, logits):
        w = self.positive_weight
        if not isinstance(w, tuple):
            return w
        if logits.shape[-1:] != (len(w),):
            shape = show_shape(logits.shape)
            raise ShapeError(
                f"`positive_weight` has {len(w)} numbers; the last axis of logits {shape} has another size"
            )
        return np.asarray(w, dtype=logits.dtype, like=logits)

    @classmethod
    def examples(cls, rng):
        yield cls(), (rng.standard_normal((4, 3)), rng.integers(2, size=(4, 3)))
        yield cls(), (rng.standard_normal((4, 2, 3)), rng.random((4, 2, 3)))
        yield cls(positive_weight=3), (rng.standard_normal((4, 3)), rng.random((4, 3)))
        yield cls(positive_weight=(0.5, 2, 3)), (rng.standard_normal((4, 2, 3)), rng.random((4, 2, 3)))


def _as_probability(target, logits):
    """`target` in the dtype of `logits`; raises `ValueError` for integers that are neither 0 nor 1."""
    if target.dtype.kind == "f":
        return target
    if target.dtype.kind != "b":
        check_labels(target, 2, "target")
    return target.astype(logits.dtype)


class Nll(Block):
    """y = −Σ w logp[label] / P: the negative log-likelihood of P label positions in the whole batch.

    logp (N, ..., K), log-probabilities such as log_softmax gives, label (N, ...) of integers 0 … K − 1 → y ().
    `weights` has the w of each class; the label `ignore` adds nothing, and is one of the P all the same.
    ∂J/∂logp = −δ_y w onehot(label) / P.      (Fisher 1922)
    """

    weights: Weights | None = None
    ignore: int | None = None
    nograd = ("label",)
    shapes = "logp (N, ..., K), label (N, ...) -> y ()"
    batchwise = True

    def forward(self, ctx, logp, label):
        count = positions(ctx, label.shape)
        rows = logp.reshape(-1, logp.shape[-1])
        picked, kept = (x.reshape(-1) for x in without_ignored(label, rows.shape[1], self.ignore))
        weight = class_weights(self.weights, rows.shape[1], rows)[picked] * kept
        return -(weight * rows[entries(picked)]).sum() / count, (picked, weight, count, logp.shape)

    def backward(self, ctx, saved, dy):
        picked, weight, count, shape = saved
        dlogp = np.zeros_like(weight, shape=(len(weight), shape[-1]))
        dlogp[entries(picked)] = -dy / count * weight
        return dlogp.reshape(shape), None

    @classmethod
    def examples(cls, rng):
        label = np.where(rng.permutation(8).reshape(4, 2) < 2, -1, rng.integers(3, size=(4, 2)))
        yield cls(), (rng.standard_normal((4, 3)), rng.integers(3, size=4))
        yield cls(weights=(0.5, 2, 1.5), ignore=-1), (rng.standard_normal((4, 2, 3)), label)


class KlDivergence(Block):
    """y = Σ p (ln p − logq) / P, of the distributions p from those that logq is the logarithm of; a p of 0 adds 0.

    logq, p (N, ..., K), logq always in logarithms, p in logarithms too if `log_target`; P distributions → y ().
    ∂J/∂logq = −δ_y p / P,   ∂J/∂p = δ_y (ln p − logq + 1) / P, which is −∞ where p = 0: 0 is returned there;
    with `log_target` ∂J/∂ln p = δ_y p (ln p − logq + 1) / P.      (Kullback and Leibler 1951)
    """

    log_target: bool = False
    shapes = "logq (N, ..., K), p (N, ..., K) -> y ()"
    batchwise = True

    def forward(self, ctx, logq, p):
        count = positions(ctx, logq.shape[:-1])
        chance = np.exp(p) if self.log_target else p
        none = chance == 0
        logp = p if self.log_target else np.log(np.where(none, 1, p))
        ratio = np.where(none, 0, logp) - np.where(none, 0, logq)
        slope = (chance if self.log_target else ~none) * (ratio + 1) if ctx.needs.p else None
        return (chance * ratio).sum() / count, (chance, slope, count)

    def backward(self, ctx, saved, dy):
        chance, slope, count = saved
        share = dy / count
        return -share * chance if ctx.needs.logq else None, share * slope if ctx.needs.p else None

    @classmethod
    def examples(cls, rng):
        q, p = rng.dirichlet(np.ones(3), (2, 4))
        yield cls(), (np.log(q), p)
        q, p = rng.dirichlet(np.ones(3), (2, 4, 2))
        yield cls(log_target=True), (np.log(q), np.log(p))
        yield cls(log_target=True), (np.log(q), np.where(p < 0.1, -800.0, np.log(p)))  # e⁻⁸⁰⁰ is 0
