"""Tables of text: every cell that is not what its column needs is named by file, row and column."""

from __future__ import annotations

import csv
import difflib
import io
import re
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from blockrun.plugins.data.files import Array, FileStamp, check_rows, description, read_text, rows_within, stamp
from blockrun.plugins.data.source import Description, Field, Source
from blockrun.plugins.errors import DataError

INTEGER = re.compile(r"[+-]?[0-9]{1,18}")  # as many digits as always fit 64 bits

Wanted = tuple[tuple[str, str | tuple[str, ...]], ...]


class Csv(Source):
    """A table in UTF-8 with a row per example.

    `fields` maps a field to a column, which gives one number per example, or to a list of columns or `first..last`,
    which gives a vector of floats; left out, the last column is `label` and all others are `features`. A single column
    of integers is int64, one of words becomes classes 0, 1, ... in sorted order. Without `header`, columns are
    named 1, 2, ...; `rows` is a half-open range [first, end] of the rows of data, from 0.
    """

    path: Path
    fields: dict[str, Any] | None = None
    header: bool = True
    delimiter: str = ","
    rows: tuple[int, int] | None = None

    def validate(self) -> None:
        check_rows(self.rows)
        if len(self.delimiter) != 1 or self.delimiter in '"\r\n':
            raise ValueError(f"`delimiter` is {self.delimiter!r}; it must be one character, not a quote or line end")
        for field, columns in (self.fields or {}).items():
            if not columns or not isinstance(columns, (str, int, list, tuple)):
                raise ValueError(f"`fields.{field}` is {columns!r}; it must be a column or a list of columns")

    def describe(self) -> Description:
        data = self._load()
        rows = rows_within(self.path, self.rows, data.examples)
        fields = {name: Field(array.shape[1:], array.dtype) for name, array in data.arrays.items()}
        known = description(fields, len(rows), data.arrays.__getitem__)
        if len(data.class_names) == 1:
            known.values["class_names"] = list(*data.class_names.values())
        return known

    def read(self, indices: Array) -> dict[str, Array]:
        data = self._load()
        rows = rows_within(self.path, self.rows, data.examples)
        return {name: array[rows.start : rows.stop][indices] for name, array in data.arrays.items()}

    def _load(self) -> _Data:
        wanted = tuple((field, _as_written(columns)) for field, columns in (self.fields or {}).items())
        return _load(stamp(self.path), self.header, self.delimiter, wanted)


class _Data(NamedTuple):
    """The arrays of all rows by field, and the names of the classes of the fields that were words."""

    arrays: dict[str, Array]
    class_names: dict[str, list[str]]
    examples: int


class _Table(NamedTuple):
    """The cells of a file as text, with the line on which each row begins."""

    path: Path
    names: list[str]
    lines: list[int]
    rows: list[list[str]]

    def error(self, row: int, column: int, fact: str, help: str = "") -> DataError:
        return DataError(f"{self.path}, row {self.lines[row]}, column `{self.names[column]}`: {fact}", help=help)


def _as_written(columns: Any) -> str | tuple[str, ...]:
    return tuple(str(column) for column in columns) if isinstance(columns, (list, tuple)) else str(columns)


@lru_cache(maxsize=8)
def _load(file: FileStamp, header: bool, delimiter: str, wanted: Wanted) -> _Data:
    table = _read(file.path, header, delimiter)
    arrays: dict[str, Array] = {}
    class_names: dict[str, list[str]] = {}
    for field, columns in wanted or _default_fields(table):
        indices = _resolve(table, columns)
        if isinstance(columns, str) and len(indices) == 1 and columns == table.names[indices[0]]:
            arrays[field], names = _single(table, indices[0])
            class_names |= {field: names} if names else {}
        else:
            arrays[field] = np.stack([_numbers(table, index) for index in indices], axis=1)
    return _Data(arrays, class_names, len(table.rows))


def _read(path: Path, header: bool, delimiter: str) -> _Table:
    lines, rows = _split(path, delimiter)
    if not rows or (header and len(rows) == 1):
        raise DataError(f"{path}: has no rows of data" + (", only a header" if rows else ""))
    names = rows[0] if header else [str(number + 1) for number in range(len(rows[0]))]
    if header:
        _check_header(path, names)
        lines, rows = lines[1:], rows[1:]
    for line, row in zip(lines, rows, strict=True):
        if len(row) != len(names):
            raise DataError(f"{path}, row {line}: has {len(row)} cells, the first row has {len(names)}")
    return _Table(path, names, lines, rows)


def _split(path: Path, delimiter: str) -> tuple[list[int], list[list[str]]]:
    reader = csv.reader(io.StringIO(read_text(path), newline=""), delimiter=delimiter, strict=True)
    lines, rows, end = [], [], 0
    try:
        for row in reader:
            if row:
                lines.append(end + 1)
                rows.append([cell.strip() for cell in row])
            end = reader.line_num
    except csv.Error as error:
        raise DataError(f"{path}, row {end + 1}: {error}", help="is a quotation mark missing?") from None
    return lines, rows


def _check_header(path: Path, names: list[str]) -> None:
    for number, name in enumerate(names, start=1):
        if name and name in names[: number - 1]:
            first = names.index(name) + 1
            raise DataError(f"{path}, row 1: columns {first} and {number} are both named `{name}`", help="rename one")
    if all(_is_number(name) for name in names):
        fact = f"{path}, row 1: holds only numbers where the names of the columns are expected"
        raise DataError(fact, help="say `header: false` if the file begins with data")


def _default_fields(table: _Table) -> Wanted:
    if len(table.names) < 2:
        raise DataError(f"{table.path}: has 1 column, features and a label need 2", help="choose it with `fields`")
    if "" in table.names:
        number = table.names.index("") + 1
        raise DataError(f"{table.path}, row 1: column {number} has no name", help="name it, or choose with `fields`")
    return (("features", tuple(table.names[:-1])), ("label", table.names[-1]))


def _resolve(table: _Table, columns: str | tuple[str, ...]) -> list[int]:
    """The numbers of the columns, from 0; `first..last` is a range unless a column has just that name."""
    if isinstance(columns, str) and columns not in table.names and columns.count("..") == 1:
        first, last = (_index(table, name.strip()) for name in columns.split(".."))
        if last < first:
            raise DataError(f"{table.path}: `{columns}` runs backwards; column {first + 1} comes after {last + 1}")
        return list(range(first, last + 1))
    indices = [_index(table, name) for name in ([columns] if isinstance(columns, str) else columns)]
    twice = [table.names[index] for index in indices if indices.count(index) > 1]
    if twice:
        raise DataError(f"{table.path}: column `{twice[0]}` is listed twice in one field")
    return indices


def _index(table: _Table, name: str) -> int:
    if name and name in table.names:
        return table.names.index(name)
    near = difflib.get_close_matches(name, table.names, 1)
    names = ", ".join(table.names[:20]) + (", ..." if len(table.names) > 20 else "")
    raise DataError(
        f"{table.path}: there is no column `{name}`",
        help=f"did you mean `{near[0]}`?" if near else f"the columns are {names}",
    )


def _is_number(cell: str) -> bool:
    try:
        return bool(np.isfinite(float(cell))) and "_" not in cell
    except ValueError:
        return False


def _column(table: _Table, column: int) -> list[str]:
    cells = [row[column] for row in table.rows]
    if "" in cells:
        raise table.error(cells.index(""), column, "the cell is empty", "fill it in, or remove the row")
    return cells


def _numbers(table: _Table, column: int) -> Array:
    cells = _column(table, column)
    try:
        values = np.array([float(cell) for cell in cells])
    except ValueError:
        values = np.array(np.nan)
    if not np.isfinite(values).all() or any("_" in cell for cell in cells):
        row = next(row for row, cell in enumerate(cells) if not _is_number(cell))
        help = "words can only be classes, in a field of one column and in every row of it"
        raise table.error(row, column, f"`{cells[row][:40]}` is not a finite number", help)
    return values


def _single(table: _Table, column: int) -> tuple[Array, list[str]]:
    """A column as integers, floats or classes, and the names of the classes."""
    cells = _column(table, column)
    if all(INTEGER.fullmatch(cell) for cell in cells):
        return np.array([int(cell) for cell in cells], np.int64), []
    if _is_number(cells[0]):
        return _numbers(table, column), []
    row = next((row for row, cell in enumerate(cells) if _is_number(cell)), None)
    if row is not None:
        fact = f"`{cells[row]}` is a number, but `{cells[0][:40]}` in row {table.lines[0]} is not"
        raise table.error(row, column, fact, "a column holds either numbers or the names of classes")
    names = sorted(set(cells))
    number = {name: index for index, name in enumerate(names)}
    return np.array([number[cell] for cell in cells], np.int64), names
