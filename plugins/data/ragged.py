"""Sequences of uneven length in a NumPy archive, one after another in one array, with an array of their lengths."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import numpy as np

from blockrun.plugins.data.files import Array, FileStamp, stamp
from blockrun.plugins.data.npz import read_array
from blockrun.plugins.data.padding import Length, Unpadded, describe, pad
from blockrun.plugins.data.source import Description, Source
from blockrun.plugins.errors import DataError


class Ragged(Source):
    """Array `values` (total, ...) of a `.npz` holds the steps of all sequences, array `lengths` (N,) how many each has.

    `x` (length, ...), `length` () int64, `mask` (length,) of what is there; `fields` maps further fields to arrays
    whose first axis is N, such as {label: y}. All are padded with `fill` to `length`, by default that of the longest;
    `cut` shortens those that are longer. Integers become int64, floats float32.
    """

    path: Path
    values: str = "values"
    lengths: str = "lengths"
    fields: dict[str, str] | None = None
    length: Length = None
    cut: bool = False
    fill: float = 0.0

    def validate(self) -> None:
        for field, array in (self.fields or {}).items():
            if not isinstance(array, str) or field in ("x", "length", "mask"):
                raise ValueError(f"`fields.{field}` is {array!r}; it must be a new field, and the name of an array")

    def describe(self) -> Description:
        return describe(self.path, self._open(), self.length, self.cut)

    def read(self, indices: Array) -> dict[str, Array]:
        return pad(self._open(), indices, self.describe().fields["mask"].shape[0], self.fill)

    def _open(self) -> Unpadded:
        return _load(stamp(self.path), self.values, self.lengths, tuple((self.fields or {}).items()))


@lru_cache(maxsize=8)
def _load(file: FileStamp, values: str, lengths: str, fields: tuple[tuple[str, str], ...]) -> Unpadded:
    path, x, n = file.path, read_array(file.path, values), read_array(file.path, lengths)
    if n.ndim != 1 or n.dtype.kind not in "iu" or not len(n):
        raise DataError(
            f"{path}: array `{lengths}` is {list(n.shape)} {n.dtype}; it must be one integer for each sequence"
        )
    if n.min() < 0:
        raise DataError(f"{path}, row {int(np.argmin(n))} of `{lengths}`: is {n.min()}; a length is 0 or above")
    if not x.ndim or n.sum() != len(x):
        raise DataError(f"{path}: `{lengths}` add up to {n.sum()} steps, `{values}` has {len(x) if x.ndim else 1}")
    more = {field: _plain(read_array(path, name)) for field, name in fields}
    for field, name in fields:
        if more[field].ndim == 0 or len(more[field]) != len(n):
            fact = f"`{name}` has {len(np.atleast_1d(more[field]))} examples, `{lengths}` has {len(n)}"
            raise DataError(f"{path}: {fact}")
    return Unpadded(_plain(x), np.cumsum([0, *n.astype(np.int64)]), np.arange(len(n)), more, [])


def _plain(x: Array) -> Array:
    return x.astype(np.int64 if x.dtype.kind in "iub" else np.float32, copy=False)
