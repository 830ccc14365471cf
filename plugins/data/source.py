"""The contract of data sources: what they say about their examples before any is read, and how examples are read."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, ClassVar, NamedTuple, dataclass_transform

import numpy as np

from blockrun.core.block import snake_case
from blockrun.core.options import Options


class Field(NamedTuple):
    """One named array of a data set: the shape of one example, and its dtype."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]


@dataclass(frozen=True)
class Description:
    """What is known without reading examples: the fields, how many examples, and the answers to `$data.*`.

    masks   for fields that are padded the field that says, true or false for each step, which are there
    """

    fields: dict[str, Field]
    examples: int
    values: dict[str, Any] = field(default_factory=dict)
    masks: dict[str, str] = field(default_factory=dict)


@dataclass_transform(frozen_default=True, kw_only_default=True)
class Source(Options):
    """A data set. Options of type `Path` are taken relative to the folder of the network file.

    `describe()` answers quickly and reads no more than it must; `read(indices)` returns one array per field, its first
    axis in the order of `indices`, in the dtype of the description, and may be called by several threads at once. Both
    raise `DataError` with file, row and column.
    """

    name: ClassVar[str] = ""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "name" not in vars(cls):
            cls.name = snake_case(re.sub("Source$", "", cls.__name__))

    def describe(self) -> Description:
        raise NotImplementedError

    def read(self, indices: np.ndarray[Any, Any]) -> dict[str, np.ndarray[Any, Any]]:
        raise NotImplementedError

    def read_field(self, name: str, indices: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        """One field alone; overridden where that is much quicker, as it is for the labels of pictures."""
        return self.read(indices)[name]
