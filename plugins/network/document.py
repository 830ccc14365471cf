"""A network file as read: plain values, and in a table beside them the place where each was written."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from .diagnostics import Diagnostic, Mark

KeyPath = tuple[str | int, ...]
COMMAND_LINE = "command line"  # the file that the marks of an override are in
DATA = "$data"  # the path of what the data source answers begins with this


class Broken:
    """Stands for a value that could not be made out. What is wrong with it has been said, so nothing more is."""

    def __repr__(self) -> str:
        return "not readable"


BROKEN = Broken()


def is_broken(value: Any) -> bool:
    """Whether `value` is, or somewhere holds, one that could not be made out."""
    if isinstance(value, dict):
        return any(is_broken(part) for part in value.values())
    return any(is_broken(part) for part in value) if isinstance(value, list) else value is BROKEN


class Place(NamedTuple):
    """Where a value is written, and where its key is."""

    key: Mark
    value: Mark


class Copy(NamedTuple):
    """Where a value that expansion copied is written, and which use of a template it was copied for."""

    path: KeyPath
    use: KeyPath | None = None


@dataclass
class Document:
    """Plain values, the place of each by its path, the folder that relative paths start from, and what was read.

    problems  what is already known to be wrong: duplicate keys, ambiguous numbers, anchors
    added     the paths of what was put into a map that is written elsewhere
    sources   for the path of each value written with `$`, which other values it was made from
    copies    for the path of each node that a template or a repetition stands for, where that is written
    files     the files that this one extends, by absolute path
    extended  for each of them, as it is shown, where it is extended, and where the file that does that is, ...
    folders   the folder of every file
    deferred  overrides of nodes that are there only once everything is expanded
    """

    data: Any
    places: dict[KeyPath, Place] = field(default_factory=dict)
    problems: list[Diagnostic] = field(default_factory=list)
    file: str = ""
    folder: Path = Path()
    raw: bytes = b""
    overrides: list[str] = field(default_factory=list)
    added: set[KeyPath] = field(default_factory=set)
    sources: dict[KeyPath, tuple[KeyPath, ...]] = field(default_factory=dict)
    copies: dict[KeyPath, Copy] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)
    extended: dict[str, tuple[Mark, ...]] = field(default_factory=dict)
    folders: dict[str, Path] = field(default_factory=dict)
    deferred: list[Any] = field(default_factory=list)

    def place(self, path: KeyPath) -> Place | None:
        """The place of `path`, or of the nearest thing around it that was written down."""
        path = self.written(path)
        while path and path not in self.places:
            path = path[:-1]
        return self.places.get(path)

    def written(self, path: KeyPath) -> KeyPath:
        """The path in the file of what is at `path` once everything is expanded."""
        for end in range(len(path), 1, -1):
            if path[:end] in self.places:
                return path
            if path[:end] in self.copies:
                return (*self.copies[path[:end]].path, *path[end:])
        return path

    def copy(self, path: KeyPath, original: KeyPath, use: KeyPath | None) -> None:
        """Remember where what is expanded at `path` is written, and which use of a template it was copied for."""
        written = self.written(original)
        if path != written:
            self.copies[path] = Copy(written, use)

    def folder_of(self, path: KeyPath) -> Path:
        """The folder from which a relative file name at `path` starts: that of the file which it is written in."""
        place = self.place([path, *self.made_from(path)][-1])
        return self.folder if place is None else self.folders.get(place.value.file, self.folder)

    def uses(self, path: KeyPath) -> list[KeyPath]:
        """The uses of templates that brought the node at `path` about, the nearest first."""
        found: list[KeyPath] = []
        copy = self.copies.get(path[:2])
        while copy is not None and copy.use is not None:
            found.append(copy.use)
            copy = self.copies.get(copy.use[:2])
        return found

    def made_from(self, path: KeyPath, most: int = 3) -> list[KeyPath]:
        """The values that the one at `path` was made from, the nearest first."""
        found: list[KeyPath] = []
        waiting = [path]
        while waiting and len(found) < most:
            at, rest = self.asked(waiting.pop(0))
            more = [(*source, *rest) for source in self.sources.get(at, ()) if source[0] != DATA]
            waiting += [source for source in more if source not in found]
            found += [source for source in more if source not in found]
        return found[:most]

    def asked(self, path: KeyPath) -> tuple[KeyPath, KeyPath]:
        """The value at or around `path` that is written with `$`, and the way on from there."""
        for end in range(len(path), 0, -1):
            if path[:end] in self.sources:
                return path[:end], path[end:]
        return path, ()

    def changes(self, paths: Iterable[KeyPath]) -> list[str]:
        """The overrides that made what is at `paths`, nodes or inputs, what it is, and not what the file shows."""
        changed = [(at, place.value.text) for at, place in self.places.items() if place.value.file == COMMAND_LINE]
        changed += [(tuple(text[1:].split(".")), text) for text in self.overrides if text.startswith("~")]
        around: list[KeyPath] = []
        for path in paths if changed else ():
            around += [path, self.written(path)]
            around += [source for at in self.sources if at[:2] == path for source in self.made_from(at)]
        met = [text for at, text in changed if any(at[: len(p)] == p[: len(at)] for p in around)]
        return [text for text in self.overrides if text in met]

    def forget(self, path: KeyPath) -> None:
        """Drop the places of everything at and below `path`, which is about to be replaced."""
        for old in [known for known in self.places if known[: len(path)] == path]:
            del self.places[old]
