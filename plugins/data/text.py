"""Text as windows of characters or bytes, each with the window one further on: what comes next is what is learned."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Literal, NamedTuple

import numpy as np
from annotated_types import Ge, Le

from blockrun.plugins.data.files import Array, FileStamp, stamp
from blockrun.plugins.data.source import Description, Field, Source
from blockrun.plugins.errors import DataError

PIECE = 1 << 20  # bytes that are looked at together
Fraction = Annotated[float, Ge(0), Le(1)]


class Text(Source):
    """Windows of a text in UTF-8: `x` (window,) int64, and `y` (window,) int64, the same one unit further on.

    Units are characters, numbered by their code points in order, or bytes. Windows begin every `stride` units, by
    default without overlap; `part` is the stretch of the text they lie in, as fractions: [0, 0.9] is its first nine
    tenths. The vocabulary is that of the whole file, so that all parts agree: `$data.vocab` is its size.
    """

    path: Path
    window: Annotated[int, Ge(1)] = 64
    stride: Annotated[int, Ge(1)] | None = None
    unit: Literal["characters", "bytes"] = "characters"
    part: tuple[Fraction, Fraction] = (0.0, 1.0)

    def validate(self) -> None:
        if self.part[0] >= self.part[1]:
            raise ValueError(f"`part` is {list(self.part)}; it must be [start, end] with start < end")

    def describe(self) -> Description:
        text, starts = self._open()
        field = Field((self.window,), np.dtype(np.int64))
        known = {"examples": len(starts), "vocab": len(text.vocabulary), "shape": [self.window]}
        if self.unit == "characters":
            known["characters"] = "".join(map(chr, text.vocabulary))
        return Description({"x": field, "y": field}, len(starts), known)

    def read(self, indices: Array) -> dict[str, Array]:
        text, starts = self._open()
        windows = (starts.start + starts.step * indices)[:, None] + np.arange(self.window + 1)
        found = text.units[windows]
        found = found.astype(np.int64) if text.lookup is None else text.lookup[found]
        return {"x": found[:, :-1], "y": found[:, 1:]}

    def _open(self) -> tuple[_Text, range]:
        """The text, and where in it the windows begin."""
        text = _load(stamp(self.path), self.unit)
        first, end = (round(fraction * len(text.units)) for fraction in self.part)
        starts = range(first, end - self.window, self.stride or self.window)
        if not starts:
            fact = f"{self.path}: {end - first} {self.unit} in this part; a window and what comes next are"
            raise DataError(f"{fact} {self.window + 1}", help="a smaller `window`, or a larger `part`")
        return text, starts


class _Text(NamedTuple):
    """A text as numbers in the smallest integers that hold them, and what each number stands for.

    Where `lookup` is given, `units` are the bytes of the file, mapped into memory, and `lookup` has the number of each.
    """

    units: Array
    vocabulary: list[int]
    lookup: Array | None = None


@lru_cache(maxsize=4)
def _load(file: FileStamp, unit: str) -> _Text:
    mapped = np.memmap(file.path, np.uint8, "r")
    if unit == "bytes":
        return _Text(mapped, list(range(256)))
    used = np.zeros(256, np.bool_)
    for start in range(0, len(mapped), PIECE):
        used |= np.bincount(mapped[start : start + PIECE], minlength=256) > 0
    if used[128:].any():
        return _decoded(file.path)
    return _Text(mapped, np.flatnonzero(used).tolist(), np.cumsum(used) - 1)  # of ASCII a byte is a character


def _decoded(path: Path) -> _Text:
    """Twice through the file: for the vocabulary, then for the numbers, a byte or two for each character."""
    vocabulary, count = np.empty(0, np.uint32), 0
    for points in _points(path):
        vocabulary, count = np.union1d(vocabulary, points), count + len(points)
    units = np.empty(count, np.min_scalar_type(len(vocabulary)))
    at = 0
    for points in _points(path):
        units[at : at + len(points)] = np.searchsorted(vocabulary, points)
        at += len(points)
    return _Text(units, vocabulary.tolist())


def _points(path: Path) -> Iterator[Array]:
    """The code points of a file in UTF-8, a piece at a time; raises `DataError` with the line of what is not."""
    decoder, line = codecs.getincrementaldecoder("utf-8")(), 1
    with path.open("rb") as file:
        while True:
            data = file.read(PIECE)
            try:
                text = decoder.decode(data, final=not data)
            except UnicodeDecodeError as error:
                line += error.object.count(b"\n", 0, error.start)
                fact = f"{path}, line {line}: byte 0x{error.object[error.start]:02x} is not UTF-8"
                raise DataError(fact, help="save the file as UTF-8, or read it with `unit: bytes`") from None
            if not data:
                return
            line += data.count(b"\n")
            yield np.frombuffer(text.encode("utf-32-le"), np.uint32)
