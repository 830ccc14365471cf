"""Time series in the `.ts` text format of the UEA and UCR archives, as aeon and sktime read it."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import numpy as np

from blockrun.plugins.data.files import Array, FileStamp, read_text, stamp
from blockrun.plugins.data.padding import Length, Unpadded, describe, joined, labels, numbers, pad
from blockrun.plugins.data.source import Description, Source
from blockrun.plugins.errors import DataError

Header = dict[str, list[str]]


class Ts(Source):
    """Series of one or several channels with a class, or a number to be found, such as GunPoint_TRAIN.ts.

    `x` (length, channels) float32, `length` () int64, `mask` (length,) of what is there, and `label` (): the class, in
    the order in which the file lists them, or with `@targetLabel` a float32. Uneven series are padded with zeros to
    `length`, by default that of the longest; `cut` shortens those that are longer. Time stamps are not read.
    """

    path: Path
    length: Length = None
    cut: bool = False

    def describe(self) -> Description:
        return describe(self.path, _load(stamp(self.path)), self.length, self.cut)

    def read(self, indices: Array) -> dict[str, Array]:
        return pad(_load(stamp(self.path)), indices, self.describe().fields["mask"].shape[0], 0.0)


@lru_cache(maxsize=8)
def _load(file: FileStamp) -> Unpadded:
    lines = read_text(file.path).splitlines()
    header, first = _header(file.path, lines)
    labelled = "classlabel" in header or "targetlabel" in header
    parts, rows, said = [], [], []
    for row, line in enumerate(lines[first:], start=first + 1):
        if not line.strip() or line.startswith("#"):
            continue
        channels = line.strip().split(":")
        if labelled:
            said.append(channels.pop().strip())
        rows.append(row)
        parts.append(_series(file.path, row, channels))
        if parts[-1].shape[1] != parts[0].shape[1]:
            fact = f"has {parts[-1].shape[1]} channels, row {rows[0]} has {parts[0].shape[1]}"
            raise DataError(f"{file.path}, row {row}: {fact}", help="is the class at the end of one of them missing?")
    found, names = labels(file.path, said, rows, header.get("classlabel")) if labelled else (None, [])
    if found is not None and "targetlabel" in header:
        found = found.astype(np.float32)
    return joined(file.path, parts, rows, {} if found is None else {"label": found}, names)


def _header(path: Path, lines: list[str]) -> tuple[Header, int]:
    """What the lines before `@data` say, by key in lower case, and how many lines that is."""
    found: Header = {}
    for row, line in enumerate(lines, start=1):
        key, *values = line.split() or ["#"]
        if key.lower() == "@data":
            return found, row
        if key.startswith("@") and values[:1] != ["false"]:
            found[key[1:].lower()] = values[1:] if values[:1] == ["true"] else values
        elif not key.startswith(("@", "#")):
            raise DataError(
                f"{path}, row {row}: begins with `{key[:20]}`; before `@data` there are only `@` and `#` lines"
            )
        if key.lower() == "@timestamps" and values[:1] == ["true"]:
            raise DataError(f"{path}, row {row}: series with time stamps cannot be read")
        if key.lower() == "@classlabel" and values[:1] == ["true"] and not values[1:]:
            raise DataError(f"{path}, row {row}: `@classLabel true` lists no classes")
    raise DataError(f"{path}: has no line `@data`", help="is it a file of the .ts format?")


def _series(path: Path, row: int, channels: list[str]) -> Array:
    """One series, steps by channels."""
    first, found = 1, []
    for channel in channels:
        cells = channel.split(",")
        found.append(numbers(path, row, cells, first))
        first += len(cells)
        if len(found[-1]) != len(found[0]):
            fact = f"channel {len(found)} has {len(found[-1])} steps, channel 1 has {len(found[0])}"
            raise DataError(f"{path}, row {row}: {fact}")
    if not found:
        raise DataError(
            f"{path}, row {row}: has nothing but one cell", help="a series and its class are divided by `:`"
        )
    return np.stack(found, axis=1).astype(np.float32)
