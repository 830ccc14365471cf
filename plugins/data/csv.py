"""Tables of text: every cell that is not what its column needs is named by file, row and column."""

from __future__ import annotations

import csv
import difflib
from collections.abc import Iterator
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from blockrun.plugins.data.cells import Column, Table, is_number
from blockrun.plugins.data.files import Array, FileStamp, check_rows, description, read_text, rows_within, stamp
from blockrun.plugins.data.source import Description, Field, Source
from blockrun.plugins.errors import DataError

AT_ONCE = 4096  # rows that are held as text
Row = tuple[int, list[str]]
Wanted = tuple[tuple[str, str | tuple[str, ...]], ...]


class Csv(Source):
    """A table in UTF-8 with a row per example.

    `fields` maps a field to a column, which gives one number per example, or to a list of columns or `first..last`,
    which gives a vector of floats; left out, the last column is `label` and all others are `features`. A single column
    of integers is int64, one of words becomes classes 0, 1, ... in sorted order. Without `header`, columns are
    named 1, 2, ...; `rows` is a half-open range [first, end] of the rows of data, from 0. In memory are the numbers,
    eight bytes each, and not the text.
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

    def line(self, example: int) -> int:
        """The line of the file on which an example begins, from 1."""
        first = 0 if self.rows is None else self.rows[0]
        return next(islice(_rows(self.path, self.delimiter), int(self.header) + first + example, None))[0]

    def _load(self) -> _Data:
        wanted = tuple((field, _as_written(columns)) for field, columns in (self.fields or {}).items())
        return _load(stamp(self.path), self.header, self.delimiter, wanted)


class _Data(NamedTuple):
    """The arrays of all rows by field, and the names of the classes of the fields that were words."""

    arrays: dict[str, Array]
    class_names: dict[str, list[str]]
    examples: int


def _as_written(columns: Any) -> str | tuple[str, ...]:
    return tuple(str(column) for column in columns) if isinstance(columns, (list, tuple)) else str(columns)


@lru_cache(maxsize=8)
def _load(file: FileStamp, header: bool, delimiter: str, wanted: Wanted) -> _Data:
    """Row by row, so that no more than the numbers themselves is held."""
    rows = _rows(file.path, delimiter)
    _, first = next(rows, (0, []))
    if not first:
        raise DataError(f"{file.path}: has no rows of data")
    table = Table(file.path, first if header else [str(number + 1) for number in range(len(first))])
    if header:
        _check_header(file.path, table.names)
    else:
        rows = _rows(file.path, delimiter)
    fields = {field: (_resolve(table, columns), columns) for field, columns in wanted or _default_fields(table)}
    found = {
        (field, i): Column(table, i, len(indices) == 1 and columns == table.names[i])
        for field, (indices, columns) in fields.items()
        for i in indices
    }
    count = sum(_take(table, list(found.values()), chunk) for chunk in _chunks(rows))
    if not count:
        raise DataError(f"{file.path}: has no rows of data, only a header")
    arrays: dict[str, Array] = {}
    class_names: dict[str, list[str]] = {}
    for field, (indices, _) in fields.items():
        columns = [found[field, i] for i in indices]
        if columns[0].single:
            arrays[field], names = columns[0].whole(), columns[0].names
            class_names |= {field: names} if names else {}
        else:
            arrays[field] = np.empty((count, len(columns)))
            for at, column in enumerate(columns):
                arrays[field][:, at] = column.whole()
    return _Data(arrays, class_names, count)


def _rows(path: Path, delimiter: str) -> Iterator[Row]:
    """The rows that have something in them, each with the line on which it begins."""
    end = 0
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file, delimiter=delimiter, strict=True)
            for row in reader:
                if row:
                    yield end + 1, [cell.strip() for cell in row]
                end = reader.line_num
    except csv.Error as error:
        raise DataError(f"{path}, row {end + 1}: {error}", help="is a quotation mark missing?") from None
    except UnicodeDecodeError:
        read_text(path)  # which says where
        raise
    except OSError as error:
        raise DataError(f"{path}: {error.strerror}") from None


def _chunks(rows: Iterator[Row]) -> Iterator[list[Row]]:
    while chunk := list(islice(rows, AT_ONCE)):
        yield chunk


def _take(table: Table, columns: list[Column], rows: list[Row]) -> int:
    """Add rows to the columns; how many there were."""
    for line, row in rows:
        if len(row) != len(table.names):
            raise DataError(f"{table.path}, row {line}: has {len(row)} cells, the first row has {len(table.names)}")
    lines = [line for line, _ in rows]
    for column in columns:
        column.take(lines, [row[column.index] for _, row in rows])
    return len(rows)


def _check_header(path: Path, names: list[str]) -> None:
    for number, name in enumerate(names, start=1):
        if name and name in names[: number - 1]:
            first = names.index(name) + 1
            raise DataError(f"{path}, row 1: columns {first} and {number} are both named `{name}`", help="rename one")
    if all(is_number(name) for name in names):
        fact = f"{path}, row 1: holds only numbers where the names of the columns are expected"
        raise DataError(fact, help="say `header: false` if the file begins with data")


def _default_fields(table: Table) -> Wanted:
    if len(table.names) < 2:
        raise DataError(f"{table.path}: has 1 column, features and a label need 2", help="choose it with `fields`")
    if "" in table.names:
        number = table.names.index("") + 1
        raise DataError(f"{table.path}, row 1: column {number} has no name", help="name it, or choose with `fields`")
    return (("features", tuple(table.names[:-1])), ("label", table.names[-1]))


def _resolve(table: Table, columns: str | tuple[str, ...]) -> list[int]:
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


def _index(table: Table, name: str) -> int:
    if name and name in table.names:
        return table.names.index(name)
    near = difflib.get_close_matches(name, table.names, 1)
    names = ", ".join(table.names[:20]) + (", ..." if len(table.names) > 20 else "")
    raise DataError(
        f"{table.path}: there is no column `{name}`",
        help=f"did you mean `{near[0]}`?" if near else f"the columns are {names}",
    )
