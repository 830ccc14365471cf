"""Text as windows of characters or bytes, each with the window one further on: what comes next is what is learned."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Annotated, Literal, NamedTuple

import numpy as np
from annotated_types import Ge, Le

from blockrun.plugins.data.files import Array, FileStamp, stamp
from blockrun.plugins.data.source import Description, Field, Source
from blockrun.plugins.errors import DataError

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
        first = starts.start + starts.step * np.asarray(indices)
        windows = first[:, None] + np.arange(self.window + 1)
        found = text.units[windows].astype(np.int64)
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
    """A text as numbers, in the smallest integers that hold them, and what each number stands for."""

    units: Array
    vocabulary: list[int]


@lru_cache(maxsize=4)
def _load(file: FileStamp, unit: str) -> _Text:
    data = file.path.read_bytes()
    if unit == "bytes":
        return _Text(np.frombuffer(data, np.uint8), list(range(256)))
    try:
        points = np.frombuffer(data.decode("utf-8").encode("utf-32-le"), np.uint32)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        fact = f"{file.path}, line {line}: byte 0x{data[error.start]:02x} is not UTF-8"
        raise DataError(fact, help="save the file as UTF-8, or read it with `unit: bytes`") from None
    vocabulary, numbers = np.unique(points, return_inverse=True)
    return _Text(numbers.astype(np.min_scalar_type(len(vocabulary))), vocabulary.tolist())
