"""What became of mutants in earlier runs, for as long as nothing that it hangs on has changed: a run can be stopped."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from .generate import BLOCKS, helpers

ROOT = BLOCKS.parent
FILE = ROOT / "build" / "mutants.jsonl"
MAKERS = ("around", "build", "circumstances", "contract")  # of mutants, and of the breaches of a contract
JUDGES = ("core/*.py", "plugins/testing/*.py", *(f"tests/mutants/{name}.py" for name in MAKERS))


class Known(NamedTuple):
    """The result for one mutant, and the check that killed it."""

    result: str
    check: str


class Memory:
    """The known results by the digest of the mutant; a line is added for each as it comes."""

    def __init__(self, file: Path = FILE) -> None:
        self.file = file
        self.known: dict[str, Known] = dict(_read(file)) if file.exists() else {}

    def find(self, job: Any) -> Known | None:
        return self.known.get(digest(job))

    def add(self, job: Any, known: Known) -> None:
        self.known[digest(job)] = known
        self.file.parent.mkdir(exist_ok=True)
        with self.file.open("a", encoding="utf-8") as lines:
            lines.write(json.dumps([digest(job), *known]) + "\n")


def _read(file: Path) -> Iterator[tuple[str, Known]]:
    """What is in the file; a line that was not written to its end is left out."""
    for line in file.read_text(encoding="utf-8").splitlines():
        try:
            key, result, check = json.loads(line)
        except ValueError:
            continue
        yield key, Known(result, check)


def digest(job: Any) -> str:
    """Of the mutant, of all files that its block is made of, and of all that judges it."""
    return hashlib.sha256(f"{job!r} {_of_block(job.home)}".encode()).hexdigest()


@cache
def _of_block(home: str) -> str:
    return _of_files([BLOCKS / file for file in (home, *sorted(helpers(home)))]) + _of_judges()


@cache
def _of_judges() -> str:
    return _of_files([file for pattern in JUDGES for file in sorted(ROOT.glob(pattern))]) + np.__version__


def _of_files(files: list[Path]) -> str:
    return hashlib.sha256(b"\0".join(file.read_bytes() for file in files)).hexdigest()
