"""Reads `equivalents.txt`, the mutants that no test could tell from the block they come from, each with its proof."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from .generate import Mutant

FILE = Path(__file__).with_name("equivalents.txt")


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
        same = (mutant.function, mutant.before) == (self.function, self.before) and mutant.block in self.blocks
        return same and self.after in (mutant.after, "*")


def read(text: str) -> list[Equivalent]:
    """The entries of the file: `Function: block, block`, then `- before`, `+ after`, and `= proof` in any number.

    A `+` or `-` line keeps what is above it that it does not replace, so that several changes share a line or a proof.
    Raises `ValueError` for a line that is none of these.
    """
    found: list[Equivalent] = []
    function, blocks, before, waiting = "", frozenset[str](), "", list[tuple[str, str]]()
    for number, line in enumerate(text.splitlines(), 1):
        mark, rest = line[:2], line[2:].strip()
        if mark == "- ":
            before = rest
        elif mark == "+ ":
            waiting.append((before, rest))
        elif mark == "= ":
            found += [Equivalent(function, blocks, old, new, rest) for old, new in waiting]
            waiting = []
        elif ": " in line and not line.startswith(" "):
            function, _, names = line.partition(": ")
            blocks = frozenset(names.split(", "))
        elif line.strip() and not line.startswith("#"):
            raise ValueError(f"{FILE.name}:{number}: {line!r} is no head, `- before`, `+ after` or `= proof`")
    return found


def proof(mutant: Mutant, known: list[Equivalent]) -> Equivalent | None:
    """The entry that says that `mutant` is equivalent."""
    return next((entry for entry in known if entry.is_(mutant)), None)
