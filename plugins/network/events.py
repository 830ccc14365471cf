"""From the events of the YAML parser to values with places; everything that a network file may not hold is noted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import yaml

from .diagnostics import MOST, UNSHOWABLE, ConfigError, Diagnostic, Mark
from .document import BROKEN, KeyPath, Place
from .limits import limit, raised
from .scalars import plain_scalar

COLLECTIONS = (yaml.MappingStartEvent, yaml.SequenceStartEvent)
VALUES = (yaml.ScalarEvent, yaml.AliasEvent, *COLLECTIONS)
KEPT = str.maketrans("", "", "\t\n\r")  # what a quoted value may hold


@dataclass
class _Open:
    """A map or list that has begun: where, from which event, and the key that waits for its value.

    What holds something that a network file may not hold is `broken`, and comes to nothing when it ends.
    """

    value: Any
    path: KeyPath
    start: Any
    key: Any = None
    broken: bool = False


class Builder:
    """Builds one value, depth first, without recursion. `before` is what stands before the text on its first line."""

    def __init__(self, text: str, file: str, before: str = "") -> None:
        self.lines = (before + text).replace("\r\n", "\n").split("\n")
        self.file = file
        self.before = len(before)
        self.root: Any = None
        self.written = False
        self.places: dict[KeyPath, Place] = {}
        self.problems: list[Diagnostic] = []
        self.depth, self.values = limit("depth"), limit("values")
        self._open: list[_Open] = []
        self._count = 0

    def line(self, number: int) -> str:
        return self.lines[number] if number < len(self.lines) else ""

    def mark(self, start: Any, end: Any) -> Mark:
        """The mark between two places of the parser; of several lines the first."""
        line, text = start.line, self.line(start.line)
        column = start.column if line else start.column + self.before
        length = end.column - start.column if end.line == line else len(text) - column
        return Mark(self.file, line + 1, column + 1, max(1, length), text)

    def take(self, event: Any) -> None:
        """Take the next event; raises `ConfigError` where there is no point in going on."""
        if isinstance(event, yaml.DocumentStartEvent) and self.written:
            self._stop("E004", "a second document begins here; a network file is one", event, "remove this line")
        if isinstance(event, VALUES):
            self._limit(event)
            self._refuse_extras(event)
        if isinstance(event, yaml.ScalarEvent):
            self._put(self._scalar(event), event)
        elif isinstance(event, yaml.AliasEvent):
            self._put(BROKEN, event)
        elif isinstance(event, COLLECTIONS):
            value: Any = {} if isinstance(event, yaml.MappingStartEvent) else []
            self._open.append(_Open(value, self._put(value, event), event, broken=event.tag is not None))
        elif isinstance(event, (yaml.MappingEndEvent, yaml.SequenceEndEvent)):
            self._close(event)

    def _report(self, code: str, message: str, event: Any, label: str = "", help: str = "") -> None:
        mark = self.mark(event.start_mark, event.end_mark)
        self.problems.append(Diagnostic(code, message, mark, label, help))
        self._stop_at_last()

    def _stop(self, code: str, message: str, event: Any, label: str, help: str = "") -> None:
        self._report(code, message, event, label, help)
        raise ConfigError(self.problems)

    def _stop_at_last(self) -> None:
        if len(self.problems) >= MOST:
            raise ConfigError(self.problems)

    def _limit(self, event: Any) -> None:
        self._count += 1
        if self._count > self.values:
            fact = f"the file holds more than {self.values} values"
            self._stop("E006", fact, event, "the limit is passed here", raised("values"))
        if len(self._open) >= self.depth:
            fact = f"the file is nested more than {self.depth} levels deep"
            self._stop("E006", fact, event, "too deep", raised("depth"))

    def _refuse_extras(self, event: Any) -> None:
        if isinstance(event, yaml.AliasEvent) or event.anchor:
            sign, what = ("*", "aliases") if isinstance(event, yaml.AliasEvent) else ("&", "anchors")
            help = f"put a value that is needed twice in `vars` and write `$name`; quote text that begins with `{sign}`"
            self._report("E007", f"a network file has no {what}", event, "remove this", help)
        elif event.tag is not None:
            help = "leave it out; quote text that begins with `!`"
            self._report("E007", "a network file has no tags; it holds plain values", event, "remove this", help)

    def _scalar(self, event: Any) -> Any:
        if not event.value.isprintable() and UNSHOWABLE.search(event.value.translate(KEPT)):
            self._report("E008", "a control character in a value", event, "holds one that cannot be shown")
            return BROKEN
        if event.tag is not None:
            return BROKEN
        if event.style or self._is_key():
            return event.value
        try:
            return plain_scalar(event.value)
        except ValueError as error:
            self._report("E008", str(error), event, "write it another way")
            return BROKEN

    def _is_key(self) -> bool:
        """Whether the next value is the key of a map."""
        return bool(self._open) and isinstance(self._open[-1].value, dict) and self._open[-1].key is None

    def _put(self, value: Any, event: Any) -> KeyPath:
        """Put `value` where it belongs, or keep it as a key; returns its path."""
        top = self._open[-1] if self._open else None
        if top is not None and top.key is None and isinstance(top.value, dict):
            return self._put_key(top, event)
        mark = self.mark(event.start_mark, event.end_mark)
        if top is None:
            self.root, self.written = value, True
            self.places[()] = Place(mark, mark)
            return ()
        if isinstance(top.value, list):
            top.value.append(value)
            path: KeyPath = (*top.path, len(top.value) - 1)
            self.places[path] = Place(mark, mark)
            return path
        event, top.key = top.key, None
        return self._put_entry(top, event, value, mark)

    def _put_key(self, top: _Open, event: Any) -> KeyPath:
        top.key = event
        top.broken |= not isinstance(event, yaml.ScalarEvent) or event.value == "<<"
        if not isinstance(event, yaml.ScalarEvent):
            self._report("E004", "a key must be a name, not a list or a map", event, "used as a key")
        elif event.value == "<<":
            help = "write the keys out; values that are needed twice go in `vars`"
            self._report("E007", "a network file has no merge keys (`<<`)", event, "remove this", help)
        return (*top.path, "?")

    def _put_entry(self, top: _Open, event: Any, value: Any, mark: Mark) -> KeyPath:
        key = self.mark(event.start_mark, event.end_mark)
        if not isinstance(event, yaml.ScalarEvent) or event.value == "<<":
            return (*top.path, "?", key.line, key.column)
        path: KeyPath = (*top.path, event.value)
        if event.value in top.value:
            first = ((self.places[path].key, "first here"),)
            message = f"the key `{event.value}` is given twice"
            self.problems.append(Diagnostic("E003", message, key, "again here", "remove one", first))
            self._stop_at_last()
            return (*path, "?", key.line, key.column)
        top.value[event.value] = value
        self.places[path] = Place(key, mark)
        return path

    def _close(self, event: Any) -> None:
        """Let the mark of a `[...]` or `{...}` reach to its end, and drop what is broken."""
        closed = self._open.pop()
        if closed.broken:
            self._drop(closed)
        place = self.places.get(closed.path)
        if place is not None and closed.start.flow_style:
            whole = self.mark(closed.start.start_mark, event.end_mark)
            self.places[closed.path] = Place(whole if place.key == place.value else place.key, whole)

    def _drop(self, closed: _Open) -> None:
        if self.root is closed.value:
            self.root = BROKEN
        holder: Any = self._open[-1].value if self._open else []
        for key, value in holder.items() if isinstance(holder, dict) else enumerate(holder):
            if value is closed.value:
                holder[key] = BROKEN
                return
