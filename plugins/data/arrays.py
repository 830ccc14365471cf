"""Arrays that a program hands over, as a data set, and the files in which a run keeps them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from blockrun.plugins.data.files import Array, description
from blockrun.plugins.data.npy import Npy
from blockrun.plugins.data.source import Description, Field
from blockrun.plugins.errors import DataError

PARTS = ("train", "val", "test")


class Arrays:
    """Arrays by field, whose first axis is the examples; read and described as a source is.

    Integers become int64, as in files, floats stay as they are. Raises `DataError` for what is no array of numbers.
    """

    name = "arrays"

    def __init__(self, part: str, fields: Mapping[str, Any]) -> None:
        if not fields:
            raise DataError(f"`data` has no arrays for `{part}`")
        self.fields = {name: _array(part, name, value) for name, value in fields.items()}
        first, *others = self.fields
        for name in others:
            if len(self.fields[name]) != len(self.fields[first]):
                fact = f"`{first}` has {len(self.fields[first])} examples and `{name}` has {len(self.fields[name])}"
                raise DataError(f"`data` for `{part}`: {fact}")

    def describe(self) -> Description:
        fields = {name: Field(x.shape[1:], x.dtype) for name, x in self.fields.items()}
        return description(fields, len(next(iter(self.fields.values()))), self.fields.__getitem__)

    def read(self, indices: Array) -> dict[str, Array]:
        return {name: x[indices] for name, x in self.fields.items()}

    def read_field(self, name: str, indices: Array) -> Array:
        return self.fields[name][indices]

    def save(self, folder: Path, part: str) -> dict[str, str]:
        """Write each array to a `.npy` file in `folder`; the file of each field."""
        names = {name: f"{part}_{i}.npy" for i, name in enumerate(self.fields)}
        for name, file in names.items():
            np.save(folder / file, self.fields[name], allow_pickle=False)
        return names


def _array(part: str, name: str, value: Any) -> Array:
    where = f"`data` for `{part}`, `{name}`"
    try:
        x = np.asarray(value)
    except ValueError as error:
        raise DataError(f"{where}: is no even array ({error})") from None
    if x.dtype.kind not in "biuf" or x.dtype.itemsize > 8:
        raise DataError(f"{where}: is of type {x.dtype}; only numbers of up to 64 bits can be learned from")
    if not x.ndim:
        raise DataError(f"{where}: is a single number; its first axis must be the examples")
    return x.astype(np.int64 if x.dtype.kind in "iu" else x.dtype.newbyteorder("="), copy=False)


def handed_over(data: Mapping[str, Any]) -> dict[str, Arrays]:
    """What a program gives as `data`: arrays by field for training, or such a map for each part.

    Raises `DataError` for a part that there is not, and for what is no array of numbers.
    """
    by_part = bool(data) and all(isinstance(fields, Mapping) for fields in data.values())
    parts: Mapping[str, Any] = data if by_part else {"train": data}
    for part in parts:
        if part not in PARTS:
            raise DataError(f"`data` has no part `{part}`", help=f"its parts are {', '.join(PARTS)}")
    return {part: Arrays(part, fields) for part, fields in parts.items()}


def saved_arrays(folder: Path, parts: Mapping[str, dict[str, str]]) -> dict[str, Npy]:
    """What `save` wrote, by part."""
    return {part: Npy(folder=folder, fields=fields) for part, fields in parts.items()}
