"""Writes `docs/mutants.md`: what the last whole run found, and every mutant that lives with the proof that it may."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

from . import report
from .equivalents import FOLDER, Equivalent, read_file

if TYPE_CHECKING:
    from .run import Outcome

DOCUMENT = Path(__file__).parents[2] / "docs" / "mutants.md"
OPENING = """# What the gradient check does not catch, and why that is right

`make mutants` rewrites the `backward` of every block, and what `forward` hands to it, in every way that a list of
operators knows (`tests/mutants/operators.py`): one operator, constant, sign, term, axis, index, comparison or name at a
time. Each mutant is a block with a wrong gradient, unless the change makes no difference; the checks must fail it. It
also breaks the contract of every block on purpose (`tests/mutants/breaches.py`). This page is written by that command.
"""
SURVIVORS = """## The mutants that live

Each changes no number that a user could see, for the reason given. A function stands with the blocks that use it; the
line with `-` is what is there, the line with `+` a mutant, `*` any change to the line.
"""


def write(outcomes: Sequence[Outcome], seconds: float, every: int) -> None:
    """Write the page from a run over all blocks: of all `every` mutants, or of a random sample."""
    what = f"All {every:,}" if len(outcomes) == every else f"A random sample of {len(outcomes):,} of {every:,}"
    found = f"{what} mutants:\n\n```text\n{report.figures(outcomes, seconds)}\n```"
    DOCUMENT.write_text(f"{OPENING}\n{found}\n\n{survivors()}", encoding="utf-8")


def survivors() -> str:
    """The part of the page that lists the proofs, which a test compares with them."""
    return "\n".join([SURVIVORS, *(_section(file) for file in sorted(FOLDER.rglob("*.txt")))])


def _section(file: Path) -> str:
    groups = groupby(read_file(file), key=lambda entry: (entry.function, entry.blocks))
    parts = [_function(name, blocks, entries) for (name, blocks), entries in groups]
    return "\n".join([f"### {file.relative_to(FOLDER).with_suffix('').as_posix()}\n", *parts])


def _function(name: str, blocks: frozenset[str], entries: Iterable[Equivalent]) -> str:
    """One function, its mutants gathered by the reason."""
    users = "every block that uses it" if blocks == {"*"} else ", ".join(sorted(blocks))
    lines = [f"`{name}`, in {users}:\n", "```diff"]
    for proof, same in groupby(entries, key=lambda entry: entry.proof):
        for before, mutants in groupby(same, key=lambda entry: entry.before):
            lines += [f"- {before}", *(f"+ {mutant.after}" for mutant in mutants)]
        lines.append(f"= {proof}")
    return "\n".join([*lines, "```\n"])


if __name__ == "__main__":  # the list alone, after a proof was added; the figures stay as they are
    kept, _, _ = DOCUMENT.read_text(encoding="utf-8").partition(SURVIVORS)
    DOCUMENT.write_text(kept + survivors(), encoding="utf-8")
