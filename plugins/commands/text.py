"""Plain text for the terminal: aligned columns and wrapped lists, 80 columns wide."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable

WIDTH = 80


def columns(rows: Iterable[tuple[str, ...]], indent: int = 2) -> list[str]:
    """A text for each of `rows`, which are of equal length: columns as wide as need be, the last one wrapped."""
    rows = list(rows)
    widths = [max(map(len, column)) for column in list(zip(*rows, strict=True))[:-1]]
    texts = []
    for row in rows:
        lead = " " * indent + "".join(f"{cell:<{width}}  " for cell, width in zip(row, widths, strict=False))
        texts.append(hanging(lead, row[-1]))
    return texts


def counted(number: int, noun: str) -> str:
    """`1 block`, `2 blocks`."""
    return f"{number} {noun}" + ("" if number == 1 else "s")


def hanging(lead: str, text: str) -> str:
    """`text` after `lead`, its further lines below its first one."""
    room = max(WIDTH - len(lead), 30)
    lines = textwrap.wrap(text, room, break_long_words=False, break_on_hyphens=False) or [""]
    return ("\n" + " " * len(lead)).join([lead + lines[0], *lines[1:]]).rstrip()
