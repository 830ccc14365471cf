"""YAML text to plain values with the place of each: YAML 1.2 scalars, nothing that runs, and limits on size."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from .diagnostics import ConfigError, Diagnostic, Mark

MAX_BYTES, MAX_DEPTH, MAX_NODES = 2**20, 64, 10_000
PARSER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

NULL = re.compile(r"(null|Null|NULL|~|)\Z")
BOOL = re.compile(r"(true|True|TRUE|false|False|FALSE)\Z")
INT = re.compile(r"[-+]?[0-9]+\Z|0o[0-7]+\Z|0x[0-9a-fA-F]+\Z")
FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?\Z")
SPECIAL = re.compile(r"([-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN))\Z")
LEADING_ZERO = re.compile(r"[-+]?0[0-9]+\Z")
UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufffe\uffff]")

KeyPath = tuple[str | int, ...]


class Place(NamedTuple):
    """Where a value is written, and where its key is."""

    key: Mark
    value: Mark


@dataclass
class Document:
    """Plain values, the place of each by its path, the folder that relative paths start from, and what was read."""

    data: Any
    places: dict[KeyPath, Place] = field(default_factory=dict)
    file: str = ""
    folder: Path = Path()
    raw: bytes = b""
    overrides: list[str] = field(default_factory=list)

    def place(self, path: KeyPath) -> Place | None:
        """The place of `path`, or of the nearest thing around it that was written down."""
        while path and path not in self.places:
            path = path[:-1]
        return self.places.get(path)


def read_document(file: str | Path) -> Document:
    """Read a network file; raises `ConfigError` for anything that is not one readable YAML map."""
    path = Path(file)
    try:
        raw = path.read_bytes() if path.stat().st_size <= MAX_BYTES else None
    except OSError as error:
        raise _unreadable(path, error) from None
    if raw is None:
        raise _fail("E006", f"{file} is {path.stat().st_size} bytes; a network file has at most {MAX_BYTES}")
    document = parse_document(_decode(raw, str(file)), str(file), path.parent)
    document.raw = raw
    return document


def _unreadable(path: Path, error: OSError) -> ConfigError:
    if path.is_dir():
        inside = sorted(p.name for p in path.glob("*.yaml"))[:5]
        return _fail("E001", f"{path} is a folder, not a file", f"it holds {', '.join(inside)}" if inside else "")
    if isinstance(error, FileNotFoundError):
        near = sorted(p.name for p in path.parent.glob("*.yaml"))[:5] if path.parent.is_dir() else []
        help = f"in {path.parent}/ there are {', '.join(near)}" if near else "`blockrun init` lists files to start from"
        return _fail("E001", f"there is no file {path}", help)
    return _fail("E001", f"{path} cannot be read: {error.strerror or error}")


def _fail(code: str, message: str, help: str = "") -> ConfigError:
    return ConfigError([Diagnostic(code, message, help=help)])


def _decode(raw: bytes, file: str) -> str:
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = raw[: error.start]
        line, column = before.count(b"\n") + 1, error.start - (before.rfind(b"\n") + 1) + 1
        raise _fail(
            "E001",
            f"{file}:{line}:{column}: byte 0x{raw[error.start]:02x} is not UTF-8 text",
            "a network file is a text file; is this the right one?",
        ) from None
    odd = UNPRINTABLE.search(text)
    if odd:
        mark = _mark_at(text, file, odd.start())
        raise _fail("E001", f"{mark}: control character {odd.group()!r} in what should be text")
    return text


def _mark_at(text: str, file: str, index: int) -> Mark:
    line, start = text.count("\n", 0, index) + 1, text.rfind("\n", 0, index) + 1
    end = text.find("\n", index)
    return Mark(file, line, index - start + 1, 1, text[start : end if end >= 0 else len(text)])


def parse_document(text: str, file: str = "text", folder: Path = Path()) -> Document:
    """Parse YAML text into a `Document`; raises `ConfigError` with every duplicate key and doubtful value in it."""
    builder = _Builder(text, file)
    try:
        for event in yaml.parse(text, Loader=PARSER):
            builder.take(event)
    except yaml.YAMLError as error:
        raise ConfigError([_syntax_error(error, builder)]) from None
    if builder.problems:
        raise ConfigError(builder.problems)
    if not builder.written:
        raise _fail("E004", f"{file} is empty", "`blockrun init` lists files to start from")
    return Document(builder.root, builder.places, file, folder)


def _syntax_error(error: yaml.YAMLError, builder: _Builder) -> Diagnostic:
    problem = getattr(error, "problem", None) or "it cannot be parsed"
    mark = getattr(error, "problem_mark", None)
    context = getattr(error, "context", None)
    message = f"this is not YAML: {problem}" + (f", {context}" if context else "")
    tab = mark is not None and "\t" in builder.line(mark.line)
    help = "indent with spaces, not tabs" if tab else ""
    return Diagnostic("E002", message, builder.mark(mark, mark) if mark else None, "here", help)


class _Builder:
    """Turns parser events into values, depth first, without recursion."""

    def __init__(self, text: str, file: str) -> None:
        self.lines = text.split("\n")
        self.file = file
        self.root: Any = None
        self.written = False
        self.places: dict[KeyPath, Place] = {}
        self.problems: list[Diagnostic] = []
        self.open: list[tuple[Any, KeyPath, Any]] = []  # containers: value, path, event that began it
        self.key: Any = None  # the event of a key that waits for its value
        self.count = 0
        self.skipping = 0

    def line(self, number: int) -> str:
        return self.lines[number].rstrip("\r") if number < len(self.lines) else ""

    def mark(self, start: Any, end: Any) -> Mark:
        text = self.line(start.line)
        length = end.column - start.column if end.line == start.line else len(text) - start.column
        return Mark(self.file, start.line + 1, start.column + 1, max(1, length), text)

    def report(self, code: str, message: str, event: Any, label: str = "", help: str = "") -> None:
        self.problems.append(Diagnostic(code, message, self.mark(event.start_mark, event.end_mark), label, help))

    def take(self, event: Any) -> None:
        kind = type(event).__name__
        if kind == "DocumentStartEvent" and self.written:
            self.report("E004", "a second document begins here; a network file is one", event, "remove this line")
            raise ConfigError(self.problems)
        if kind in ("ScalarEvent", "MappingStartEvent", "SequenceStartEvent", "AliasEvent"):
            self._limit(event)
            self._refuse_extras(event, kind)
        if kind == "ScalarEvent":
            self._scalar(event)
        elif kind == "AliasEvent":
            self._place(None, event)
        elif kind == "MappingStartEvent":
            self._begin({}, event)
        elif kind == "SequenceStartEvent":
            self._begin([], event)
        elif kind in ("MappingEndEvent", "SequenceEndEvent"):
            self.open.pop()

    def _limit(self, event: Any) -> None:
        self.count += 1
        if self.count > MAX_NODES or len(self.open) > MAX_DEPTH:
            what = f"{MAX_NODES} values" if self.count > MAX_NODES else f"{MAX_DEPTH} levels"
            self.report("E006", f"more than {what} in one file", event, "the limit is passed here")
            raise ConfigError(self.problems)

    def _refuse_extras(self, event: Any, kind: str) -> None:
        if kind == "AliasEvent" or getattr(event, "anchor", None):
            help = "use `vars` and `$name` for a value that is needed twice"
            self.report("E007", "anchors and aliases are not part of a network file", event, "remove this", help)
        elif event.tag not in (None, "!"):
            self.report("E007", f"the tag {event.tag} is not allowed; a network file holds plain values", event)

    def _begin(self, container: Any, event: Any) -> None:
        path = self._place(container, event)
        self.open.append((container, path, event))

    def _scalar(self, event: Any) -> None:
        if self.open and isinstance(self.open[-1][0], dict) and self.key is None:
            self.key = event
            return
        plain = not event.style
        self._place(self._resolve(event) if plain else event.value, event)

    def _place(self, value: Any, event: Any) -> KeyPath:
        """Put `value` where it belongs and remember where it was written."""
        mark = self.mark(event.start_mark, event.end_mark)
        if not self.open:
            self.root, self.written = value, True
            self.places[()] = Place(mark, mark)
            return ()
        parent, path, _ = self.open[-1]
        if isinstance(parent, list):
            parent.append(value)
            here: KeyPath = (*path, len(parent) - 1)
            self.places[here] = Place(mark, mark)
            return here
        if self.key is None:
            self.report("E004", "a key must be a name, not a list or a map", event)
            self.key = event
            return (*path, "?")
        return self._place_key(parent, path, value, mark)

    def _place_key(self, parent: dict[str, Any], path: KeyPath, value: Any, mark: Mark) -> KeyPath:
        event, self.key = self.key, None
        name = str(getattr(event, "value", "?"))
        here = (*path, name)
        key_mark = self.mark(event.start_mark, event.end_mark)
        if name == "<<":
            self.report("E007", "merge keys (`<<`) are not part of a network file", event, "remove this")
        if name in parent:
            first = self.places[here].key
            self.problems.append(
                Diagnostic("E003", f"key `{name}` is given twice", key_mark, "again here", "", ((first, "first here"),))
            )
            return (*path, f"{name} (again, line {key_mark.line})")
        parent[name] = value
        self.places[here] = Place(key_mark, mark)
        return here

    def _resolve(self, event: Any) -> Any:
        try:
            return plain_scalar(event.value)
        except ValueError as error:
            self.report("E008", str(error), event, "write it another way")
            return 0


def plain_scalar(text: str) -> Any:
    """An unquoted scalar by the YAML 1.2 core schema: `1e-3` is a number, `on` and `no` are strings.

    Raises `ValueError` for a leading zero, which YAML versions read differently, and for integers beyond 64 bits.
    """
    if NULL.match(text):
        return None
    if BOOL.match(text):
        return text.lower() == "true"
    if LEADING_ZERO.match(text):
        raise ValueError(f"{text} is ambiguous: octal to some readers, decimal to others; write {int(text[:30])}")
    if INT.match(text):
        value = int(text, 0) if text[:2] in ("0o", "0x") else int(text) if len(text) < 25 else 2**64
        if not -(2**63) <= value < 2**63:
            raise ValueError("this integer does not fit in 64 bits")
        return value
    if FLOAT.match(text):
        return float(text)
    if SPECIAL.match(text):
        return float(text.replace(".", "", 1).lower())
    return text
