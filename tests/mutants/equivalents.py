"""Reads `proofs/`, the mutants that no test could tell from the block they come from, each with its proof.

A file for each file of blocks. `Function: block, block` (`*` for all that use the function) heads any number of
`- statement`, `+ mutated statement` (`*` for any) and `= proof`. A line holds until the next of its kind, so that
several changes share what they were or a proof.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from .generate import Mutant

FOLDER = Path(__file__).with_name("proofs")


class Equivalent(NamedTuple):
    """A change to one line of `function`, the blocks that it leaves as they are, and why.

    `after` is "*" where no change to the line can do harm unless it raises.
    """

    function: str
    blocks: frozenset[str]
    before: str
    after: str
    proof: str

    def is_(self, mutant: Mutant) -> bool:
        same = (mutant.function, mutant.before) == (self.function, self.before)
        return same and self.after in (mutant.after, "*") and not self.blocks.isdisjoint({mutant.block, "*"})


def read_all() -> list[Equivalent]:
    """The entries of all files; raises `ValueError` for a line that is no part of one."""
    return [entry for file in sorted(FOLDER.rglob("*.txt")) for entry in read_file(file)]


def read_file(file: Path) -> list[Equivalent]:
    """The entries of one file; raises `ValueError` for a line that is no part of one."""
    found: list[Equivalent] = []
    function, blocks, before, waiting = "", frozenset[str](), "", list[tuple[str, str]]()
    for number, line in enumerate(file.read_text().splitlines(), 1):
        mark, rest = line[:2], line[2:].strip()
        if not line.strip() or line.startswith("#"):
            continue
        if mark == "- ":
            before = rest
        elif mark == "+ ":
            waiting.append((before, rest))
        elif mark == "= ":
            found += [Equivalent(function, blocks, old, new, rest) for old, new in waiting]
            waiting = []
        elif ": " in line and not waiting:
            function, _, names = line.partition(": ")
            blocks = frozenset(names.split(", "))
        else:
            missing = (
                f"{waiting[-1][1]!r} has no proof before" if waiting else "no `Function: blocks`, `- `, `+ ` or `= `:"
            )
            raise ValueError(f"{file.name}:{number}: {missing} {line!r}")
    return found


def proof(mutant: Mutant, known: list[Equivalent]) -> Equivalent | None:
    """The entry that says that `mutant` is equivalent."""
    return next((entry for entry in known if entry.is_(mutant)), None)
