"""Where the values of a network come from: a line, the command line, the data, and what each was made of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from .diagnostics import Mark
from .document import COMMAND_LINE, DATA, Document, KeyPath

Kind = Literal["file", "command line", "data", "implied"]
SHORT = ("block", "source", "callback", "name", "shape")  # keys whose value may stand alone, in place of a map
DEEPEST = 20  # values made of values made of values ...


@dataclass(frozen=True)
class Origin:
    """Where a value comes from; `sources` are those of the values that it was made of, by `$name` or `${...}`.

    kind  "file" or "command line", where it is written at `mark`; "data", answered by a data source; "implied", written
          nowhere: a default, or what a node reads if it does not say
    """

    kind: Kind
    mark: Mark | None = None
    name: str = ""  # of what the data answered
    sources: tuple[Origin, ...] = ()

    def __str__(self) -> str:
        own = f"{self.mark.file}:{self.mark.line}" if self.mark is not None and self.kind == "file" else str(self.kind)
        own += f" ({self.name})" if self.name else ""
        return " from ".join(dict.fromkeys([own, *(str(source) for source in self.sources)]))


def origin(document: Document, path: KeyPath) -> Origin:
    """The origin of the value at `path` of the file with everything put in, such as ("net", "layers/0/fc", "units")."""
    return _origin(document, path, DEEPEST)


def _origin(document: Document, path: KeyPath, depth: int) -> Origin:
    if path[0] == DATA:
        return Origin("data", name=f"data.{path[1]}")
    asked, rest = document.asked(path)
    sources = document.sources.get(asked, ()) if depth else ()
    made = tuple(_origin(document, source if source[0] == DATA else (*source, *rest), depth - 1) for source in sources)
    place = document.places.get(document.written(asked if made else path))
    short = _short(document, path) if place is None else None
    if short is not None:
        place = document.places.get(document.written(short))
    if place is None and made:  # it came with the map that a variable stands for
        place = document.place(path)
    if place is None:
        return Origin("implied", sources=made)
    return Origin("command line" if place.value.file == COMMAND_LINE else "file", place.value, sources=made)


def _short(document: Document, path: KeyPath) -> KeyPath | None:
    """Where a short form is that stands for the value at `path`, such as `act: relu` for its block."""
    if path[2:3] == ("init",) and len(path) > 3:
        return (*path[:3], *path[4:])  # one for all parameters of a node
    value: Any = document.data
    for key in document.written(path[:-1]):
        value = value.get(key) if isinstance(value, dict) else None
    return path[:-1] if path[-1] in SHORT and not isinstance(value, dict) else None
