"""Going over a whole source in pieces that fit in memory, whatever the size of an example."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, Protocol

import numpy as np

from blockrun.plugins.data.source import Description

Array = np.ndarray[Any, Any]
MOST_EXAMPLES, MOST_BYTES = 4096, 1 << 24  # of a piece


class Readable(Protocol):
    """A source, or what is read as one."""

    @property
    def name(self) -> str: ...

    def describe(self) -> Description: ...

    def read(self, indices: Array) -> dict[str, Array]: ...

    def read_field(self, name: str, indices: Array) -> Array: ...


def pieces(source: Readable) -> Iterator[dict[str, Array]]:
    """Every example of `source` in its order, a few at a time: how many depends on their size alone."""
    return map(source.read, _ranges(source.describe()))


def column(source: Readable, name: str) -> Array:
    """The whole of one field."""
    known = source.describe()
    shape, dtype = known.fields[name]
    return np.concatenate([np.empty((0, *shape), dtype), *(source.read_field(name, i) for i in _ranges(known))])


def _ranges(known: Description) -> Iterator[Array]:
    each = sum(math.prod(shape) * dtype.itemsize for shape, dtype in known.fields.values())
    step = max(1, min(MOST_EXAMPLES, MOST_BYTES // max(each, 1)))
    return (np.arange(start, min(start + step, known.examples)) for start in range(0, known.examples, step))
