"""What sources that read one file share: whether it can be read, which rows are meant, what its arrays tell."""

from __future__ import annotations

import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from blockrun.plugins.data.source import Description, Field
from blockrun.plugins.errors import DataError

Array = np.ndarray[Any, Any]
Rows = tuple[int, int] | None


class FileStamp(NamedTuple):
    """A file as it is now: what has been read of it may be kept for as long as this stays the same."""

    path: Path
    changed: int
    size: int


def stamp(path: Path) -> FileStamp:
    """The stamp of a regular file with something in it; raises `DataError`."""
    try:
        found = path.stat()
    except (OSError, ValueError) as error:
        reason = (getattr(error, "strerror", None) or str(error)).lower()
        raise DataError(f"{path}: {reason}", help="a path is taken relative to the network file") from None
    if not stat.S_ISREG(found.st_mode):
        raise DataError(f"{path}: is a {'folder' if stat.S_ISDIR(found.st_mode) else 'device'}, not a file")
    if found.st_size == 0:
        raise DataError(f"{path}: is empty (0 bytes)")
    return FileStamp(path, found.st_mtime_ns, found.st_size)


def check_rows(rows: Rows) -> None:
    """Refuse a range that is empty or begins before the file; raises `ValueError`."""
    if rows is not None and not 0 <= rows[0] < rows[1]:
        raise ValueError(f"`rows` is {list(rows)}; it must be [first, end] with 0 <= first < end")


def rows_within(path: Path, rows: Rows, examples: int) -> range:
    """The rows meant, of a file that has `examples`; raises `DataError` where they reach beyond its end."""
    if rows is None:
        return range(examples)
    if rows[1] > examples:
        fact = f"{path}: `rows` is {list(rows)}, but the file has {examples} examples"
        raise DataError(fact, help=f"rows count from 0 and the end is not included: at most [{rows[0]}, {examples}]")
    return range(*rows)


def description(fields: dict[str, Field], examples: int, labels: Callable[[str], Array]) -> Description:
    """The fields, with `shape` of the only floating field and `classes` of the only field of integer labels.

    `labels(name)` is asked for that one field, over the whole file, so that every range of rows agrees.
    """
    values: dict[str, Any] = {"examples": examples}
    floats = [field for field in fields.values() if field.dtype.kind == "f"]
    if len(floats) == 1:
        values["shape"] = list(floats[0].shape)
    names = [name for name, field in fields.items() if field.dtype.kind == "i" and field.shape == ()]
    if len(names) == 1 and (column := labels(names[0])).size and column.min() >= 0:
        values["classes"] = int(column.max()) + 1
    return Description(fields, examples, values)


def read_text(path: Path) -> str:
    """A file in UTF-8; raises `DataError` with the row of what is not."""
    try:
        data = path.read_bytes()
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        row, byte = data.count(b"\n", 0, error.start) + 1, data[error.start]
        raise DataError(f"{path}, row {row}: byte 0x{byte:02x} is not UTF-8", help="save it as UTF-8") from None
    except OSError as error:
        raise DataError(f"{path}: {error.strerror}") from None
