"""Errors in a network file: collected in one pass, each shown with its place, its source line and a way out."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

from blockrun.plugins.errors import UserError

from .codes import exit_code

SHOWN_AT_ONCE = 20
MOST = 100  # errors, before giving up on a file
WIDEST = 100  # of a source line; a longer one is cut around the caret
UNSHOWABLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufeff]")


class Mark(NamedTuple):
    """A stretch of one line: `line` and `column` count from 1, as editors do."""

    file: str
    line: int
    column: int
    length: int
    text: str  # the whole source line

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"

    def part(self, text: str, start: int, end: int) -> Mark:
        """The mark of `text[start:end]`, where `text` stands here as it is; else the whole."""
        at = self.text.find(text, self.column - 1, self.column - 1 + self.length)
        return self if at < 0 else self._replace(column=at + start + 1, length=max(1, end - start))


@dataclass(frozen=True)
class Diagnostic:
    """An error, or a warning if its code begins with W: the fact, where it is, what is said under the caret, and help.

    `related` are other places, `notes` further remarks.

    An error about no particular line, such as a file that is not there, has no mark and names the file in `message`.
    """

    code: str
    message: str
    mark: Mark | None = None
    label: str = ""
    help: str = ""
    related: tuple[tuple[Mark, str], ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def severity(self) -> str:
        return "warning" if self.code.startswith("W") else "error"

    def render(self) -> str:
        """As shown to a user, the source line with a caret beneath it."""
        lines = [f"{self.severity}[{self.code}]: {showable(self.message)}"]
        marks = [*([(self.mark, self.label)] if self.mark else []), *self.related]
        gutter = " " * max([len(str(mark.line)) for mark, _ in marks], default=1)
        for i, (mark, label) in enumerate(marks):
            lines += _excerpt(mark, label, gutter, "-->" if i == 0 else ":::")
        lines += [f"{gutter} = note: {showable(note)}" for note in self.notes]
        lines += [f"{gutter} = help: {showable(self.help)}"] if self.help else []
        return "\n".join(lines)

    def one_line(self) -> str:
        """As compilers write it and editors read it: `file:line:column: error: message [code]`."""
        place = f"{self.mark}: " if self.mark else ""
        help = f"; {self.help}" if self.help else ""
        return showable(f"{place}{self.severity}: {self.message}{help} [{self.code}]")

    def as_data(self) -> dict[str, Any]:
        """Plain values, for JSON; `length` is that of what the caret marks, and lines and columns count from 1."""
        where = {} if self.mark is None else self.mark._asdict()
        where.pop("text", None)
        return {"severity": self.severity, "code": self.code, "message": self.message, "help": self.help, **where}


def showable(text: str) -> str:
    """`text` in one line, with a mark in place of every character that a terminal would act on."""
    return UNSHOWABLE.sub("\ufffd", text.replace("\n", " ").replace("\t", " "))


def _excerpt(mark: Mark, label: str, gutter: str, arrow: str) -> list[str]:
    """The lines that show one mark."""
    before, marked, after = _cut(mark)
    caret = " " * _width(before) + "^" * max(1, _width(marked))
    number = str(mark.line).rjust(len(gutter))
    place = f"{gutter}{arrow} {showable(str(mark))}"
    source = f"{number} | {before}{marked}{after}".rstrip()
    return [place, f"{gutter} |", source, f"{gutter} | {caret} {showable(label)}".rstrip()]


def _cut(mark: Mark) -> tuple[str, str, str]:
    """The line before, at and after the mark; of a long line only what surrounds the mark."""
    start = mark.column - 1
    first = max(0, start - WIDEST // 2) if len(mark.text) > WIDEST else 0
    last = first + WIDEST
    end = min(start + mark.length, last)
    more = "..." if len(mark.text) > last else ""
    parts = mark.text[first:start], mark.text[start:end], mark.text[end:last] + more
    before, marked, after = (showable(part) for part in parts)
    return ("..." if first else "") + before, marked, after


def _width(text: str) -> int:
    """How many columns of a terminal `text` takes."""
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


class ConfigError(UserError):
    """A network file that cannot be used; `diagnostics` are all that was found wrong with it."""

    def __init__(self, diagnostics: Iterable[Diagnostic]) -> None:
        self.diagnostics = tuple(diagnostics)
        super().__init__(self.diagnostics[0].message, self.diagnostics[0].help)
        self.exit_code = exit_code([diagnostic.code for diagnostic in self.diagnostics])

    def render(self) -> str:
        """Every diagnostic, and how many there are if there is more than one."""
        shown = [diagnostic.render() for diagnostic in self.diagnostics[:SHOWN_AT_ONCE]]
        count = len(self.diagnostics)
        more = f" (the first {SHOWN_AT_ONCE} are shown)" if count > SHOWN_AT_ONCE else ""
        return "\n\n".join([*shown, *([f"{count} errors{more}"] if count > 1 else [])])

    def __str__(self) -> str:
        return self.render()
