"""The container of checkpoints: safetensors, with the digests that it lacks, written and read piece by piece.

The metadata hold one record, with the digest of that record before it: the format version, `about`, and the type, shape
and sha256 of every tensor. Nothing is unpickled, and names are never paths. (docs/decisions/2026-11-25-checkpoints.md)
"""

from __future__ import annotations

import hashlib
import json
import math
from typing import IO, Any, NamedTuple

import numpy as np

Array = np.ndarray[Any, Any]
Tensors = dict[str, Array]

FORMAT = 1
KEY = "blockrun"
LARGEST_HEADER, HEADER_PART = 1 << 20, 32  # bytes, or one part of so many of a large file: JSON takes 24 times its size
TYPES = {
    **{"BOOL": "bool", "U8": "uint8", "U16": "uint16", "U32": "uint32", "U64": "uint64"},
    **{"I8": "int8", "I16": "int16", "I32": "int32", "I64": "int64"},
    **{"F16": "float16", "F32": "float32", "F64": "float64"},
}
KINDS = {name: kind for kind, name in TYPES.items()}


class Damage(Exception):
    """What is wrong with a file, or with what is to be written to it, before anybody has said which file."""


def encode(tensors: Tensors, about: dict[str, Any]) -> list[bytes | memoryview]:
    """The pieces of a file, the tensors from where they lie; raises `Damage` for what cannot be stored."""
    plain = {name: _plain(name, tensors[name]) for name in sorted(tensors)}
    plain = dict(sorted(plain.items(), key=lambda item: -item[1].itemsize))  # so that every tensor lies aligned
    bodies = {name: array.reshape(-1).view(np.uint8) for name, array in plain.items()}
    seals = {name: [a.dtype.name, list(a.shape), _sha256(bodies[name])] for name, a in plain.items()}
    record = {"format": FORMAT, "about": about, "tensors": seals}
    text = json.dumps(record, sort_keys=True, separators=(",", ":"), allow_nan=False)
    header = _dump({"__metadata__": {KEY: f"{_sha256(text.encode())} {text}"}, **_entries(plain)})
    header += b" " * (-len(header) % 8)
    most = _most(8 + len(header) + sum(array.nbytes for array in plain.values()))
    if len(header) > most:
        raise Damage(f"{len(tensors)} tensors need a header of {len(header)} bytes, more than {most}")
    return [len(header).to_bytes(8, "little"), header, *(body.data for body in bodies.values() if body.size)]


def _entries(plain: Tensors) -> dict[str, Any]:
    entries, end = {}, 0
    for name, array in plain.items():
        begin, end = end, end + array.nbytes
        entries[name] = {"dtype": KINDS[array.dtype.name], "shape": list(array.shape), "data_offsets": [begin, end]}
    return entries


def _plain(name: str, tensor: Array) -> Array:
    """The tensor with its bytes in the order of the file."""
    tensor = np.asarray(tensor)
    if tensor.dtype.name not in KINDS:
        raise Damage(f"tensor `{name}` is {tensor.dtype}, which a checkpoint cannot hold")
    return np.asarray(tensor, tensor.dtype.newbyteorder("<"), order="C")


def _dump(header: dict[str, Any]) -> bytes:
    return json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode(errors="replace")


def _sha256(data: Any) -> str:
    return hashlib.sha256(data).hexdigest()


def decode(file: IO[bytes], size: int) -> tuple[Tensors, dict[str, Any]]:
    """The tensors and `about` of an open file of `size` bytes; raises `Damage`.

    Nothing is allocated for a tensor before the header is known to describe just the file that is there.
    """
    header, start = _header(file, size)
    record = _record(header.pop("__metadata__", None))
    places = _places(header, size, start)
    seals = record["tensors"]
    if seals.keys() != places.keys():
        name = min(seals.keys() ^ places.keys())
        raise Damage(f"tensor `{name}` is in only one of its header and its record")
    for name, place in places.items():
        if [place.kind, place.shape] != seals[name][:2]:
            said = f"{place.kind} {place.shape} in its header, {seals[name][:2]} in its record"
            raise Damage(f"tensor `{name}` is {said}")
    return {name: _tensor(file, name, place, seals[name][2]) for name, place in places.items()}, record["about"]


def _tensor(file: IO[bytes], name: str, place: _Place, seal: str) -> Array:
    """The next tensor of the file."""
    stored = np.dtype("uint8" if place.kind == "bool" else place.kind).newbyteorder("<")
    try:
        array = np.empty(place.shape, stored)
    except ValueError as error:
        raise Damage(f"a tensor of shape {str(place.shape)[:80]} cannot be: {error}") from None
    body = array.reshape(-1).view(np.uint8)
    if body.size and file.readinto(body.data) != body.size:  # type: ignore[attr-defined]
        raise Damage(f"truncated within tensor `{name}` while it was read")
    if _sha256(body) != seal:
        raise Damage(f"the digest of tensor `{name}` differs from the one recorded; the file is damaged")
    return array.astype(place.kind, copy=False)


def _header(file: IO[bytes], size: int) -> tuple[dict[str, Any], int]:
    """The header as a dictionary, and where the tensors begin; `size` is that of the file."""
    if size < 8:
        raise Damage(f"truncated at {size} bytes, within the 8 it begins with")
    length = int.from_bytes(file.read(8), "little")
    if length > _most(size):
        raise Damage(f"announces a header of {length} bytes, at most {_most(size)} are allowed; not a checkpoint")
    if 8 + length > size:
        raise Damage(f"truncated at {size} bytes, within its header, which ends at {8 + length}")
    raw = file.read(length)
    header = _json(raw, "header")
    # Space and escapes leave JSON several ways to say one thing; only the way it was written is right.
    if raw.rstrip(b" ") != _dump(header):
        raise Damage("its header is not written as it should be; the file is damaged")
    return header, 8 + length


def _most(size: int) -> int:
    """The largest header of a file of `size` bytes, so that reading it takes no more memory than such a file may."""
    return max(LARGEST_HEADER, size // HEADER_PART)


def _record(metadata: Any) -> dict[str, Any]:
    if not isinstance(metadata, dict) or metadata.keys() != {KEY} or not isinstance(metadata[KEY], str):
        raise Damage("is not a checkpoint of blockrun: its metadata hold no record")
    digest, _, text = metadata[KEY].partition(" ")
    if _sha256(text.encode(errors="replace")) != digest:
        raise Damage("the digest of its record differs from the one before it; the file is damaged")
    record = _json(text.encode(errors="replace"), "record")
    if isinstance(version := record.get("format"), int) and version > FORMAT:
        raise Damage(f"has format {version}, this blockrun reads up to {FORMAT}; a newer blockrun wrote it")
    if record.keys() != {"format", "about", "tensors"} or version != FORMAT or not isinstance(record["about"], dict):
        raise Damage(f"its record is not one of format {FORMAT}")
    seals = record["tensors"]
    if not isinstance(seals, dict) or not all(isinstance(seal, list) and len(seal) == 3 for seal in seals.values()):
        raise Damage("its record does not list tensors as type, shape and digest")
    return record


class _Place(NamedTuple):
    """Where a tensor lies, counted from the end of the header, and what it is."""

    begin: int
    stop: int
    kind: str
    shape: list[int]


def _places(header: dict[str, Any], size: int, start: int) -> dict[str, _Place]:
    """The tensors in the order of the file; they must follow one another without gaps, from the header to the end."""
    places = dict(sorted(((n, _place(n, entry)) for n, entry in header.items()), key=lambda item: item[1][:2]))
    end = 0
    for name, place in places.items():
        length = math.prod(place.shape) * np.dtype(place.kind).itemsize
        if place.begin != end or place.stop != end + length:
            said = f"{place.begin} to {place.stop}, {end} to {end + length} would be right"
            raise Damage(f"tensor `{name}` is said to lie at {said}")
        end = place.stop
    if start + end != size:
        what = "truncated at" if start + end > size else "goes on to"
        raise Damage(f"{what} {size} bytes, its header says {start + end}")
    return places


def _place(name: str, entry: Any) -> _Place:
    if not isinstance(entry, dict) or entry.keys() != {"dtype", "shape", "data_offsets"}:
        raise Damage(f"its header does not describe tensor `{name}` by dtype, shape and data_offsets")
    shape, offsets = entry["shape"], entry["data_offsets"]
    if not _are_sizes(shape) or not _are_sizes(offsets) or len(offsets) != 2 or len(shape) > 64:
        raise Damage(f"its header gives tensor `{name}` a shape or offsets that cannot be: {shape}, {offsets}"[:200])
    if not isinstance(entry["dtype"], str) or entry["dtype"] not in TYPES:
        raise Damage(f"its header gives tensor `{name}` a type that is not known: {str(entry['dtype'])[:20]}")
    return _Place(offsets[0], offsets[1], TYPES[entry["dtype"]], shape)


def _are_sizes(values: Any) -> bool:
    return isinstance(values, list) and all(type(value) is int and 0 <= value < 1 << 63 for value in values)


def _json(text: bytes, what: str) -> dict[str, Any]:
    """A JSON object in which no key occurs twice and every number is finite."""
    try:
        value = json.loads(text.decode(), object_pairs_hook=_without_duplicates, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise Damage(f"its {what} is not readable ({str(error)[:80]}); the file is damaged") from None
    if not isinstance(value, dict):
        raise Damage(f"its {what} is not a map")
    return value


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key occurs twice")
    return found


def _refuse_constant(text: str) -> Any:
    raise ValueError(f"{text} is not a number")
