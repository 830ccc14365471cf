"""A part of a source, such as the first four fifths of its examples in an order drawn once, as a source itself."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any

import numpy as np
from annotated_types import Ge, Le

from blockrun.core.options import OptionError, Options
from blockrun.plugins.data.source import Description
from blockrun.plugins.data.streaming import Readable, column
from blockrun.plugins.errors import DataError
from blockrun.plugins.training.seeds import derive

Array = np.ndarray[Any, Any]
Fraction = Annotated[float, Ge(0), Le(1)]


class Take(Options):
    """Which examples: those whose place in an order drawn from `seed` lies in `fraction`, [start, end] from 0 to 1.

    Fractions that meet, [0, 0.8] and [0.8, 1], share no example and leave none out. Examples with the same number in
    the field `group` stay together; with `stratify`, each class of that field is divided in the same proportion.
    """

    fraction: tuple[Fraction, Fraction]
    group: str | None = None
    stratify: str | None = None
    seed: Annotated[int, Ge(0)] = 0

    def validate(self) -> None:
        if self.fraction[0] >= self.fraction[1]:
            raise OptionError("fraction", f"`fraction` is {list(self.fraction)}; it must be [start, end], start < end")
        if self.group is not None and self.stratify is not None:
            raise OptionError("stratify", "`group` and `stratify` are both given; a group cannot be divided by class")

    def choose(self, source: Readable) -> Array:
        """The numbers of the examples of `source` that are meant, in its order; raises `DataError`."""
        count = source.describe().examples
        rng = np.random.default_rng(derive(self.seed, "take"))
        if self.group is not None:
            places = _together(_column(source, self.group, "group"), rng)
        elif self.stratify is not None:
            places = _in_proportion(_column(source, self.stratify, "stratify"), rng)
        else:
            places = _places(rng.permutation(count))
        start, end = self.fraction
        found = np.flatnonzero((places >= start) & (places < end))
        if not len(found):
            of = f"{count} examples" if self.group is None else f"the groups of `{self.group}`"
            raise DataError(f"`fraction` {list(self.fraction)} of {of} of source `{source.name}` holds none")
        return found


class Taken:
    """The examples of `source` with the numbers `indices`; read and described as a source is."""

    def __init__(self, source: Readable, indices: Array) -> None:
        self.whole, self.indices, self.name = source, indices, source.name

    def describe(self) -> Description:
        known, count = self.whole.describe(), len(self.indices)
        return replace(known, examples=count, values={**known.values, "examples": count})

    def read(self, indices: Array) -> dict[str, Array]:
        return self.whole.read(self.indices[indices])

    def read_field(self, name: str, indices: Array) -> Array:
        return self.whole.read_field(name, self.indices[indices])


def _places(order: Array) -> Array:
    """Where each example lies between 0 and 1: in the middle of its share, so that rounding decides nothing."""
    places = np.empty(len(order))
    places[order] = (np.arange(len(order)) + 0.5) / max(len(order), 1)
    return places


def _in_proportion(classes: Array, rng: np.random.Generator) -> Array:
    """Each class is spread evenly over the whole, in an order of its own."""
    spread = np.empty(len(classes))
    for value in np.unique(classes):
        members = rng.permutation(np.flatnonzero(classes == value))
        spread[members] = (np.arange(len(members)) + 0.5) / len(members)
    return _places(np.lexsort((rng.permutation(len(classes)), spread)))


def _together(groups: Array, rng: np.random.Generator) -> Array:
    """Groups in a random order, every example of one in the middle of what its group takes up."""
    _, number, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    order = rng.permutation(len(sizes))
    middle = np.empty(len(sizes))
    middle[order] = np.cumsum(sizes[order]) - sizes[order] / 2
    return np.asarray(middle[number] / max(len(groups), 1))


def _column(source: Readable, name: str, option: str) -> Array:
    """The whole of one field, a whole number for each example."""
    known = source.describe()
    if name not in known.fields:
        fact = f"`{option}` is `{name}`, which source `{source.name}` has no field of"
        raise DataError(fact, help=f"its fields are {', '.join(known.fields)}")
    shape, dtype = known.fields[name]
    if shape or dtype.kind not in "iub":
        fact = f"`{option}` is `{name}`, which is {list(shape)} {dtype}; it must be one whole number for each example"
        raise DataError(fact)
    return column(source, name)
