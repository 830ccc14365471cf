"""Checkpoints: everything a run needs to go on, in one file that is loaded whole and true or not at all."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, NamedTuple

from blockrun.plugins.errors import RunError
from blockrun.plugins.training.container import Damage, Tensors, decode, encode
from blockrun.plugins.training.files import write_atomic


class Loaded(NamedTuple):
    """A checkpoint and the file it was found in; `warning` says why it is not the newest, "" if it is."""

    tensors: Tensors
    about: dict[str, Any]
    path: Path
    warning: str


def save_checkpoint(path: Path, tensors: Tensors, about: dict[str, Any], keep: Path | None = None) -> None:
    """Write `tensors` and `about`, which JSON can hold; what was there goes to `keep`. Raises `RunError`."""
    try:
        pieces = encode(tensors, about)
    except Damage as damage:
        raise RunError(f"{path}: {damage}") from None
    write_atomic(path, pieces, keep)


def load_checkpoint(path: Path) -> tuple[Tensors, dict[str, Any]]:
    """The tensors, as arrays of their own, and `about`; raises `RunError` if a single byte is not as it was written."""
    try:
        if not path.is_file():
            raise Damage("is not a file" if path.exists() else "there is no such file")
        with path.open("rb") as file:
            return decode(file, os.fstat(file.fileno()).st_size)
    except Damage as damage:
        raise RunError(f"{path}: {damage}") from None
    except OSError as error:
        raise RunError(f"{path}: cannot be read: {error.strerror}") from None
    except MemoryError:
        raise RunError(f"{path}: its tensors do not fit into memory") from None


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
