"""Certificates: what `blockrun test` found, written down so that a package can carry it and `blockrun blocks` show it.

A distribution ships it as `blockrun-certificate.json` in its package. Of each block it holds the hash of the file that
defines it, so that a certificate of an earlier version is told from one of this.
"""

from __future__ import annotations

import hashlib
import inspect
import json
import platform
import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from blockrun import __version__
from blockrun.core import Block
from blockrun.plugins.offers import Plugin
from blockrun.plugins.training.files import write_atomic

from .report import Report

FILE = "blockrun-certificate.json"
VERSIONS = ("blockrun", "numpy", "python")
Certificate = dict[str, Any]


def write_certificate(path: Path, checked: Iterable[tuple[Report, type[Block], Plugin]], seed: int) -> None:
    """Write what was found about blocks that passed. Raises `RunError` if `path` cannot be written."""
    rows = [
        {
            "block": report.block.rpartition("/")[2],
            "distribution": plugin.distribution,
            "version": plugin.version,
            "cases": report.cases,
            "worst_error": report.worst_error,
            "sha256": _source_hash(cls),
        }
        for report, cls, plugin in checked
    ]
    circumstances = {
        "seed": seed,
        "blockrun": __version__,
        "numpy": np.__version__,
        "python": platform.python_version(),
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    write_atomic(path, (json.dumps({**circumstances, "blocks": rows}, indent=2) + "\n").encode())


def find_certificate(cls: type[Block], name: str) -> Certificate | None:
    """What the package of `cls` has on record about the block `name`, with the circumstances; None if nothing.

    `current` tells whether the file that defines it is still the one that was checked.
    """
    package = sys.modules.get(cls.__module__.partition(".")[0])
    for folder in getattr(package, "__path__", ()):
        try:
            record = json.loads(Path(folder, FILE).read_text(encoding="utf-8"))
            row = next(row for row in record.pop("blocks") if row["block"] == name.rpartition("/")[2])
            return {**record, **row, "current": row["sha256"] == _source_hash(cls)}
        except (OSError, ValueError, KeyError, TypeError, AttributeError, StopIteration):
            continue  # what cannot be read certifies nothing
    return None


def describe_certificate(certificate: Certificate | None) -> list[str]:
    """What was found, and with what, for the page of a block; nothing if there is no certificate."""
    if certificate is None:
        return []
    day = str(certificate.get("date", "")).partition("T")[0]
    if not certificate["current"]:
        return [f"an earlier version of its file, on {day}; `blockrun test {certificate['block']}` checks this one"]
    found = f"{certificate['cases']} cases, worst error {certificate['worst_error']:.1e}, seed {certificate['seed']}"
    return [found, ", ".join([*(f"{name} {certificate[name]}" for name in VERSIONS), f"on {day}"])]


def _source_hash(cls: type[Block]) -> str:
    return hashlib.sha256(Path(inspect.getsourcefile(cls) or "").read_bytes()).hexdigest()
