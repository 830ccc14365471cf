"""Changing Python by replacing spans of its text, so that its comments and its layout stay."""

from __future__ import annotations

import ast
from typing import NamedTuple


class Edit(NamedTuple):
    """What replaces the characters from `start` to before `end`."""

    start: int
    end: int
    text: str = ""


class Code:
    """A piece of Python: its text, its tree, and where the one is in the other."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.tree = ast.parse(text)
        self._lines = text.splitlines(keepends=True)
        self._starts = [0]
        for line in self._lines:
            self._starts.append(self._starts[-1] + len(line))

    def start(self, node: ast.AST) -> int:
        return self._at(node.lineno, node.col_offset)  # type: ignore[attr-defined]

    def end(self, node: ast.AST) -> int:
        return self._at(node.end_lineno, node.end_col_offset)  # type: ignore[attr-defined]

    def line(self, number: int) -> int:
        """Where line `number`, from 1, begins; of the one after the last, the end."""
        return self._starts[number - 1]

    def of(self, node: ast.AST) -> str:
        return self.text[self.start(node) : self.end(node)]

    def replace(self, node: ast.AST, text: str) -> Edit:
        return Edit(self.start(node), self.end(node), text)

    def without(self, statement: ast.AST) -> Edit:
        """Drop whole lines: those of a statement, its decorators, and the comments right above it."""
        first = min([statement.lineno, *(d.lineno for d in getattr(statement, "decorator_list", ()))])  # type: ignore[attr-defined]
        while first > 1 and self._lines[first - 2].lstrip().startswith("#"):
            first -= 1
        return Edit(self.line(first), self.line(statement.end_lineno + 1))  # type: ignore[attr-defined]

    def edited(self, edits: list[Edit]) -> str:
        """The text after `edits`; one inside another is lost with it."""
        parts, at = [], 0
        for edit in sorted(edits, key=lambda e: (e.start, -e.end)):
            if edit.start < at:
                continue
            parts += [self.text[at : edit.start], edit.text]
            at = edit.end
        return "".join([*parts, self.text[at:]])

    def _at(self, line: int, column: int) -> int:
        """A place as the parser counts it, in bytes of UTF-8, as an index of the text."""
        return self._starts[line - 1] + len(self._lines[line - 1].encode()[:column].decode())
