"""Reading a document key by key, with every complaint tied to the place it is about."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import MISSING, replace
from typing import Annotated, Any, Literal, NoReturn, get_args, get_origin

from blockrun.core.options import OptionError, Options, describe, fit, option_defaults, show
from blockrun.plugins.suggest import closest, did_you_mean, listing

from .diagnostics import MOST, ConfigError, Diagnostic, Mark
from .document import Document, KeyPath, is_broken

MOST_SAID = 4 * MOST  # complaints, those about copies of what has been complained about included
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,99}")


class Problems:
    """The errors found so far in one document; `complaints` counts those too that had been said before, of a copy."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.found = list(document.problems)
        self.complaints = len(self.found)
        self._said: set[Diagnostic] = set(self.found)

    def mark(self, path: KeyPath, key: bool = False) -> Mark | None:
        place = self.document.place(path)
        return None if place is None else place.key if key else place.value

    def add(
        self, code: str, message: str, path: KeyPath, label: str = "", help: str = "", key: bool = False,
        related: Iterable[tuple[KeyPath, str]] = (), notes: Iterable[str] = (),
        within: tuple[str, int, int] | None = None,
    ) -> None:  # fmt: skip
        """Record an error at `path`, at its value or its key, unless it has been said of a copy. `related` are keys.

        `within` is the text of the value, and the characters of it that the error is about.
        """
        mark = self.mark(path, key)
        if mark is not None and within is not None:
            mark = mark.part(*within)
        marks = [(self.mark(p, key=True), text) for p, text in related]
        shown = tuple((other, text) for other, text in marks if other is not None)
        notes = (*notes, *self._uses(path), *self._extended(mark))
        self.take(Diagnostic(code, message, mark, label, help, shown, notes), path[:2] in self.document.copies)

    def take(self, error: Diagnostic, of_copy: bool = False) -> None:
        """Record an error, unless it has been said before; of copies, what is said at one place is one error."""
        self.complaints += 1
        said = replace(error, message="", notes=()) if of_copy else error
        if said not in self._said:
            self._said.add(said)
            self.found.append(error)
        if len(self.found) >= MOST or self.complaints >= MOST_SAID:
            self.stop()

    def _extended(self, mark: Mark | None) -> Iterator[str]:
        """Notes about the files through which the one that is marked is extended."""
        file = mark.file if mark is not None else ""
        for at in self.document.extended.get(file, ()):
            yield f"{file} is extended at {at}"
            file = at.file

    def _uses(self, path: KeyPath) -> Iterator[str]:
        """Notes about the templates that the node at `path` is in."""
        for use in self.document.uses(path):
            template, mark = self.document.copies[path[:2]].path[1], self.mark(use, key=True)
            yield f"`{path[1]}` is in template `{template}`, used as `{use[1]}` at {mark}"
            path = use

    def stop(self) -> NoReturn:
        """Raise what was found, in the order of the file, then of those that it extends, the command line last."""
        raise ConfigError(sorted(self.found, key=self._position))

    def stop_if_any(self) -> None:
        if self.found:
            self.stop()

    def _position(self, diagnostic: Diagnostic) -> tuple[int, int, int]:
        mark, files = diagnostic.mark, [self.document.file, *self.document.extended]
        if mark is None:
            return 0, 0, 0
        return files.index(mark.file) if mark.file in files else len(files), mark.line, mark.column


class Cursor:
    """A value in a document, with its path, and ways to take it apart that complain about what does not fit.

    Nothing is said of a value that could not be made out: what is wrong with it has been said already.
    """

    def __init__(self, value: Any, path: KeyPath, problems: Problems) -> None:
        self.value = value
        self.path = path
        self.problems = problems

    def __getitem__(self, key: str | int) -> Cursor:
        return Cursor(self.value[key], (*self.path, key), self.problems)

    def __contains__(self, key: str) -> bool:
        return isinstance(self.value, dict) and key in self.value

    def nearest(self, key: str) -> Cursor:
        """The entry `key`, or the map itself where it has none."""
        if key in self:
            return self[key]
        return self

    @property
    def name(self) -> str:
        return f"`{'.'.join(str(part) for part in self.path)}`" if self.path else "the file"

    def error(self, code: str, message: str, label: str = "", help: str = "", key: bool = False, **more: Any) -> None:
        """Complain about the value, or about its key, or that there is none."""
        if key or not is_broken(self.value):
            document = self.problems.document
            has_key = document.written(self.path) in document.places  # else it came with the value of a variable
            sources = () if key and has_key else document.made_from(self.path)
            related = [*more.pop("related", ()), *((source, "comes from here") for source in sources)]
            self.problems.add(code, message, self.path, label, help, key, related=related, **more)

    def expanded(self, key: str, kind: type = str) -> Cursor:
        """A value in short form, `relu`, in its long form, `{block: relu}`; anything else as it is."""
        return Cursor({key: self.value}, self.path, self.problems) if isinstance(self.value, kind) else self

    def without(self, *keys: str) -> Cursor:
        """The same map without some of its keys; anything else as it is."""
        if not isinstance(self.value, dict):
            return self
        return Cursor({k: v for k, v in self.value.items() if k not in keys}, self.path, self.problems)

    def replaced(self, key: str, value: Any) -> Cursor:
        """The same map with another value for `key`."""
        return Cursor({**self.value, key: value}, self.path, self.problems)

    def meant(self, key: str) -> str:
        """Help where `key` is missing: the entry that may have been meant as it, if there is one."""
        close = closest(key, self.value)
        return f"should `{close}` be `{key}`?" if close else ""

    def is_map(self, what: str = "a map of keys and values") -> bool:
        """Whether this is a map; complains if not."""
        if isinstance(self.value, dict):
            return True
        help = f"indent what belongs to {self.name}" if self.value is None and self.path else ""
        shown = "empty" if self.value is None else show_plain(self.value)
        self.error("E004", f"{self.name} is {shown}; it must be {what}", help=help, key=self.value is None)
        return False

    def items(self, what: str = "a map of names") -> Iterator[tuple[str, Cursor]]:
        """The entries of a map; nothing, with a complaint, if it is not one."""
        if self.is_map(what):
            for key in self.value:
                yield key, self[key]

    def named(self, what: str) -> Iterator[tuple[str, Cursor]]:
        """The entries of a map whose keys are names that the user chose; complains about those that are not."""
        for key, cursor in self.items(f"a map of {what}s"):
            if not NAME.fullmatch(key):
                a = "an" if what[0] in "aeiou" else "a"
                help = "a name begins with a letter a-z or `_`, goes on with letters, digits, `_` and `-`, at most 100"
                cursor.error("E014", f"{show(key)} cannot be the name of {a} {what}", "not a name", help, key=True)
            yield key, cursor

    def only(self, allowed: Iterable[str]) -> None:
        """Complain about every key that is not in `allowed`."""
        allowed = list(allowed)
        for key, cursor in self.items():
            if key not in allowed:
                where = f" in {self.name}" if self.path else ""
                help = did_you_mean(key, allowed, "the keys here are")
                cursor.error("E005", f"unknown key `{key}`{where}", "not a key here", help, key=True)

    def get(self, key: str, hint: Any, default: Any = None, code: str = "E004") -> Any:
        """The value of `key` as the type `hint`; `default` if it is not there or, with a complaint, does not fit."""
        if key not in self:
            return default
        value = self.value[key]
        try:
            return default if is_broken(value) else fit(key, value, hint)
        except OptionError:
            message = f"{self[key].name} is {show_plain(value)}; it must be {describe(hint)}"
            self[key].error(code, message, _label(value, hint), self[key].hint(hint))
            return default

    def hint(self, hint: Any) -> str:
        """What may have been meant by this value, which is not what `hint` declares."""
        mark = self.problems.mark(self.path)
        written = mark.text[mark.column - 1 :][: mark.length] if mark else ""
        if isinstance(self.value, float) and self.value.is_integer() and "${" in written and "/" in written:
            return "`/` gives a fraction; `//` gives a whole number"
        return value_hint(self.value, hint)

    def options(
        self, cls: type[Options], given: dict[str, Any], what: str, others: Iterable[str] = ()
    ) -> Options | None:
        """An instance of `cls` from the options `given` here; None, with complaints, if they do not fit.

        `others` are the keys that may stand beside them.
        """
        before = self.problems.complaints
        for name in given:
            if name not in cls.option_types:
                help = did_you_mean(name, cls.option_types, f"the options of {what} are", others)
                help = help or f"{what} has no options"
                self[name].error("E012", f"{what} has no option `{name}`", "not an option", help, key=True)
        for name, default in option_defaults(cls).items():
            if default is MISSING and missing(name, given, cls.option_types):
                help = f"add `{name}:`, {describe(cls.option_types[name])}"
                self.error("E013", f"{what} needs the option `{name}`", "not given here", help, key=True)
        known = {n: self.get(n, hint, code="E011") for n, hint in cls.option_types.items() if n in given}
        if self.problems.complaints > before or is_broken(given):
            return None
        return self._make(cls, known, what)

    def _make(self, cls: type[Options], options: dict[str, Any], what: str) -> Options | None:
        try:
            return cls(**options)
        except (ValueError, TypeError) as error:
            about = getattr(error, "option", "")
            at = self.nearest(about)
            at.error("E011", f"{what}: {error}", key=at is self)
        except Exception as error:
            fact = f"{what} fails on its options: {type(error).__name__}: {error}"
            self.error("E071", fact, help="this is a bug in the plugin that offers it", key=True)
        return None


def missing(name: str, given: Iterable[str], allowed: Iterable[str]) -> bool:
    """Whether `name` is not given, nor a key that is a slip of it and has been complained about."""
    allowed = list(allowed)
    return not any(key == name or (key not in allowed and closest(key, allowed) == name) for key in given)


def _label(value: Any, hint: Any) -> str:
    """What is said under the caret of a value that is not what `hint` declares."""
    origin, args = get_origin(hint), get_args(hint)
    if origin is Literal:
        return "not one of these"
    if origin is Annotated:
        return _label(value, args[0]) or "out of range"
    if _takes(value, hint):
        return ""
    return f"not {describe(hint)}" if origin is None else "does not fit"


def _takes(value: Any, hint: Any) -> bool:
    """Whether `value` is what `hint` declares."""
    try:
        fit("", value, hint)
    except OptionError:
        return False
    return True


def show_plain(value: Any) -> str:
    """A value of the file as a user would write it, short enough for a message."""
    if isinstance(value, dict):
        return f"a map with {listing(list(value), 4)}" if value else "an empty map"
    if isinstance(value, list):
        inner = ", ".join("{...}" if isinstance(v, dict) else show(v) for v in value[:8])
        return f"[{inner}{', ...' if len(value) > 8 else ''}]"
    return show(value)


def value_hint(value: Any, hint: Any) -> str:
    """What may have been meant by a value of the wrong type."""
    if value is None:
        return "nothing follows the colon"
    if value in ("on", "yes", "off", "no") and _takes(True, hint):
        return f"write {'true' if value in ('on', 'yes') else 'false'}"
    if isinstance(value, str) and _takes(True, hint) and not _takes("", hint):
        return did_you_mean(value, ("true", "false"), "write one of")
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return f"write {int(value)}"
    if isinstance(value, str) and re.fullmatch(r"[-+]?[0-9][0-9_,.]*([eE][-+]?[0-9]+)?", value):
        return "write the number without quotes, `_` or `,`"
    choices = [choice for choice in get_args(hint) if isinstance(choice, str)] if get_origin(hint) is Literal else []
    return did_you_mean(str(value), choices, "write one of") if choices else ""
