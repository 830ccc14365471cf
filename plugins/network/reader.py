"""Reading a document key by key, with every complaint tied to the place it is about."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import MISSING
from typing import Any

from blockrun.core.options import OptionError, Options, describe, fit, option_defaults, show

from .diagnostics import ConfigError, Diagnostic, Mark, did_you_mean
from .scan import Document, KeyPath

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*\Z")


class Problems:
    """The errors found so far in one document."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.found: list[Diagnostic] = []

    def mark(self, path: KeyPath, key: bool = False) -> Mark | None:
        place = self.document.place(path)
        return None if place is None else place.key if key else place.value

    def add(
        self, code: str, message: str, path: KeyPath, label: str = "", help: str = "", key: bool = False,
        related: Iterable[tuple[KeyPath, str]] = (),
    ) -> None:  # fmt: skip
        """Record an error at `path`: at its value, or at its key."""
        marks = [(self.mark(p, key=True), text) for p, text in related]
        shown = tuple((mark, text) for mark, text in marks if mark is not None)
        self.found.append(Diagnostic(code, message, self.mark(path, key), label, help, shown))

    def stop_if_any(self) -> None:
        if self.found:
            raise ConfigError(sorted(self.found, key=_position))


def _position(diagnostic: Diagnostic) -> tuple[int, int]:
    return (diagnostic.mark.line, diagnostic.mark.column) if diagnostic.mark else (0, 0)


class Cursor:
    """A value in a document, with its path, and ways to take it apart that complain about what does not fit."""

    def __init__(self, value: Any, path: KeyPath, problems: Problems) -> None:
        self.value = value
        self.path = path
        self.problems = problems

    def __getitem__(self, key: str | int) -> Cursor:
        return Cursor(self.value[key], (*self.path, key), self.problems)

    def __contains__(self, key: str) -> bool:
        return isinstance(self.value, dict) and key in self.value

    @property
    def name(self) -> str:
        return ".".join(str(part) for part in self.path) or "the file"

    def error(self, code: str, message: str, label: str = "", help: str = "", key: bool = False) -> None:
        self.problems.add(code, message, self.path, label, help, key)

    def is_map(self, what: str = "a map of keys and values") -> bool:
        """Whether this is a map; complains if not."""
        if isinstance(self.value, dict):
            return True
        help = "indent what belongs to it" if self.value is None else ""
        shown = "empty" if self.value is None else show(self.value)
        self.error("E004", f"`{self.name}` is {shown}; it must be {what}", help=help)
        return False

    def items(self, what: str = "a map of names") -> Iterator[tuple[str, Cursor]]:
        """The entries of a map; nothing, with a complaint, if it is not one."""
        if self.is_map(what):
            for key in self.value:
                yield key, self[key]

    def named(self, what: str) -> Iterator[tuple[str, Cursor]]:
        """The entries of a map whose keys are names that the user chose."""
        for key, cursor in self.items(f"a map of {what}s"):
            if NAME.match(key):
                yield key, cursor
            else:
                help = "names are letters, digits, `_` and `-`, and begin with a letter or `_`"
                cursor.error("E014", f"`{key}` is not a name for {_a(what)}", help=help, key=True)

    def only(self, allowed: Iterable[str]) -> None:
        """Complain about every key that is not in `allowed`."""
        allowed = list(allowed)
        for key, cursor in self.items():
            if key not in allowed:
                cursor.error(
                    "E005", f"unknown key `{key}`" + (f" in `{self.name}`" if self.path else ""),
                    "not a key here", did_you_mean(key, allowed), key=True,
                )  # fmt: skip

    def get(self, key: str, hint: Any, default: Any = None, code: str = "E004") -> Any:
        """The value of `key` as the type `hint`; `default` if it is not there or, with a complaint, does not fit."""
        if key not in self:
            return default
        try:
            return fit(key, self.value[key], hint)
        except OptionError:
            help = unquoted_hint(self.value[key])
            message = f"`{self[key].name}` is {show(self.value[key])}; it must be {describe(hint)}"
            self[key].error(code, message, help=help)
            return default

    def options(self, cls: type[Options], given: dict[str, Any], what: str) -> Options | None:
        """An instance of `cls` from the options `given` here; None, with complaints, if they do not fit."""
        before = len(self.problems.found)
        for name in given:
            if name not in cls.option_types:
                help = did_you_mean(name, cls.option_types, f"options of {what}") or f"{what} has no options"
                self[name].error("E012", f"{what} has no option `{name}`", "not an option", help, key=True)
        known = {n: self.get(n, hint, code="E011") for n, hint in cls.option_types.items() if n in given}
        missing = [n for n, default in option_defaults(cls).items() if default is MISSING and n not in given]
        for name in missing:
            wanted = f"add `{name}:`, {describe(cls.option_types[name])}"
            self.error("E013", f"{what} needs the option `{name}`", help=wanted, key=True)
        if len(self.problems.found) > before:
            return None
        try:
            return cls(**known)
        except (ValueError, TypeError) as error:
            self.error("E011", f"{what}: {error}")
            return None


def unquoted_hint(value: Any) -> str:
    """What may have been meant by a string where a number or a truth value was wanted."""
    if value in ("on", "yes", "off", "no"):
        return f"write {'true' if value in ('on', 'yes') else 'false'}"
    if isinstance(value, str) and re.fullmatch(r"[-+]?[0-9][0-9_,.]*([eE][-+]?[0-9]+)?", value):
        return "write the number without quotes, `_` or `,`"
    return ""


def _a(word: str) -> str:
    return f"an {word}" if word[0] in "aeiou" else f"a {word}"
