"""Values that stand for others: `$name` from `vars`, `$data.name` from the data source, `key=value` from a command."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from .diagnostics import ConfigError, Diagnostic, Mark, did_you_mean
from .reader import Problems
from .scan import Document, KeyPath, Place, parse_document

REFERENCE = re.compile(r"\$([A-Za-z_][A-Za-z0-9_.-]*)\Z")
NAMED_SECTIONS = {"vars": 2, "inputs": 2, "net": 2, "metrics": 2, "data": 2, "callbacks": 2}
SHORTHAND = {"net": "block", "metrics": "block", "optimizer": "name", "lr": "name"}


def apply_override(document: Document, text: str) -> None:
    """Set one value from `key=value`, for example `net.fc1.units=64`; raises `ConfigError`.

    The value follows the rules of the file. A name of the user's own, such as a node, must exist already.
    """
    key, equals, value = text.partition("=")
    line = Mark("command line", 1, 1, len(key) or 1, text)
    if not equals or not key or key[0] in "+~" or "*" in key:
        help = "write key=value, for example train.epochs=5"
        raise ConfigError([Diagnostic("E004", f"`{text}` is not an override", line, help=help)])
    path = tuple(key.split("."))
    parent = _parent(document, path, line)
    parsed = parse_document(value or "null", "command line")
    offset = len(key) + 1
    for below, place in parsed.places.items():
        document.places[path + below] = Place(*(_shift(mark, offset, text) for mark in place))
    document.places[path] = Place(line, document.places[path].value)
    parent[path[-1]] = parsed.data
    document.overrides.append(text)


def _shift(mark: Mark, offset: int, text: str) -> Mark:
    return Mark("command line", 1, mark.column + offset, mark.length, text)


def _parent(document: Document, path: tuple[str, ...], line: Mark) -> dict[str, Any]:
    at = document.data
    for depth, part in enumerate(path):
        here = ".".join(path[:depth]) or "the file"
        if not isinstance(at, dict):
            raise ConfigError([Diagnostic("E004", f"`{here}` is not a map, so it has no `{part}`", line)])
        if depth == 1 and NAMED_SECTIONS.get(path[0]) and part not in at:
            help = did_you_mean(part, at)
            raise ConfigError([Diagnostic("E005", f"there is no `{part}` in `{here}`", line, help=help)])
        if depth == len(path) - 1:
            return at
        if isinstance(at.get(part), str) or (part == "lr" and part in at):
            key = SHORTHAND.get(part) or SHORTHAND.get(path[0])
            at[part] = {key: at[part]} if key and isinstance(at[part], str) else at[part]
        at = at.setdefault(part, {})
    return at  # type: ignore[no-any-return]


class Substitution:
    """Replaces references in the values of one document, remembering nothing but the complaints."""

    def __init__(self, document: Document, problems: Problems, data_values: Callable[[], dict[str, Any]]) -> None:
        self.vars = document.data.get("vars") if isinstance(document.data.get("vars"), dict) else {}
        self.problems = problems
        self.data_values = data_values
        self.used: set[str] = set()

    def resolve(self, value: Any, path: KeyPath, chain: tuple[str, ...] = ()) -> Any:
        """`value` with every reference in it replaced; a reference that cannot be is reported and becomes None."""
        if isinstance(value, dict):
            return {key: self.resolve(v, (*path, key), chain) for key, v in value.items()}
        if isinstance(value, list):
            return [self.resolve(v, (*path, i), chain) for i, v in enumerate(value)]
        if not isinstance(value, str) or "$" not in value:
            return value
        if "${" in value:
            self.problems.add("E023", "expressions `${...}` are not available in this version", path)
            return None
        match = REFERENCE.match(value)
        return self._look_up(match[1], path, chain) if match else value

    def _look_up(self, name: str, path: KeyPath, chain: tuple[str, ...]) -> Any:
        if name == "data" or name.startswith("data."):
            return self._ask_data(name[5:], path)
        if name in chain:
            loop = " -> ".join(f"${n}" for n in (*chain, name))
            self.problems.add("E021", f"`${name}` is defined by itself: {loop}", path)
            return None
        if name not in self.vars:
            help = did_you_mean(name, self.vars, "vars") or "define it under `vars:`"
            self.problems.add("E020", f"unknown variable `${name}`", path, "not in `vars`", help)
            return None
        self.used.add(name)
        return self.resolve(self.vars[name], path, (*chain, name))

    def _ask_data(self, name: str, path: KeyPath) -> Any:
        values = self.data_values()
        if name in values:
            return values[name]
        help = did_you_mean(name, values, "the data source knows") or "the file has no `data.train` to ask"
        self.problems.add("E022", f"the data source does not know `{name or 'data'}`", path, help=help)
        return None
