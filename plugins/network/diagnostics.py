"""Errors in a network file: collected in one pass, each shown with its place, its source line and a way out."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass, field

from blockrun.plugins.errors import UserError

SHOWN_AT_ONCE = 20


@dataclass(frozen=True)
class Mark:
    """A stretch of one line: `line` and `column` count from 1, as editors do."""

    file: str
    line: int
    column: int
    length: int
    text: str  # the whole source line

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


@dataclass(frozen=True)
class Diagnostic:
    """One error: a code, the fact, where it is, what is said under the caret, and help."""

    code: str
    message: str
    mark: Mark | None = None
    label: str = ""
    help: str = ""
    related: tuple[tuple[Mark, str], ...] = field(default=())

    def render(self) -> str:
        """The error as shown to a user, the source line with a caret beneath it."""
        kind = "warning" if self.code.startswith("W") else "error"
        lines = [f"{kind}[{self.code}]: {self.message}"]
        marks = [(self.mark, self.label)] if self.mark else []
        marks += self.related
        gutter = " " * max([len(str(mark.line)) for mark, _ in marks], default=1)
        for i, (mark, label) in enumerate(marks):
            lines += _excerpt(mark, label, gutter, "  --> " if i == 0 else "  ::: ")
        lines += [f"{gutter} = help: {self.help}"] if self.help else []
        return "\n".join(lines)


def _excerpt(mark: Mark, label: str, gutter: str, arrow: str) -> list[str]:
    """The lines that show one mark; long lines are cut around it so that the caret stays in view."""
    start = max(0, mark.column - 60) if len(mark.text) > 100 else 0
    text = mark.text[start : start + 100]
    caret = " " * (mark.column - 1 - start) + "^" * max(1, min(mark.length, 100 - (mark.column - 1 - start)))
    place = f"{gutter[1:]}{arrow}{mark}"
    number = str(mark.line).rjust(len(gutter))
    return [place, f"{gutter} |", f"{number} | {text}", f"{gutter} | {caret} {label}".rstrip()]


class ConfigError(UserError):
    """A network file that cannot be used; `diagnostics` are all that was found wrong with it."""

    exit_code = 2

    def __init__(self, diagnostics: Iterable[Diagnostic]) -> None:
        self.diagnostics = tuple(diagnostics)
        super().__init__(self.diagnostics[0].message)
        if all(d.code in ("E051", "E052", "E053") for d in self.diagnostics):
            self.exit_code = 6
        if all(d.code.startswith("E07") for d in self.diagnostics):
            self.exit_code = 3

    def render(self) -> str:
        """Every diagnostic, and how many there are."""
        shown = [d.render() for d in self.diagnostics[:SHOWN_AT_ONCE]]
        count = len(self.diagnostics)
        more = f" (the first {SHOWN_AT_ONCE} are shown)" if count > SHOWN_AT_ONCE else ""
        return "\n\n".join([*shown, f"{count} error{'s' if count > 1 else ''}{more}"])

    def __str__(self) -> str:
        return self.render()


def closest(name: str, known: Iterable[str]) -> str | None:
    """The known name that `name` is most likely a slip of, if any is near."""
    names = list(known)
    folded = {n.lower().replace("-", "_"): n for n in names}
    key = name.lower().replace("-", "_")
    if key in folded:
        return folded[key]
    close = difflib.get_close_matches(key, folded, n=1, cutoff=0.6)
    return folded[close[0]] if close else None


def did_you_mean(name: str, known: Iterable[str], kind: str = "") -> str:
    """Help for an unknown name: the nearest known one, else a list of what there is."""
    names = sorted(set(known))
    close = closest(name, names)
    if close:
        return f"did you mean `{close}`?"
    if not names:
        return ""
    listed = ", ".join(names[:12]) + (", ..." if len(names) > 12 else "")
    return f"{kind + ': ' if kind else 'known: '}{listed}"
