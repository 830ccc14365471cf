"""Checkpoints: everything a run needs to go on, in one file that is loaded whole and true or not at all.

The container is safetensors. Its metadata hold one record, with the digest of that record before it: the format
version, `about`, and the type, shape and sha256 of every tensor. Nothing is unpickled, and names are never paths.
"""

from __future__ import annotations

import hashlib
import json
import math
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from safetensors.numpy import save

from blockrun.plugins.errors import RunError
from blockrun.plugins.training.files import write_atomic

Array = np.ndarray[Any, Any]
Tensors = dict[str, Array]

FORMAT = 1
KEY = "blockrun"  # one key: safetensors writes several in random order, and the same run should give the same bytes
LARGEST_HEADER = 1 << 24
TYPES = {
    **{"BOOL": "bool", "U8": "uint8", "U16": "uint16", "U32": "uint32", "U64": "uint64"},
    **{"I8": "int8", "I16": "int16", "I32": "int32", "I64": "int64"},
    **{"F16": "float16", "F32": "float32", "F64": "float64"},
}


class Loaded(NamedTuple):
    """A checkpoint and the file it was found in; `warning` says why it is not the newest, "" if it is."""

    tensors: Tensors
    about: dict[str, Any]
    path: Path
    warning: str


class _Damage(Exception):
    """What is wrong with a file, before anybody has said which file."""


def save_checkpoint(path: Path, tensors: Tensors, about: dict[str, Any], keep: Path | None = None) -> None:
    """Write `tensors` and `about`, which JSON can hold; what was there goes to `keep`. Raises `RunError`."""
    plain = {name: _plain(path, name, tensor) for name, tensor in tensors.items()}
    seals = {name: [a.dtype.name, list(a.shape), _sha256(a.reshape(-1).view(np.uint8))] for name, a in plain.items()}
    record = {"format": FORMAT, "about": about, "tensors": seals}
    text = json.dumps(record, sort_keys=True, separators=(",", ":"), allow_nan=False)
    data = save(plain, metadata={KEY: f"{_sha256(text.encode())} {text}"})
    if int.from_bytes(data[:8], "little") > LARGEST_HEADER:
        raise RunError(f"{path}: {len(tensors)} tensors need a header of more than {LARGEST_HEADER} bytes")
    write_atomic(path, data, keep)


def load_checkpoint(path: Path) -> tuple[Tensors, dict[str, Any]]:
    """The tensors, as arrays of their own, and `about`; raises `RunError` if a single byte is not as it was written."""
    try:
        if not path.is_file():
            raise _Damage("is not a file" if path.exists() else "there is no such file")
        return _decode(path.read_bytes())
    except _Damage as damage:
        raise RunError(f"{path}: {damage}") from None
    except OSError as error:
        raise RunError(f"{path}: cannot be read: {error.strerror}") from None


def save_rotating(folder: Path, name: str, tensors: Tensors, about: dict[str, Any]) -> Path:
    """Write `<name>.safetensors`, and keep the one before as `<name>.previous.safetensors`; the path of the new one.

    The new file is complete and on the disk before the old one is renamed, so one of the two is good at any moment.
    """
    newest, previous = _files(folder, name)
    save_checkpoint(newest, tensors, about, keep=previous)
    return newest


def load_latest(folder: Path, name: str) -> Loaded:
    """The newest good checkpoint that `save_rotating` wrote; raises `RunError` if there is none."""
    problems: list[str] = []
    for path in _files(folder, name):
        try:
            tensors, about = load_checkpoint(path)
        except RunError as error:
            problems.append(error.message)
        else:
            return Loaded(tensors, about, path, f"{problems[0]}; took {path.name} instead" if problems else "")
    raise RunError("; ".join(problems), help="neither the last checkpoint nor the one before can be used")


def _files(folder: Path, name: str) -> tuple[Path, Path]:
    return folder / f"{name}.safetensors", folder / f"{name}.previous.safetensors"


def _plain(path: Path, name: str, tensor: Array) -> Array:
    """The tensor as safetensors needs it: it takes the bytes as they lie, whatever strides say."""
    tensor = np.asarray(tensor)
    if tensor.dtype.name not in TYPES.values():
        raise RunError(f"{path}: tensor `{name}` is {tensor.dtype}, which a checkpoint cannot hold")
    return np.asarray(tensor, tensor.dtype.newbyteorder("<"), order="C")


def _sha256(data: Any) -> str:
    return hashlib.sha256(data).hexdigest()


def _decode(data: bytes) -> tuple[Tensors, dict[str, Any]]:
    header, start = _header(data)
    record = _record(header.pop("__metadata__", None))
    bodies = _bodies(header, memoryview(data)[start:], start)
    seals = record["tensors"]
    if seals.keys() != bodies.keys():
        name = min(seals.keys() ^ bodies.keys())
        raise _Damage(f"tensor `{name}` is in only one of its header and its record")
    for name, (kind, shape, body) in bodies.items():
        if [kind, shape] != seals[name][:2]:
            raise _Damage(f"tensor `{name}` is {kind} {shape} in its header, {seals[name][:2]} in its record")
        if _sha256(body) != seals[name][2]:
            raise _Damage(f"the digest of tensor `{name}` differs from the one recorded; the file is damaged")
    return {name: _array(*body) for name, body in bodies.items()}, record["about"]


def _array(kind: str, shape: list[int], body: memoryview) -> Array:
    stored = np.dtype("uint8" if kind == "bool" else kind).newbyteorder("<")
    try:
        return np.frombuffer(body, stored).reshape(shape).astype(kind)
    except ValueError as error:
        raise _Damage(f"a tensor of shape {str(shape)[:80]} cannot be: {error}") from None


def _header(data: bytes) -> tuple[dict[str, Any], int]:
    """The header as a dictionary, and where the tensors begin."""
    size = int.from_bytes(data[:8], "little")
    if len(data) < 8:
        raise _Damage(f"truncated at {len(data)} bytes, within the 8 it begins with")
    if size > LARGEST_HEADER:
        raise _Damage(f"announces a header of {size} bytes, at most {LARGEST_HEADER} are allowed; not a checkpoint")
    if 8 + size > len(data):
        raise _Damage(f"truncated at {len(data)} bytes, within its header, which ends at {8 + size}")
    raw = data[8 : 8 + size]
    header = _json(raw, "header")
    # Space and escapes leave JSON several ways to say one thing; only the way it was written is right.
    if raw.rstrip(b" ") != json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode(errors="replace"):
        raise _Damage("its header is not written as it should be; the file is damaged")
    return header, 8 + size


def _record(metadata: Any) -> dict[str, Any]:
    if not isinstance(metadata, dict) or metadata.keys() != {KEY} or not isinstance(metadata[KEY], str):
        raise _Damage("is not a checkpoint of blockrun: its metadata hold no record")
    digest, _, text = metadata[KEY].partition(" ")
    if _sha256(text.encode(errors="replace")) != digest:
        raise _Damage("the digest of its record differs from the one before it; the file is damaged")
    record = _json(text.encode(errors="replace"), "record")
    if isinstance(version := record.get("format"), int) and version > FORMAT:
        raise _Damage(f"has format {version}, this blockrun reads up to {FORMAT}; a newer blockrun wrote it")
    if record.keys() != {"format", "about", "tensors"} or version != FORMAT or not isinstance(record["about"], dict):
        raise _Damage(f"its record is not one of format {FORMAT}")
    seals = record["tensors"]
    if not isinstance(seals, dict) or not all(isinstance(seal, list) and len(seal) == 3 for seal in seals.values()):
        raise _Damage("its record does not list tensors as type, shape and digest")
    return record


def _bodies(header: dict[str, Any], body: memoryview, start: int) -> dict[str, tuple[str, list[int], memoryview]]:
    """Type, shape and bytes of every tensor; these must follow one another without gaps, to the end of the file."""
    entries = {name: _entry(name, entry) for name, entry in header.items()}
    bodies, end = {}, 0
    for name, (kind, shape, begin, stop) in sorted(entries.items(), key=lambda item: item[1][2:]):
        size = math.prod(shape) * np.dtype(kind).itemsize
        if begin != end or stop != begin + size:
            raise _Damage(f"tensor `{name}` is said to lie at {begin} to {stop}, {end} to {end + size} would be right")
        bodies[name] = (kind, shape, body[begin:stop])
        end = stop
    if end != len(body):
        what = "truncated at" if end > len(body) else "goes on to"
        raise _Damage(f"{what} {start + len(body)} bytes, its header says {start + end}")
    return bodies


def _entry(name: str, entry: Any) -> tuple[str, list[int], int, int]:
    if not isinstance(entry, dict) or entry.keys() != {"dtype", "shape", "data_offsets"}:
        raise _Damage(f"its header does not describe tensor `{name}` by dtype, shape and data_offsets")
    shape, offsets = entry["shape"], entry["data_offsets"]
    if not _are_sizes(shape) or not _are_sizes(offsets) or len(offsets) != 2 or len(shape) > 64:
        raise _Damage(f"its header gives tensor `{name}` a shape or offsets that cannot be: {shape}, {offsets}"[:200])
    if not isinstance(entry["dtype"], str) or entry["dtype"] not in TYPES:
        raise _Damage(f"its header gives tensor `{name}` a type that is not known: {str(entry['dtype'])[:20]}")
    return TYPES[entry["dtype"]], shape, offsets[0], offsets[1]


def _are_sizes(values: Any) -> bool:
    return isinstance(values, list) and all(type(value) is int and 0 <= value < 1 << 63 for value in values)


def _json(text: bytes, what: str) -> dict[str, Any]:
    """A JSON object in which no key occurs twice and every number is finite."""
    try:
        value = json.loads(text.decode(), object_pairs_hook=_without_duplicates, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise _Damage(f"its {what} is not readable ({str(error)[:80]}); the file is damaged") from None
    if not isinstance(value, dict):
        raise _Damage(f"its {what} is not a map")
    return value


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key occurs twice")
    return found


def _refuse_constant(text: str) -> Any:
    raise ValueError(f"{text} is not a number")
