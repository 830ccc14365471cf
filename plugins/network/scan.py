"""Reading a network file: bytes to text to values with places, whatever the file really is."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import yaml

from blockrun.plugins.suggest import closest, listing

from .diagnostics import ConfigError, Diagnostic, Mark
from .document import Document
from .events import Builder
from .limits import limit, raised

PARSER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
# what the parser does not take, and line ends that it counts and editors do not
ODD = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufeff\ufffe\uffff]|\r(?!\n)")
HELP = {
    "mapping values are not allowed": "quote a value that contains `: `; or is the line above not finished?",
    "could not find expected ':'": "a key is followed by a colon and a space, `key: value`",
    "did not find expected ',' or ']'": "close the `[`, and put commas between what it holds",
    "did not find expected ',' or '}'": "close the `{`, and put commas between what it holds",
    "did not find expected key": "what belongs together must begin in the same column",
    "did not find expected '-' indicator": "what belongs together must begin in the same column",
    "found unexpected end of stream": "a quotation mark or bracket is not closed",
    "did not find expected alphabetic": "quote text that begins with `*` or `&`",
    "that cannot start any token": "quote text that begins with this character",
}


def read_document(file: str | Path, shown: str = "") -> Document:
    """Read one network file; raises `ConfigError` for what is not one readable YAML document.

    Messages call it `shown`, by default `file`.
    """
    path, most, shown = Path(file), limit("bytes"), shown or str(file)
    try:
        with path.open("rb") as opened:
            raw = opened.read(most + 1)
    except (OSError, ValueError) as error:
        raise _unreadable(path, error) from None
    if len(raw) > most:
        raise _fail("E006", f"{path} is larger than {most:,} bytes, the most a network file may have", raised("bytes"))
    document = parse_document(_decode(raw, shown), shown)
    document.folder, document.raw = path.parent, raw
    return document


def parse_document(text: str, file: str = "text", before: str = "", empty: Any = ...) -> Document:
    """Parse YAML text; `before` is what stands before it on its first line, `empty` what no value at all means.

    Duplicate keys, ambiguous numbers and the like are in the `problems` of the document; raises `ConfigError` where
    nothing can be made of the text.
    """
    builder = Builder(text, file, before)
    odd = ODD.search(text)
    if odd:
        raise ConfigError([_odd_character(builder, odd)])
    try:
        for event in yaml.parse(text, Loader=PARSER):
            builder.take(event)
    except yaml.YAMLError as error:
        raise ConfigError([*builder.problems, _syntax_error(error, builder)]) from None
    if not builder.written and empty is ...:
        raise _fail("E009", f"{file} is empty", "`blockrun init` lists files to start from")
    return Document(builder.root if builder.written else empty, builder.places, builder.problems, file)


def _fail(code: str, message: str, help: str = "") -> ConfigError:
    return ConfigError([Diagnostic(code, message, help=help)])


def _unreadable(path: Path, error: Exception) -> ConfigError:
    folder = path if os.path.isdir(path) else path.parent
    near = sorted(p.name for p in folder.glob("*.yaml")) if os.path.isdir(folder) else []
    if folder == path:
        return _fail("E001", f"{path} is a folder, not a file", f"it holds {listing(near, 5)}" if near else "")
    if not isinstance(error, FileNotFoundError):
        return _fail("E001", f"{path} cannot be read: {getattr(error, 'strerror', None) or error}")
    meant = closest(path.name, near)
    if meant:
        return _fail("E001", f"there is no file {path}", f"did you mean `{folder / meant}`?")
    help = f"in {folder}/ there are {listing(near, 5)}" if near else "`blockrun init` lists files to start from"
    return _fail("E001", f"there is no file {path}", help)


def _decode(raw: bytes, file: str) -> str:
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        start = raw.rfind(b"\n", 0, error.start) + 1
        line = raw[start:].partition(b"\n")[0].decode("utf-8", "replace").rstrip("\r")
        column = len(raw[start : error.start].decode("utf-8", "replace")) + 1
        mark = Mark(file, raw.count(b"\n", 0, error.start) + 1, column, 1, line)
        message = f"byte 0x{raw[error.start]:02x} is not UTF-8"
        help = "a network file is text in UTF-8; is this the right file?"
        raise ConfigError([Diagnostic("E001", message, mark, "not text", help)]) from None


def _odd_character(builder: Builder, found: re.Match[str]) -> Diagnostic:
    before = found.string[: found.start()]
    line, column = before.count("\n"), found.start() - (before.rfind("\n") + 1)
    text, shift = builder.line(line), 0 if line else builder.before
    mark = Mark(builder.file, line + 1, column + shift + 1, 1, text)
    help = "end lines with a line feed" if found[0] == "\r" else "remove it; or is this not a network file?"
    return Diagnostic("E001", f"the character U+{ord(found[0]):04X} cannot be part of a network file", mark, "", help)


def _syntax_error(error: yaml.YAMLError, builder: Builder) -> Diagnostic:
    """Where the parser stopped, and what it was in the middle of; at the end of the file, only the latter."""
    problem, context = (getattr(error, name, None) or "" for name in ("problem", "context"))
    at, began = getattr(error, "problem_mark", None), getattr(error, "context_mark", None)
    if "maximum nesting depth" in problem:  # the parser's own limit, which it may reach before its events reach ours
        mark = builder.mark(at, at) if at else None
        return Diagnostic("E006", f"the file is nested more than {builder.depth} levels deep", mark, "too deep")
    message = f"this is not YAML: {', '.join(filter(None, [context, problem])) or error}"
    help = next((text for key, text in HELP.items() if key in problem), "")
    if at is not None and builder.line(at.line)[max(0, at.column - 1) :].startswith("${"):
        help = 'quote an expression that stands inside `{}` or `[]`: "${...}"'
    if at is not None and "\t" in builder.line(at.line)[: at.column + 1]:
        help = "indent with spaces, not tabs"
    if began is not None and at is not None and not builder.line(at.line)[at.column :].strip():
        return Diagnostic("E002", message, builder.mark(began, began), "what begins here does not end", help)
    related = ((builder.mark(began, began), "it began here"),) if began and at and began.line != at.line else ()
    return Diagnostic("E002", message, builder.mark(at, at) if at else None, "here", help, related)
