"""Arrays from a NumPy archive: nothing is unpickled, and nothing allocated before its size is known to be true."""

from __future__ import annotations

import difflib
import math
import warnings
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import IO, Any, NamedTuple

import numpy as np

from blockrun.plugins.data.files import Array, FileStamp, check_rows, description, rows_within, stamp
from blockrun.plugins.data.source import Description, Field, Source
from blockrun.plugins.errors import DataError

CHUNK = 1 << 20
DEFLATE_AT_MOST = 1032  # what one byte of a deflated stream can become


class Npz(Source):
    """Arrays of a `.npz` file whose first axis is the examples.

    `fields` maps a field to the name of its array (each array under its own name if left out); `rows` is a half-open
    range [first, end], which cuts several data sets from one file. Integers become int64, floats stay as they are.
    """

    path: Path
    fields: dict[str, str] | None = None
    rows: tuple[int, int] | None = None

    def validate(self) -> None:
        check_rows(self.rows)
        for field, array in (self.fields or {}).items():
            if not isinstance(array, str):
                raise ValueError(f"`fields.{field}` is {array!r}; it must be the name of an array in the file")

    def describe(self) -> Description:
        file, members = self._open()
        examples = len(self._rows(members))
        arrays = self._names(members)
        fields = {name: Field(members[array].shape[1:], members[array].becomes) for name, array in arrays.items()}
        return description(fields, examples, lambda name: _array(file, arrays[name], members[arrays[name]]))

    def read(self, indices: Array) -> dict[str, Array]:
        file, members = self._open()
        rows = self._rows(members)
        return {
            name: _array(file, array, members[array])[rows.start : rows.stop][indices].astype(
                members[array].becomes, copy=False
            )
            for name, array in self._names(members).items()
        }

    def _open(self) -> tuple[FileStamp, dict[str, _Member]]:
        file = stamp(self.path)
        return file, _members(file, tuple((self.fields or {}).values()))

    def _names(self, members: dict[str, _Member]) -> dict[str, str]:
        return self.fields or {name: name for name in members}

    def _rows(self, members: dict[str, _Member]) -> range:
        first_name, first = next(iter(members.items()))
        for name, member in members.items():
            _require_examples(self.path, name, member, first_name, first)
        return rows_within(self.path, self.rows, first.shape[0])


def read_array(path: Path, name: str) -> Array:
    """One array of a `.npz` file, of any shape; raises `DataError`."""
    file = stamp(path)
    return _array(file, name, _members(file, (name,))[name])


class _Member(NamedTuple):
    """What the header of one array says: shape, dtype, order of the axes in memory, and where the numbers begin."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    fortran: bool
    start: int

    @property
    def becomes(self) -> np.dtype[Any]:
        return np.dtype(np.int64) if self.dtype.kind in "iu" else self.dtype.newbyteorder("=")


def _require_examples(path: Path, name: str, member: _Member, first_name: str, first: _Member) -> None:
    if not member.shape:
        raise DataError(f"{path}: array `{name}` is a single number; its first axis must be the examples")
    if member.shape[0] != first.shape[0]:
        fact = f"`{first_name}` has {first.shape[0]} examples and `{name}` has {member.shape[0]}"
        raise DataError(f"{path}: {fact}", help="choose arrays of one length with `fields`")


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    """A damaged archive makes zipfile, zlib and NumPy raise a dozen kinds of exception; all of them mean the same."""
    try:
        yield
    except DataError:
        raise
    except MemoryError:
        raise DataError(f"{path}: its arrays do not fit into memory") from None
    except Exception as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise DataError(f"{path}: not a readable .npz file ({reason})") from None


@lru_cache(maxsize=8)
def _members(file: FileStamp, wanted: tuple[str, ...]) -> dict[str, _Member]:
    """What the headers of the arrays that are wanted say, or of all."""
    with _reading(file.path), zipfile.ZipFile(file.path) as archive:
        infos = _contents(file.path, archive)
        for name in wanted:
            if name not in infos:
                near = difflib.get_close_matches(name, infos, 1)
                hint = f"did you mean `{near[0]}`?" if near else f"it has {', '.join(infos)}"
                raise DataError(f"{file.path}: there is no array `{name}`", help=hint)
        return {name: _member(file, name, archive, infos[name]) for name in wanted or infos}


def _contents(path: Path, archive: zipfile.ZipFile) -> dict[str, zipfile.ZipInfo]:
    infos: dict[str, zipfile.ZipInfo] = {}
    for info in archive.infolist():
        name = info.filename.removesuffix(".npy")
        if name in infos:
            raise DataError(f"{path}: two arrays are named `{name}`")
        infos[name] = info
    if not infos:
        raise DataError(f"{path}: it holds no arrays")
    return infos


def _member(file: FileStamp, name: str, archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> _Member:
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise DataError(f"{file.path}: array `{name}` is packed by method {info.compress_type}; NumPy uses 0 and 8")
    with archive.open(info) as stream:
        member = _header(file.path, name, stream)
    declared = member.start + math.prod(member.shape) * member.dtype.itemsize
    possible = min(info.compress_size, file.size) * DEFLATE_AT_MOST
    if declared != info.file_size or info.file_size > possible or min(member.shape, default=0) < 0:
        fact = f"declares {declared} bytes, has {info.file_size} in {info.compress_size} compressed ones"
        raise DataError(f"{file.path}: array `{name}` {fact}", help="the file is damaged or was made to mislead")
    return member


def _header(path: Path, name: str, stream: IO[bytes]) -> _Member:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of NumPy, about headers written by Python 2
        version = np.lib.format.read_magic(stream)
        if version not in ((1, 0), (2, 0)):
            raise DataError(f"{path}: array `{name}` has format version {version}; only plain arrays can be read")
        read = {1: np.lib.format.read_array_header_1_0, 2: np.lib.format.read_array_header_2_0}[version[0]]
        shape, fortran, dtype = read(stream)
    if dtype.kind not in "biuf" or dtype.itemsize > 8:
        raise DataError(f"{path}: array `{name}` is of type {dtype}; only numbers of up to 64 bits can be read")
    return _Member(shape, dtype, fortran, stream.tell())


@lru_cache(maxsize=16)
def _array(file: FileStamp, name: str, member: _Member) -> Array:
    with (
        _reading(file.path),
        zipfile.ZipFile(file.path) as archive,
        archive.open(_contents(file.path, archive)[name]) as stream,
    ):
        stream.read(member.start)
        flat = _fill(np.empty(math.prod(member.shape), member.dtype), stream)
    if flat.dtype == np.uint64 and flat.size and flat.max() > np.iinfo(np.int64).max:
        raise DataError(f"{file.path}: array `{name}` holds {flat.max()}, which is more than a 64-bit integer can be")
    return flat.reshape(member.shape, order="F" if member.fortran else "C")


def _fill(flat: Array, stream: IO[bytes]) -> Array:
    """Piece by piece, so that memory is only taken up as far as there are bytes to fill it."""
    into = flat.view(np.uint8)
    at = 0
    while piece := stream.read(CHUNK):
        into[at : at + len(piece)] = np.frombuffer(piece, np.uint8)
        at += len(piece)
    if at != len(into):
        raise EOFError(f"an array ends after {at} of {len(into)} bytes")
    return flat
