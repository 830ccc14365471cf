"""Writing files so that, whatever happens, the old content or the new is there, and never a part of it."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from blockrun.plugins.errors import RunError


@contextmanager
def disk_errors(path: Path) -> Iterator[None]:
    """What the operating system refuses in here becomes a `RunError` about its file, or else about `path`."""
    try:
        yield
    except OSError as error:
        raise RunError(f"{error.filename or path}: {error.strerror or error}", help=_help(error)) from None


def write_atomic(path: Path, data: bytes | Iterable[bytes | memoryview], keep: Path | None = None) -> None:
    """Put `data`, or its pieces one after another, at `path`.

    What was there goes to `keep`, if given, once the new content is safely on the disk. Raises `RunError` with the path
    and the reason. Nothing is lost or left over then: what was at `path` is still there, or at `keep` if the very last
    renaming failed.
    """
    # One name for all attempts, so that those which were killed leave one file and the next removes it.
    temporary = path.with_name(path.name + ".tmp")
    try:
        _write(temporary, [data] if isinstance(data, bytes) else data)
        if keep is not None:
            _move(path, keep)
        os.replace(temporary, path)
        sync_folder(path.parent)
    except BaseException as error:
        with suppress(OSError):
            os.unlink(temporary)
        if isinstance(error, OSError):
            raise RunError(f"{path}: cannot be written: {error.strerror or error}", help=_help(error)) from None
        raise


def _write(path: Path, pieces: Iterable[bytes | memoryview]) -> None:
    # A link of that name, put there by somebody else, must not be followed.
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o666), "wb") as file:
        for piece in pieces:
            file.write(piece)
        file.flush()
        os.fsync(file.fileno())


def _move(path: Path, to: Path) -> None:
    with suppress(FileNotFoundError):
        os.replace(path, to)


def sync_folder(folder: Path) -> None:
    """Put the new name on the disk too; some network file systems do this by themselves and refuse to be asked."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno != errno.EINVAL:
            raise
    finally:
        os.close(descriptor)


def _help(error: OSError) -> str:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return "free some space; what was saved before is still there"
    return ""
