"""`key=value`, `+key=value` and `~key` from a command line: what they change points to where it now comes from."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase
from typing import Any, NamedTuple

from blockrun.core.options import show
from blockrun.plugins.suggest import did_you_mean

from .diagnostics import ConfigError, Diagnostic, Mark
from .document import BROKEN, COMMAND_LINE, Document, KeyPath, Place
from .reader import show_plain
from .scan import parse_document
from .shorthand import expanded, is_data_setting, is_net

CHOSEN = ("vars", "inputs", "templates", "net", "metrics", "data", "callbacks")  # their keys are names of a user's own
KEY = re.compile(r"[^\s=.+~][^\s=.]*(\.[^\s=.]+)*")
GLOB = re.compile(r"[*?[]")


class Key(NamedTuple):
    """A key such as `net.fc1.units`, and how it is `written` in the argument `text`, from `start` on."""

    names: tuple[str, ...]
    written: tuple[str, ...]
    text: str
    start: int = 0

    def mark(self, index: int) -> Mark:
        """Where the name at `index` is."""
        at = self.start + len(".".join(self.written[:index])) + (1 if index else 0)
        return Mark(COMMAND_LINE, 1, at + 1, len(self.written[index]), self.text)

    def error(self, index: int, code: str, message: str, label: str = "", help: str = "") -> ConfigError:
        return ConfigError([Diagnostic(code, message, self.mark(index), label, help)])

    def before(self, index: int) -> str:
        """The names before `index`, for a message."""
        return f"`{'.'.join(self.names[:index])}`" if index else "the file"

    def naming(self, index: int, name: str) -> Key:
        """The key with another name at `index`."""
        return self._replace(names=(*self.names[:index], name, *self.names[index + 1 :]))


class Deferred(NamedTuple):
    """An override of nodes that are there only once templates are written out, or that a glob names."""

    key: Key
    value: Document


def apply_overrides(document: Document, texts: Iterable[str]) -> None:
    """Set values, for example by `net.fc1.units=64`; raises `ConfigError` with every override that cannot be.

    The value follows the rules of the file. A name of the user's own, such as a node, must exist already, or be added
    with `+`.
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
    sign = text[:1] if text[:1] in ("+", "~") else ""
    written, equals, value = text[len(sign) :].partition("=")
    if not KEY.fullmatch(written) or bool(equals) == (sign == "~"):
        raise ConfigError([_not_an_override(text, sign, written)])
    names = tuple(written.split("."))
    key = Key(names, names, text, len(sign))
    if sign == "~":
        _remove(document, key)
        return
    parsed = parse_document(value, COMMAND_LINE, before=f"{sign}{written}=", empty=None)
    document.problems += parsed.problems
    end = Mark(COMMAND_LINE, 1, len(sign) + len(written) + 2, max(1, len(value)), text)
    parsed.places = parsed.places or {(): Place(end, end)}
    if sign:
        _add(document, key, parsed)
    elif names[0] in ("net", "metrics") and len(names) > 1 and ("/" in names[1] or GLOB.search(names[1])):
        document.deferred.append(Deferred(key, parsed))
    else:
        for found in _matching(document, key):
            _set(document, found, parsed)


def _not_an_override(text: str, sign: str, key: str) -> Diagnostic:
    help = "write key=value without spaces, for example train.epochs=5"
    help = {"": help, "+": "write +key=value without spaces", "~": "write ~key, without a value"}[sign]
    return Diagnostic(
        "E024", f"{show(text)} is not an override", Mark(COMMAND_LINE, 1, 1, len(sign + key) or 1, text), "", help
    )


def _set(document: Document, key: Key, parsed: Document) -> None:
    """Put a value where the key leads; sections and options on the way are made."""
    parent, path = _container(document, key)
    if parent is not BROKEN:
        put(document, path, key, parsed)
        parent[path[-1]] = parsed.data


def _add(document: Document, key: Key, parsed: Document) -> None:
    """Put a value where there is none yet."""
    glob = next((i for i, name in enumerate(key.names) if GLOB.search(name) or "/" in name), None)
    if glob is not None:
        raise key.error(
            glob, "E024", "what is added needs a name of its own", "not a name", "name one thing, without `*`"
        )
    parent, path = _container(document, key, adding=True)
    if parent is BROKEN:
        return
    if isinstance(parent, list) or parent.get(path[-1]) is not None:
        fact = f"there is a `{key.names[-1]}` in {key.before(len(path) - 1)} already"
        raise key.error(len(path) - 1, "E024", fact, "not new", f"write {key.text[1:]}")
    if is_net(path[:-1]) and parent:
        document.added.add(path)
    put(document, path, key, parsed)
    parent[path[-1]] = parsed.data


def _remove(document: Document, key: Key) -> None:
    inside = next((i for i, name in enumerate(key.names) if "/" in name), None)
    if inside is not None:
        help = f"leave it out with {'.'.join(key.names)}.when=false"
        raise key.error(inside, "E024", "what a template stands for cannot be removed", "not in the file", help)
    for found in list(_matching(document, key)):
        parent, path = _container(document, found, making=False)
        if parent is not BROKEN:
            for gone in range(len(parent)) if isinstance(parent, list) else (path[-1],):  # the rest of a list moves up
                document.forget((*path[:-1], gone))
            del parent[path[-1]]


def put(document: Document, path: KeyPath, key: Key, parsed: Document) -> None:
    """Let the places of a value that is now at `path` be those of the argument."""
    document.forget(path)
    document.places |= {path + below: place for below, place in parsed.places.items()}
    document.places[path] = Place(key.mark(len(key.names) - 1), parsed.places[()].value)


def _matching(document: Document, key: Key) -> Iterator[Key]:
    """The keys that a key with globs stands for, by what is in the file; itself if it has none."""
    glob = next((i for i, name in enumerate(key.names) if GLOB.search(name)), None)
    if glob is None:
        yield key
        return
    at: Any = document.data
    for name in key.names[:glob]:
        at = at.get(name) if isinstance(at, dict) else None
    known = [str(name) for name in at] if isinstance(at, dict) else []
    matched = [name for name in known if fnmatchcase(name, key.names[glob])]
    if not matched:
        fact = f"nothing in {key.before(glob)} matches `{key.names[glob]}`"
        raise key.error(glob, "E005", fact, "matches nothing", did_you_mean(key.names[glob], known, "there are"))
    for name in matched:
        yield from _matching(document, key.naming(glob, name))


def _container(document: Document, key: Key, adding: bool = False, making: bool = True) -> tuple[Any, KeyPath]:
    """The map or list that the last name is a key of, and the whole path; `BROKEN` if it could not be made out.

    Names of the user's own are made if `adding`, sections and options if `making`.
    """
    at: Any = document.data
    path: KeyPath = ()
    for depth, following in enumerate((*key.names[1:], None)):
        if at is BROKEN:
            return BROKEN, path
        name = _key(at, key, depth, path, adding, making)
        if following is None:
            return at, (*path, name)
        path = (*path, name)
        if isinstance(at, dict) and at.get(name) is None:
            at[name] = {}
            document.places[path] = Place(key.mark(depth), key.mark(depth))
        is_place = isinstance(at[name], list) and following.isdecimal()
        at[name] = at[name] if is_place else expanded(at[name], path)
        at = at[name]
    return at, path


def _key(at: Any, key: Key, depth: int, path: KeyPath, adding: bool, making: bool) -> Any:
    """The name at `depth` as a key of `at`, a number if that is a list; raises `ConfigError` if it cannot be one."""
    name, where = key.names[depth], key.before(depth)
    if isinstance(at, list):
        return _index(at, key, depth)
    if not isinstance(at, dict):
        fact = f"{where} is {show_plain(at)}, so it has no `{name}`"
        raise key.error(depth, "E024", fact, "there is no map to look this up in")
    chosen = (len(path) == 1 and path[0] in CHOSEN) or is_net(path) or (len(path) == 3 and path[2] == "args")
    chosen = chosen and not is_data_setting((*path, name))
    if name in at or (adding if chosen else making):
        return name
    help = did_you_mean(name, at, f"{where} has") or f"the file has no {where}"
    help += f"; +{'.'.join(key.names)}=... adds one" if making and "did you mean" not in help else ""
    raise key.error(depth, "E005", f"there is no `{name}` in {where}", "not in the file", help)


def _index(items: list[Any], key: Key, depth: int) -> int:
    name = key.names[depth]
    if not name.isdecimal() or int(name[:9]) >= len(items):
        fact = f"{key.before(depth)} is a list of {len(items)}, so it has no `{name}`"
        help = f"write a number from 0 to {len(items) - 1}" if items else "replace the list as a whole"
        raise key.error(depth, "E005", fact, "not a place in the list", help)
    return int(name)
