"""Two examples in one, and a target that says how much of it is of which class."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import Annotated

import numpy as np
from annotated_types import Ge, Gt, Le

from blockrun.core.options import OptionError
from blockrun.plugins.data.source import Description, Field
from blockrun.plugins.data.transform import Array, Batch, Draw, Known, Transform
from blockrun.plugins.errors import DataError

GRID = 4097  # places at which the distribution of the shares is tabled


class Mixup(Transform):
    """λ x + (1 − λ) x', x' another example of the epoch, λ from Beta(alpha, alpha) (Zhang et al. 2018).

    Adds the field `into`, (classes,) float32: λ at the class of x, plus 1 − λ at that of x'; in evaluation, where
    nothing is mixed, 1 at the class of x. A loss that takes probabilities, such as softmax_cross_entropy, reads it. The
    field `label` stays the class of x, for metrics.
    """

    classes: Annotated[int, Ge(1)]
    alpha: Annotated[float, Gt(0), Le(100)] = 0.2
    label: str = "label"
    into: str = "target"

    def describe(self, given: Description, on: str) -> Description:
        if given.fields[on].dtype.kind != "f":
            raise ValueError(f"`{on}` is {given.fields[on].dtype}; only numbers with fractions can be mixed")
        found = given.fields.get(self.label)
        if found is None or found.shape or found.dtype.kind not in "iu":
            what = "not a field of the data" if found is None else f"{list(found.shape)} {found.dtype}"
            raise OptionError("label", f"`label` is `{self.label}`, which is {what}; it must be one integer")
        if self.into in given.fields:
            raise OptionError("into", f"`into` is `{self.into}`, which is a field of the data already")
        known = given.values.get("classes", self.classes)
        if known != self.classes:
            raise OptionError("classes", f"`classes` is {self.classes}; the data have {known}")
        return replace(given, fields={**given.fields, self.into: Field((self.classes,), np.dtype(np.float32))})

    def apply_of_batch(self, batch: Batch, on: str, known: Known) -> Batch:
        return {**batch, self.into: self._one_hot(batch)} if self.label in batch else batch

    def augment_of_batch(self, batch: Batch, on: str, known: Known, draw: Draw) -> Batch:
        other, share = draw.others(), beta(draw.uniform(), self.alpha)
        mixed = _mixed(batch[on], other[on], share)
        return {**batch, on: mixed, self.into: _mixed(self._one_hot(batch), self._one_hot(other), share)}

    def _one_hot(self, batch: Batch) -> Array:
        label = batch[self.label]
        if label.size and not 0 <= label.min() <= label.max() < self.classes:
            wrong = label[(label < 0) | (label >= self.classes)][0]
            raise DataError(
                f"`mixup` finds the label {wrong} in `{self.label}`; with {self.classes} classes there is none"
            )
        found = np.zeros((len(label), self.classes), np.float32)
        found[np.arange(len(label)), label] = 1
        return found


def _mixed(x: Array, y: Array, share: Array) -> Array:
    share = share.astype(x.dtype).reshape(-1, *(1,) * (x.ndim - 1))
    return share * x + (1 - share) * y


def beta(u: Array, alpha: float) -> Array:
    """From uniform numbers, one each, to numbers from Beta(alpha, alpha), by the inverse of its distribution."""
    places, chances = _lower_half(alpha)
    share = np.interp(2 * np.minimum(u, 1 - u), chances, places) ** max(1 / alpha, 1)
    return np.where(u < 0.5, share, 1 - share)


@lru_cache(maxsize=8)
def _lower_half(alpha: float) -> tuple[Array, Array]:
    """The distribution from 0 to 1/2, over s with x = s^(1/alpha) where alpha < 1, as its density in x is then ∞ at 0.

    That in s is (1 − x)^(alpha − 1), and smooth. By the trapezoidal rule.
    """
    power = max(1 / alpha, 1)
    s = np.linspace(0, 0.5 ** (1 / power), GRID)
    x = s**power
    density = (1 - x) ** (alpha - 1) * (x ** (alpha - 1) if alpha > 1 else 1)
    chances = np.concatenate([[0], np.cumsum((density[1:] + density[:-1]) / 2)])
    return s, chances / chances[-1]
