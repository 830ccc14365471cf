"""Single arrays in `.npy` files, mapped into memory: a file may be larger than the memory there is."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from blockrun.plugins.data.files import Array, FileStamp, check_rows, description, rows_within, stamp
from blockrun.plugins.data.source import Description, Field, Source
from blockrun.plugins.errors import DataError


class Npy(Source):
    """Arrays of `.npy` files whose first axis is the examples: `fields` maps a field to a file.

    Files are mapped, not read: a batch touches its own examples only. Integers become int64, floats stay as they are.
    `rows` is a half-open range [first, end]. Paths are relative to `folder`, and that to the network file.
    """

    fields: dict[str, str]
    folder: Path = Path(".")
    rows: tuple[int, int] | None = None

    def validate(self) -> None:
        check_rows(self.rows)
        for field, file in self.fields.items():
            if not isinstance(file, str) or not file:
                raise ValueError(f"`fields.{field}` is {file!r}; it must be the name of a .npy file")
        if not self.fields:
            raise ValueError("`fields` is empty; it must map at least one field to a .npy file")

    def describe(self) -> Description:
        arrays = self._open()
        fields = {name: Field(x.shape[1:], _becomes(x.dtype)) for name, x in arrays.items()}
        return description(fields, len(self._rows(arrays)), lambda name: arrays[name])

    def read(self, indices: Array) -> dict[str, Array]:
        arrays = self._open()
        rows = self._rows(arrays)
        picked = {name: x[rows.start : rows.stop][indices] for name, x in arrays.items()}
        return {name: np.asarray(x, _becomes(x.dtype)) for name, x in picked.items()}

    def _open(self) -> dict[str, Array]:
        return {name: _mapped(stamp(self.folder / file)) for name, file in self.fields.items()}

    def _rows(self, arrays: dict[str, Array]) -> range:
        first = next(iter(arrays))
        for name, x in arrays.items():
            if len(x) != len(arrays[first]):
                fact = f"`{first}` has {len(arrays[first])} examples and `{name}` has {len(x)}"
                raise DataError(f"{self.folder / self.fields[name]}: {fact}")
        return rows_within(self.folder / self.fields[first], self.rows, len(arrays[first]))


def _becomes(dtype: np.dtype[Any]) -> np.dtype[Any]:
    return np.dtype(np.int64) if dtype.kind in "iu" else dtype.newbyteorder("=")


@lru_cache(maxsize=32)
def _mapped(file: FileStamp) -> Array:
    """The array, mapped; NumPy checks that the file is as long as its header says, and unpickles nothing."""
    try:
        found = np.load(file.path, mmap_mode="r", allow_pickle=False)
    except Exception as error:  # a damaged header raises nearly anything
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise DataError(f"{file.path}: not a readable .npy file ({reason})") from None
    if not isinstance(found, np.memmap) or found.dtype.kind not in "biuf" or found.dtype.itemsize > 8:
        kind = getattr(found, "dtype", "an archive")
        raise DataError(f"{file.path}: is of type {kind}; only numbers of up to 64 bits can be read")
    if not found.ndim:
        raise DataError(f"{file.path}: is a single number; its first axis must be the examples")
    return found
