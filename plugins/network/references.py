"""What a text with `$` in it stands for: one name, an expression, or text with the values of expressions put in."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from blockrun.core.options import show
from blockrun.plugins.errors import DataError
from blockrun.plugins.suggest import closest, did_you_mean

from .document import BROKEN, DATA, KeyPath
from .expression_syntax import ExpressionError
from .expressions import LONGEST_TEXT, evaluate

if TYPE_CHECKING:
    from .values import Environment, Given, Values

NAME = r"[A-Za-z_][A-Za-z0-9_.-]*"
REFERENCE = re.compile(rf"\$({NAME})")
EXPRESSION = re.compile(r"\$\{([^{}]*)\}")


class Reference:
    """A text with `$` in it, at `path`, that wants to know what names mean there."""

    def __init__(self, values: Values, path: KeyPath, names: Environment, written: str) -> None:
        self.values = values
        self.path = path
        self.names = names
        self.written = written
        self.part: tuple[str, int] | None = None  # the expression being read, and where in it its text begins

    def resolve(self) -> Any:
        """What the text stands for."""
        match = REFERENCE.fullmatch(self.written)
        return self._text() if match is None else self.ask(match[1])

    def _text(self) -> Any:
        """The value of an expression, or a text with the values of those in it put in; plain text as it is."""
        written = self.written
        whole = EXPRESSION.fullmatch(written)
        if whole is not None:
            return self._evaluate(whole)
        at = _not_closed(written)
        if at >= 0:
            self.part = (written, 0)
            help = "an expression ends with `}` and has no braces inside"
            self.complain("E023", "`${` is not closed", (at, at + 2), "begins here", help)
            return BROKEN
        values = [self._as_text(match, self._evaluate(match)) for match in EXPRESSION.finditer(written)]
        if BROKEN in values:
            return BROKEN
        pieces = EXPRESSION.split(written)
        pieces[1::2] = values
        if sum(map(len, pieces)) > LONGEST_TEXT:
            self.complain("E025", f"a text of more than {LONGEST_TEXT:,} characters", None, "too long", "")
            return BROKEN
        return "".join(pieces)

    def _evaluate(self, match: re.Match[str]) -> Any:
        self.part = (self.written, match.start(1))
        if not self.values.may_read(match[1], self.path):
            return BROKEN
        try:
            return evaluate(match[1], self)
        except ExpressionError as error:
            self.complain(error.code, error.message, error.span, error.label, error.help)
            return BROKEN

    def _as_text(self, match: re.Match[str], value: Any) -> Any:
        if value is BROKEN or isinstance(value, str):
            return value
        if isinstance(value, (int, float)):
            return show(value)
        what = "a list" if isinstance(value, list) else "a map" if isinstance(value, dict) else "null"
        self.part = (self.written, match.start(1))
        self.complain("E025", f"{what} cannot be part of a text", (0, len(match[1])), f"this is {what}", "")
        return BROKEN

    def complain(
        self, code: str, message: str, span: tuple[int, int] | None, label: str, help: str, **more: Any
    ) -> None:
        """Report at the characters `span` of the expression, or at the whole value."""
        within = None
        if span is not None and self.part is not None:
            text, shift = self.part
            within = (text, span[0] + shift, span[1] + shift)
        self.values.problems.add(code, message, self.path, label, help, within=within, **more)

    def known(self, name: str, span: tuple[int, int] | None = None) -> bool:
        """Whether there is such a name, whose value is then worked out; what the data answer is asked for later."""
        given = None if _of_data(name) else self._find(name)[0]
        if given is not None and not self.values.circle(name, given):
            self.values.settle(name, given)
        if _of_data(name) or given is not None:
            return True
        known = [n for n in self.names.everything() if n not in [waiting for waiting, _ in self.values.settling]]
        close = closest(name.removeprefix("vars."), known)
        sign = "$" if span is None else ""
        help = f"did you mean `{sign}{close}`?" if close else f"define it: `vars: {{{name}: ...}}`"
        found = self.names.find(close) if close else None
        related = [(found.declared, f"`{close}` is defined here")] if found is not None else []
        label = "not in `vars`" if self.names is self.values.vars else "not an argument, nor in `vars`"
        self.complain("E020", f"unknown variable `{sign}{name}`", span, label, help, related=related)
        return False

    def ask(self, name: str) -> Any:
        """The value of `$name`."""
        return self.value(name) if self.known(name) else BROKEN

    def value(self, name: str, span: tuple[int, int] | None = None) -> Any:
        """The value of a known name."""
        if _of_data(name):
            return self._ask_data(name[5:], span)
        given, rest = self._find(name)
        assert given is not None
        self._record((*given.path, *rest))
        circle = self.values.circle(name, given)
        if circle:
            self.complain("E021", f"`${name}` is defined by itself: {circle}", span, "leads back to itself", "")
            return BROKEN
        value = self.values.settle(name, given)
        if not self.values.copied(given, self.path):
            return BROKEN
        for at, part in enumerate(rest):
            if not isinstance(value, dict) or part not in value:
                return self._no_part(value, name.split(".")[: -len(rest) + at], part, span)
            value = value[part]
        return value

    def _no_part(self, value: Any, before: list[str], part: str, span: tuple[int, int] | None) -> Any:
        if value is not BROKEN:
            what = ".".join(before)
            fact = f"`${what}` has no `{part}`" if isinstance(value, dict) else f"`${what}` is {show(value)}, not a map"
            help = did_you_mean(part, value, "it has") if isinstance(value, dict) else ""
            self.complain("E020", fact, span, "not there", help)
        return BROKEN

    def _find(self, name: str) -> tuple[Given | None, list[str]]:
        """What `name` means, or else its part before a dot, with what comes after."""
        found = self.values.seen(name, self.names)
        first, *rest = name.split(".")
        return (found, []) if found is not None or not rest else (self.values.seen(first, self.names), rest)

    def _record(self, source: KeyPath) -> None:
        sources = self.values.problems.document.sources
        before = sources.get(self.path, ())
        sources[self.path] = before if source in before else (*before, source)

    def _ask_data(self, name: str, span: tuple[int, int] | None) -> Any:
        answers = self.values.answers
        self._record((DATA, name))
        if answers is BROKEN:
            return BROKEN
        known = answers or {}
        if name in known:
            return self._answer(known[name], span)
        if answers is not None:
            what = "the data source does not tell it"
            help = did_you_mean(f"$data.{name}", [f"$data.{answer}" for answer in known], "it tells")
        elif "data" in self.values.problems.document.data:
            what, help = "`data` itself would need it", "write the value itself"
        else:
            what, help = "the file has no `data`", "add a section `data`, or write the value itself"
        self.complain("E022", f"`$data.{name}` is not known: {what}", span, "no answer", help)
        return BROKEN

    def _answer(self, value: Any, span: tuple[int, int] | None) -> Any:
        """What the data say, which may take a look at them."""
        try:
            return plain(value() if callable(value) else value)
        except DataError as error:
            self.complain("E053", error.message, span, "cannot be told", error.help)
            return BROKEN


def _not_closed(written: str) -> int:
    """Where a `${` is that no expression begins with; -1 if nowhere."""
    begins = {match.start() for match in EXPRESSION.finditer(written)}
    return next((match.start() for match in re.finditer(r"\$\{", written) if match.start() not in begins), -1)


def _of_data(name: str) -> bool:
    return name == "data" or name.startswith("data.")


def plain(value: Any) -> Any:
    """A value of a data source as a file could have held it."""
    if hasattr(value, "tolist"):
        return value.tolist()
    return [plain(part) for part in value] if isinstance(value, (tuple, list)) else value
