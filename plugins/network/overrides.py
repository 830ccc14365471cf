"""`key=value` from a command line: one value of the document is replaced, and points to where it now comes from."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from blockrun.core.options import show
from blockrun.plugins.suggest import did_you_mean

from .diagnostics import ConfigError, Diagnostic, Mark
from .document import BROKEN, Document, KeyPath, Place
from .reader import show_plain
from .scan import parse_document

LINE = "command line"
CHOSEN = ("vars", "inputs", "net", "metrics", "data", "callbacks")  # sections whose keys are names that a user chose
SHORT = {"net": "block", "metrics": "block", "data": "source"}  # the key that a string stands for there
KEY = re.compile(r"[^\s=.*+~][^\s=.*]*(\.[^\s=.*]+)*")


def apply_overrides(document: Document, texts: Iterable[str]) -> None:
    """Set values by `key=value`, for example `net.fc1.units=64`; raises `ConfigError` with every one that cannot be.

    The value follows the rules of the file. A name of the user's own, such as a node, must exist already.
    """
    problems: list[Diagnostic] = []
    for text in texts:
        try:
            _apply(document, text)
        except ConfigError as error:
            problems += error.diagnostics
        document.overrides.append(text)
    if problems:
        raise ConfigError([*document.problems, *problems])


def _apply(document: Document, text: str) -> None:
    key, equals, value = text.partition("=")
    if not equals or not KEY.fullmatch(key):
        raise ConfigError([_not_an_override(text, key)])
    parsed = parse_document(value, LINE, before=f"{key}=", empty=None)
    document.problems += parsed.problems
    parts = _Parts(text, key)
    parent, last = _container(document, parts)
    if parent is BROKEN:
        return
    path = (*parts.names[:-1], last)
    document.forget(path)
    end = Mark(LINE, 1, len(key) + 2, max(1, len(value)), text)
    places = parsed.places or {(): Place(end, end)}
    document.places |= {path + below: place for below, place in places.items()}
    document.places[path] = Place(parts.mark(len(path) - 1), places[()].value)
    parent[last] = parsed.data


def _not_an_override(text: str, key: str) -> Diagnostic:
    help = "write key=value without spaces, for example train.epochs=5"
    if text[:1] in ("+", "~"):
        help = "adding (+key) and removing (~key) are not available in this version; change the file"
    elif "*" in key:
        help = "patterns are not available in this version; write one key=value for each"
    return Diagnostic("E024", f"{show(text)} is not an override", Mark(LINE, 1, 1, len(key) or 1, text), "", help)


class _Parts:
    """The names of a key such as `net.fc1.units`, each with its mark."""

    def __init__(self, text: str, key: str) -> None:
        self.text = text
        self.names: list[Any] = key.split(".")

    def mark(self, index: int) -> Mark:
        start = len(".".join(map(str, self.names[:index]))) + (1 if index else 0)
        return Mark(LINE, 1, start + 1, len(str(self.names[index])), self.text)

    def error(self, index: int, code: str, message: str, label: str = "", help: str = "") -> ConfigError:
        return ConfigError([Diagnostic(code, message, self.mark(index), label, help)])


def _container(document: Document, parts: _Parts) -> tuple[Any, Any]:
    """The map or list that the last name is a key of, and that key; sections and options on the way are made.

    `BROKEN` and any key if something on the way could not be made out.
    """
    at, names = document.data, parts.names
    for depth, following in enumerate(names[1:]):
        if at is BROKEN:
            return BROKEN, following
        name = _key(at, parts, depth)
        if isinstance(at, dict) and at.get(name) is None:
            at[name] = {}
            document.places[(*names[:depth], name)] = Place(parts.mark(depth), parts.mark(depth))
        at[name] = _expanded(at[name], (*names[:depth], name), following)
        at = at[name]
    return at, names[-1] if at is BROKEN else _key(at, parts, len(names) - 1)


def _key(at: Any, parts: _Parts, depth: int) -> Any:
    """The name at `depth` as a key of `at`, a number if that is a list; raises `ConfigError` if it cannot be one."""
    name, path = parts.names[depth], parts.names[:depth]
    if isinstance(at, list):
        parts.names[depth] = name = _index(at, parts, depth)
    elif not isinstance(at, dict):
        fact = f"`{'.'.join(map(str, path))}`" if path else "the file"
        fact = f"{fact} is {show_plain(at)}, so it has no `{name}`"
        raise parts.error(depth, "E024", fact, "there is no map to look this up in")
    elif depth == 1 and path[0] in CHOSEN and name not in at:
        help = did_you_mean(name, at, f"`{path[0]}` has") or f"the file has no `{path[0]}`"
        raise parts.error(depth, "E005", f"there is no `{name}` in `{path[0]}`", "not in the file", help)
    return name


def _index(items: list[Any], parts: _Parts, depth: int) -> int:
    name = parts.names[depth]
    if not name.isdecimal() or int(name[:9]) >= len(items):
        fact = f"`{'.'.join(map(str, parts.names[:depth]))}` is a list of {len(items)}, so it has no `{name}`"
        help = f"write a number from 0 to {len(items) - 1}" if items else "replace the list as a whole"
        raise parts.error(depth, "E005", fact, "not a place in the list", help)
    return int(name)


def _expanded(value: Any, path: KeyPath, following: str) -> Any:
    """What a short form stands for, so that `net.act1.p=0.5` can be said of `act1: dropout`."""
    if path[0] == "inputs" and len(path) == 2 and isinstance(value, list):
        return value if following.isdecimal() else {"shape": value}
    if not isinstance(value, str):
        return value
    if len(path) == 2 and path[0] in SHORT:
        return {SHORT[path[0]]: value}
    return {"name": value} if path == ("train", "optimizer") else value
