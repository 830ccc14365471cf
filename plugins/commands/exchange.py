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

    with path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
        first = next(csv.reader(file), [])
    header = not all(map(_is_number, first))
    names = [cell.strip() for cell in first] if header else [str(i + 1) for i in range(len(first))]
    sizes = {name: int(np.prod(given.shape)) for name, given in wanted.items()}
    if sum(sizes.values()) != len(names):
        shown = " + ".join(f"{size} of `{name}`" for name, size in sizes.items())
        raise DataError(f"{path}: has {len(names)} columns; the network reads {shown}")
    ends = np.cumsum(list(sizes.values())).tolist()
    fields = {name: names[end - sizes[name] : end] for name, end in zip(sizes, ends, strict=True)}
    found = _all(Csv(path=path, fields=fields, header=header))
    return {name: _shaped(path, name, x, wanted[name]) for name, x in found.items()}


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _shaped(path: Path, name: str, x: Array, wanted: Input) -> Array:
    """Columns in the shape of an example, integers where these are wanted."""
    x = x.reshape(len(x), *wanted.shape)
    if np.dtype(wanted.dtype).kind == "f":
        return x
    whole = x.astype(wanted.dtype)
    if (whole != x).any():
        raise DataError(f"{path}: `{name}` needs whole numbers; one is {x[whole != x][0]:g}")
    return whole


def write_arrays(file: str, found: dict[str, Array]) -> None:
    """Write arrays to a file, whose ending says how, or as csv to standard output where `file` is "-"."""
    if file == "-":
        sys.stdout.write(_table(found))
        return
    path = Path(file)
    buffer = io.BytesIO()
    kind = _kind(path)
    if kind == ".npz":
        np.savez(buffer, allow_pickle=False, **found)
    elif kind == ".npy":
        if len(found) != 1:
            raise UsageError(f"{path} would be one array; there are {', '.join(found)}", help="write a .npz file")
        np.save(buffer, next(iter(found.values())), allow_pickle=False)
    else:
        buffer.write(_table(found).encode())
    from blockrun.plugins.training.files import write_atomic

    write_atomic(path, buffer.getvalue())


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
