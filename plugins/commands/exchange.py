"""Arrays in and out of the command line: csv, npz and npy files, standard input and output."""

from __future__ import annotations

import csv
import io
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from blockrun.plugins.errors import DataError, UsageError

if TYPE_CHECKING:
    from blockrun.plugins.data.csv import Csv
    from blockrun.plugins.data.source import Source
    from blockrun.plugins.network.experiment import Input

Array = np.ndarray[Any, Any]
KINDS = (".csv", ".npz", ".npy")


def read_examples(file: str, wanted: dict[str, Input]) -> dict[str, Array]:
    """The inputs `wanted` from a file, or from standard input where `file` is "-".

    An npz has an array for each input, under its name; an npy is the only input; a csv has a row for each example and
    a column for each number, input by input. Standard input is any of them. Raises `DataError`.
    """
    if file == "-":
        data = sys.stdin.buffer.read()
        kind = ".npz" if data[:4] == b"PK\3\4" else ".npy" if data[:6] == b"\x93NUMPY" else ".csv"
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / f"input{kind}"
            path.write_bytes(data)
            try:
                return _read(path, wanted)
            except DataError as error:
                raise DataError(error.message.replace(str(path), "standard input"), error.help) from None
    if not Path(file).is_file():
        raise DataError(f"{file}: there is no such file", help="paths are relative to the folder you are in")
    return _read(Path(file), wanted)


def _read(path: Path, wanted: dict[str, Input]) -> dict[str, Array]:
    kind = _kind(path)
    if kind == ".csv":
        return _from_table(path, wanted)
    if kind == ".npz":
        from blockrun.plugins.data.npz import Npz

        return _all(Npz(path=path, fields={name: name for name in wanted}))
    from blockrun.plugins.data.npy import Npy

    if len(wanted) != 1:
        raise DataError(f"{path} is one array; the inputs are {', '.join(wanted)}", help="give them in a .npz file")
    return _all(Npy(folder=path.parent, fields={next(iter(wanted)): path.name}))


def _kind(path: Path) -> str:
    if path.suffix not in KINDS:
        raise UsageError(f"{path}: the name must end in .csv, .npz or .npy")
    return path.suffix


def _all(source: Source) -> dict[str, Array]:
    return source.read(np.arange(source.describe().examples))


def _from_table(path: Path, wanted: dict[str, Input]) -> dict[str, Array]:
    from blockrun.plugins.data.csv import Csv

    header, names = _first_row(path)
    sizes = {name: int(np.prod(given.shape)) for name, given in wanted.items()}
    if sum(sizes.values()) != len(names):
        shown = " + ".join(f"{size} of `{name}`" for name, size in sizes.items())
        raise DataError(f"{path}: has {len(names)} columns; the network reads {shown}")
    ends = np.cumsum(list(sizes.values())).tolist()
    fields = {name: names[end - sizes[name] : end] for name, end in zip(sizes, ends, strict=True)}
    source = Csv(path=path, fields=fields, header=header)
    return {name: _shaped(source, fields[name], x, wanted[name]) for name, x in _all(source).items()}


def _first_row(path: Path) -> tuple[bool, list[str]]:
    """Whether it names the columns, and their names: numbers from 1 where it does not."""
    with path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
        first = [cell.strip() for cell in next(csv.reader(file), [])]
    numbers = [_is_number(cell) for cell in first]
    if any(numbers) and not all(numbers):
        column = numbers.index(False)
        fact = f"{path}, row 1, column {column + 1}: `{first[column][:40]}` is not a number, others in the row are"
        raise DataError(fact, help="a row holds numbers, and a heading none")
    return not all(numbers), [str(i + 1) for i in range(len(first))] if all(numbers) else first


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _shaped(source: Csv, columns: list[str], x: Array, wanted: Input) -> Array:
    """Columns in the shape of an example, integers where these are wanted."""
    whole = x if np.dtype(wanted.dtype).kind == "f" else x.astype(wanted.dtype)
    if (whole != x).any():
        row, column = np.argwhere(whole != x)[0].tolist()
        where = f"{source.path}, row {source.line(row)}, column `{columns[column]}`"
        raise DataError(f"{where}: {x[row, column]:g} is not a whole number, which is needed here")
    return whole.reshape(len(x), *wanted.shape)


def write_arrays(file: str, found: dict[str, Array], kind: str = "") -> None:
    """Write arrays to a file, whose ending says how, or to standard output where `file` is "-".

    `kind` is csv, npz or npy, for standard output, which is csv without. Raises `UsageError` for what does not fit.
    """
    if file == "-":
        sys.stdout.flush()
        sys.stdout.buffer.write(_bytes("standard output", f".{kind or 'csv'}", found))
        sys.stdout.buffer.flush()
        return
    path = Path(file)
    if kind and path.suffix != f".{kind}":
        raise UsageError(f"{path} is not called .{kind}", help="leave out --as: the ending of a file says what it is")
    from blockrun.plugins.training.files import write_atomic

    write_atomic(path, _bytes(file, _kind(path), found))


def _bytes(file: str, kind: str, found: dict[str, Array]) -> bytes:
    if kind == ".npz":
        from blockrun.plugins.export.arrays import npz

        return npz(found)
    buffer = io.BytesIO()
    if kind == ".npy":
        if len(found) != 1:
            raise UsageError(f"{file} would be one array; there are {', '.join(found)}", help="write npz instead")
        np.save(buffer, next(iter(found.values())), allow_pickle=False)
    else:
        buffer.write(_table(found).encode())
    return buffer.getvalue()


def _table(found: dict[str, Array]) -> str:
    """A row for each example, a column for each number, named `variable` or `variable[i, j]`."""
    columns: list[tuple[str, Any]] = []
    for name, x in found.items():
        rows = np.atleast_1d(x)
        for index in np.ndindex(rows.shape[1:]):
            label = f"{name}[{', '.join(map(str, index))}]" if index else name
            columns.append((label, rows[(slice(None), *index)]))
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([label for label, _ in columns])
    writer.writerows(zip(*(values for _, values in columns), strict=True))
    return text.getvalue()
