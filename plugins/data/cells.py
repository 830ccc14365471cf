"""The columns of a table, taken a few rows at a time: numbers, or words that become classes."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from blockrun.plugins.errors import DataError

Array = np.ndarray[Any, Any]
INTEGER = re.compile(r"[+-]?[0-9]{1,18}")  # as many digits as always fit 64 bits


class Table(NamedTuple):
    """What a file is called, and its columns."""

    path: Path
    names: list[str]

    def error(self, line: int, column: int, fact: str, help: str = "") -> DataError:
        return DataError(f"{self.path}, row {line}, column `{self.names[column]}`: {fact}", help=help)


class Column:
    """Column number `index`, from 0: floats, or where it is a `single` one integers, floats or words, as it begins."""

    def __init__(self, table: Table, index: int, single: bool) -> None:
        self.table, self.index, self.single = table, index, single
        self._pieces: list[Array] = []
        self._codes: dict[str, int] = {}  # of words, in the order in which they come
        self._word = (0, "")  # the first, and its line
        self._integers = single

    def take(self, lines: list[int], cells: list[str]) -> None:
        """Add the cells of some rows; raises `DataError` naming the first that is not what the column needs."""
        if "" in cells:
            fact = "the cell is empty"
            raise self.table.error(lines[cells.index("")], self.index, fact, "fill it in, or remove the row")
        if self.single and not self._pieces and not is_number(cells[0]):
            self._word = lines[0], cells[0]
        self._integers = self._integers and all(INTEGER.fullmatch(cell) for cell in cells)
        if self._word[0]:
            self._pieces.append(self._words(lines, cells))
        elif self._integers:
            self._pieces.append(np.array([int(cell) for cell in cells], np.int64))
        else:
            self._pieces.append(self._numbers(lines, cells))

    def whole(self) -> Array:
        """All rows; what was taken is let go of."""
        pieces, self._pieces = self._pieces, []
        found = np.concatenate(pieces)
        if not self._codes:
            return found
        number = {name: i for i, name in enumerate(self.names)}
        return np.array([number[name] for name in self._codes])[found]

    @property
    def names(self) -> list[str]:
        """Those of the classes, if the cells were words."""
        return sorted(self._codes)

    def _words(self, lines: list[int], cells: list[str]) -> Array:
        at = next((at for at, cell in enumerate(cells) if is_number(cell)), None)
        if at is not None:
            line, word = self._word
            fact = f"`{cells[at]}` is a number, but `{word[:40]}` in row {line} is not"
            help = "a column holds either numbers or the names of classes"
            raise self.table.error(lines[at], self.index, fact, help)
        return np.array([self._codes.setdefault(cell, len(self._codes)) for cell in cells], np.int64)

    def _numbers(self, lines: list[int], cells: list[str]) -> Array:
        try:
            values = np.array([float(cell) for cell in cells])
        except ValueError:
            values = np.array(np.nan)
        if not np.isfinite(values).all() or any("_" in cell for cell in cells):
            at = next(at for at, cell in enumerate(cells) if not is_number(cell))
            help = "words can only be classes, in a field of one column and in every row of it"
            raise self.table.error(lines[at], self.index, f"`{cells[at][:40]}` is not a finite number", help)
        return values


def is_number(cell: str) -> bool:
    """Whether a cell is a finite number as one would write it."""
    try:
        return bool(np.isfinite(float(cell))) and "_" not in cell
    except ValueError:
        return False
