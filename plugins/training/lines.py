"""Files that grow by a line of JSON at a time, each about a step; whatever happens, what they hold is whole lines."""

from __future__ import annotations

import json
import math
import os
from contextlib import suppress
from pathlib import Path
from typing import Any

from blockrun.plugins.errors import RunError

from .files import sync_folder, write_atomic

Line = dict[str, Any]  # at least its `step`


def append_line(path: Path, line: Line) -> None:
    """Add a line, on the disk when this returns; raises as `append_lines` does."""
    append_lines(path, [line])


def append_lines(path: Path, lines: list[Line]) -> None:
    """Add some lines, on the disk when this returns.

    Raises `RunError`; the file is then as it was, as far as the disk allows.
    """
    data = "".join(as_json(line) + "\n" for line in lines).encode()
    try:
        new = not path.exists()
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW, 0o666)
        try:
            _write(descriptor, data)
        finally:
            os.close(descriptor)
        if new:
            sync_folder(path.parent)
    except OSError as error:
        raise RunError(f"{path} cannot be written: {error.strerror or error}") from None


def _write(descriptor: int, data: bytes) -> None:
    size = os.fstat(descriptor).st_size
    try:
        while data:
            data = data[os.write(descriptor, data) :]
        os.fsync(descriptor)
    except OSError:
        with suppress(OSError):
            os.ftruncate(descriptor, size)
        raise


def as_json(value: Any, indent: int | None = None) -> str:
    """`value` as JSON; numbers that are not finite, which it has not, become null."""
    return json.dumps(_finite(value), indent=indent, allow_nan=False)


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(x) for key, x in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(x) for x in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def read_lines(path: Path) -> list[Line]:
    """The lines of a file, none if there is no file; a line that was cut off by a crash is left out."""
    return [line for line, _ in _read(path)]


def forget_after(path: Path, step: int) -> None:
    """Drop the lines about later steps, and what is no whole line."""
    kept = b"".join(raw for line, raw in _read(path) if line["step"] <= step)
    if path.exists() and path.read_bytes() != kept:
        write_atomic(path, kept)


def _read(path: Path) -> list[tuple[Line, bytes]]:
    raws = path.read_bytes().splitlines(keepends=True) if path.exists() else []
    found = [(_parse(raw), raw) for raw in raws]
    return [(line, raw) for line, raw in found if line is not None]


def _parse(raw: bytes) -> Line | None:
    try:
        line = json.loads(raw) if raw.endswith(b"\n") else None
    except ValueError:
        return None
    return line if isinstance(line, dict) and isinstance(line.get("step"), int) else None
