"""The contract of transforms: what is done to examples between a source and the network, and what is random in it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from blockrun.plugins.data.source import Description, Field
from blockrun.plugins.training.contracts import Component
from blockrun.plugins.training.seeds import derive

Array = np.ndarray[Any, Any]
Batch = dict[str, Array]
Known = dict[str, Array]


class Draw:
    """Random numbers for `count` examples: those of one depend on the seed, the epoch and its place in that alone.

    So they are the same however an epoch is cut into batches, and whoever reads them first. Every call gives others.
    """

    def __init__(self, path: tuple[int, int, int], start: int, count: int, others: Callable[[], Batch]) -> None:
        self.count, self._start, self._others = count, start, others
        self._seed, *self._path = path
        self._calls = 0

    def uniform(self, *shape: int) -> Array:
        """Numbers from 0 to 1, without 1, an array of `shape` for each example: (count, *shape) float64."""
        bits = self._bits()
        bits.advance(self._start * int(np.prod(shape, dtype=np.int64)))  # a float64 takes one number of the stream
        return np.random.Generator(bits).random((self.count, *shape))

    def others(self) -> Batch:
        """For each example another one of the epoch, all fields, as they are before this transform."""
        return self._others()

    def _bits(self) -> np.random.PCG64:
        self._calls += 1
        return np.random.PCG64(derive(self._seed, "transforms", *self._path, self._calls))


class Transform(Component):
    """What is done to one field of every example, such as an image. Options of type `Path` are as those of a source.

    `apply` is done in training and in evaluation, `augment` in its place in training. The methods `of_batch` see every
    field. None may write to what it is given, and what becomes of an example must not depend on the rest of the batch.
    """

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        taken = [name for name in ("transform", "on") if name in cls.option_types]
        if taken:
            raise TypeError(f"{cls.__name__}: option `{taken[0]}` is a reserved key; choose another name")

    def describe(self, given: Description, on: str) -> Description:
        """What becomes of a source of which `on` is a field; raises `ValueError` if that is not for this transform."""
        return given

    def measure(self, pieces: Callable[[], Iterable[Array]]) -> Known:
        """What to know of the training part, by name: it is asked for once, and kept with the run.

        `pieces()` goes over the field `on`, as it is before this transform, a few examples at a time; of sequences that
        are padded over the steps that are there, (steps, ...).
        """
        return {}

    def apply(self, x: Array, known: Known) -> Array:
        """The examples `x` (N, ...) after the transform."""
        return x

    def expression(self, x: str, field: Field, known: dict[str, str]) -> str:
        """`apply` in NumPy, for a script without blockrun: of the variable `x`, which holds what `field` describes, and
        of the arrays called `known`. "" if there is none, and then the script wants its data after this transform.
        """
        return ""

    def augment(self, x: Array, known: Known, draw: Draw) -> Array:
        """The same in training."""
        return self.apply(x, known)

    def apply_of_batch(self, batch: Batch, on: str, known: Known) -> Batch:
        return {**batch, on: self.apply(batch[on], known)}

    def augment_of_batch(self, batch: Batch, on: str, known: Known, draw: Draw) -> Batch:
        return {**batch, on: self.augment(batch[on], known, draw)}
