"""What the numbers of a run depend on besides its file, and what of it is no longer as it was."""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from blockrun.plugins.errors import RunError

# What a resumed run must find as it was, by the name that allows it to have changed.
CHANGES = {
    "blockrun": "the version of blockrun",
    "numpy": "the version of NumPy",
    "blas": "the BLAS library or the kind of processor it is tuned for",
    "threads": "the number of BLAS threads",
    "machine": "the kind of machine",
    "config": "the cfg.yaml of the run",
    "code": "the code of the local plugins",
    "data": "the number of batches in an epoch and of steps",
}


def environment() -> dict[str, Any]:
    """Versions, machine, BLAS and its threads, as they are now."""
    import numpy
    from threadpoolctl import threadpool_info

    from blockrun import __version__

    libraries = [lib for lib in threadpool_info() if lib["user_api"] == "blas"]
    blas = [f"{lib['internal_api']} {lib['version']} {lib.get('architecture', '')}".strip() for lib in libraries]
    return {
        "blockrun": __version__,
        "python": platform.python_version(),
        "numpy": numpy.__version__,
        "machine": platform.machine(),
        "system": platform.system(),
        "blas": blas,
        "threads": max([lib["num_threads"] for lib in libraries], default=1),
    }


def digest(path: Path) -> str:
    """The sha256 of a file, "" if it is not there."""
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""


def changes(then: Mapping[str, Any], now: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    """What is different, of what both know and of `CHANGES`."""
    return {key: (then[key], now[key]) for key in CHANGES if key in then and key in now and then[key] != now[key]}


def refuse_changes(found: Mapping[str, tuple[Any, Any]], allowed: tuple[str, ...], run: Path) -> None:
    """Raise `RunError` for the first change that is not allowed."""
    for key, (then, now) in found.items():
        if key not in allowed:
            options = " ".join(f"--allow-change {name}" for name in [*allowed, *(k for k in found if k not in allowed)])
            raise RunError(
                f"{run} cannot go on bit for bit: {CHANGES[key]} {_shown(key, then, now)}",
                help=f"`blockrun resume {run} {options}` goes on all the same, to other numbers",
            )


def _shown(key: str, then: Any, now: Any) -> str:
    if key in ("config", "code"):
        return "is not what it was"
    words = [", ".join(value) if isinstance(value, list) else str(value) for value in (then, now)]
    return f"was {words[0] or 'none'} and is {words[1] or 'none'}"
