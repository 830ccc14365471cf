"""Batches of a source, in an order that any epoch can be entered in, at any place."""

from __future__ import annotations

from collections.abc import Generator
from functools import lru_cache
from typing import Any

import numpy as np

from blockrun.plugins.data.ahead import AT_ITS_TURN, Loading, made_ahead
from blockrun.plugins.data.streaming import Readable
from blockrun.plugins.data.transformed import Epoch, Transformed
from blockrun.plugins.errors import DataError
from blockrun.plugins.training.seeds import derive

Array = np.ndarray[Any, Any]


class Batches:
    """The examples of `source`, `batch` at a time; the last batch of an epoch is smaller unless dropped.

    With `shuffle`, the order depends on `seed` and the number of the epoch alone, so that a run can go on anywhere;
    with `augment`, transforms do what is random in them, which depends on the place in that order too.
    Raises `DataError` where there is not one batch, or where the source does not give what it describes.
    """

    def __init__(
        self, source: Readable, batch: int, *, shuffle: bool = False, seed: int = 0, drop_last: bool = False,
        augment: bool = False, loading: Loading = AT_ITS_TURN,
    ) -> None:  # fmt: skip
        if batch < 1:
            raise ValueError(f"`batch` is {batch}; it must be at least 1")
        self.source, self.batch, self.shuffle, self.seed, self.augment = source, batch, shuffle, seed, augment
        self.loading, self._orders = loading, lru_cache(maxsize=2)(self._order)
        self.description = source.describe()
        self.examples = self.description.examples
        self._count = self.examples // batch if drop_last else -(-self.examples // batch)
        if self._count == 0:
            fact = f"source `{source.name}` has {self.examples} examples, which is not one batch"
            raise DataError(fact, help=f"a batch is {batch}, and incomplete ones are dropped" if self.examples else "")

    def __len__(self) -> int:
        """How many batches there are in an epoch."""
        return self._count

    def epoch(self, number: int, start: int = 0) -> Generator[dict[str, Array], None, None]:
        """The batches of epoch `number` from batch `start` on, each as one array per field."""
        return self.stream(number * self._count + start, (number + 1) * self._count)

    def stream(self, start: int, end: int) -> Generator[dict[str, Array], None, None]:
        """Batches `start` to `end`, counted through the epochs; close it when it is left early."""
        return made_ahead(self._read, range(start, end), self.loading)

    def _order(self, number: int) -> Array:
        if not self.shuffle:
            return np.arange(self.examples)
        return np.random.default_rng(derive(self.seed, "batches", number)).permutation(self.examples)

    def _read(self, batch: int) -> dict[str, Array]:
        number, index = divmod(batch, self._count)
        epoch, start = Epoch(number, self.seed, self._orders(number)), index * self.batch
        indices = epoch.order[start : start + self.batch]
        if self.augment and isinstance(self.source, Transformed):
            arrays = self.source.draw(epoch, start, len(indices))
        else:
            arrays = self.source.read(indices)
        for name, (shape, dtype) in self.description.fields.items():
            found = arrays.get(name)
            given = "nothing" if found is None else f"{list(found.shape)} {found.dtype}"
            if found is None or found.shape != (len(indices), *shape) or found.dtype != dtype:
                wanted = f"{[len(indices), *shape]} {dtype}"
                raise DataError(f"source `{self.source.name}` gives {given} for `{name}`; it describes {wanted}")
        return arrays
