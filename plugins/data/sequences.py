"""Sequences of uneven length in a text file, one to a line."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from annotated_types import Ge

from blockrun.plugins.data.files import Array, FileStamp, read_text, stamp
from blockrun.plugins.data.padding import Length, Unpadded, describe, joined, labels, numbers, pad
from blockrun.plugins.data.source import Description, Source
from blockrun.plugins.errors import DataError


class Sequences(Source):
    """A sequence to a line: `x` (length, channels) float32, `length` () int64 and `mask` (length,) of what is there.

    With `label` first or last, one cell of each line is `label` (): an integer, a number, or a word, which becomes a
    class. With `tokens`, cells are integers and `x` (length,) int64. Several `channels` follow each other step by step.
    All are padded with `fill` to `length`, by default that of the longest; `cut` shortens those that are longer.
    """

    path: Path
    delimiter: str = ","
    label: Literal["none", "first", "last"] = "none"
    tokens: bool = False
    channels: Annotated[int, Ge(1)] = 1
    length: Length = None
    cut: bool = False
    fill: float = 0.0

    def validate(self) -> None:
        if len(self.delimiter) != 1 or self.delimiter in "\r\n":
            raise ValueError(f"`delimiter` is {self.delimiter!r}; it must be one character, not the end of a line")
        if self.tokens and self.channels > 1:
            raise ValueError(f"`channels` is {self.channels}; a step of `tokens` is one of them")

    def describe(self) -> Description:
        return describe(self.path, self._open(), self.length, self.cut)

    def read(self, indices: Array) -> dict[str, Array]:
        return pad(self._open(), indices, self.describe().fields["mask"].shape[0], self.fill)

    def _open(self) -> Unpadded:
        return _load(stamp(self.path), self.delimiter, self.label, self.tokens, self.channels)


@lru_cache(maxsize=8)
def _load(file: FileStamp, delimiter: str, label: str, tokens: bool, channels: int) -> Unpadded:
    parts, rows, said = [], [], []
    for row, line in enumerate(read_text(file.path).splitlines(), start=1):
        if not line.strip():
            continue
        cells = line.split() if delimiter == " " else line.split(delimiter)
        if label != "none":
            said.append(cells.pop(0 if label == "first" else -1).strip())
        rows.append(row)
        parts.append(_steps(file.path, row, cells, 1 + (label == "first"), tokens, channels))
    found, names = labels(file.path, said, rows) if label != "none" else (None, [])
    return joined(file.path, parts, rows, {} if found is None else {"label": found}, names)


def _steps(path: Path, row: int, cells: list[str], first: int, tokens: bool, channels: int) -> Array:
    """The steps of one line, of which the first cell is number `first`."""
    found = numbers(path, row, cells, first)
    if tokens:
        whole = found.astype(np.int64)
        if (whole != found).any() or (whole < 0).any():
            at = int(np.argmax((whole != found) | (whole < 0)))
            raise DataError(f"{path}, row {row}, column {first + at}: `{cells[at].strip()}` is not a token, 0 or above")
        return whole
    if len(found) % channels:
        raise DataError(f"{path}, row {row}: has {len(found)} numbers, which are no whole steps of {channels} channels")
    return found.astype(np.float32).reshape(-1, channels)
