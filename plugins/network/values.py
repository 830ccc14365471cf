"""Values that stand for others: `$name` from `vars`, `$data.name` from the data source."""

from __future__ import annotations

import re
from typing import Any

from blockrun.plugins.suggest import closest, did_you_mean

from .document import BROKEN, KeyPath
from .reader import Problems

REFERENCE = re.compile(r"\$([A-Za-z_][A-Za-z0-9_.-]*)")


class Substitution:
    """Replaces the references in one document.

    `answers` are those of the data source: None as long as they are not known, `BROKEN` if they never will be.
    """

    def __init__(self, problems: Problems) -> None:
        section = problems.document.data.get("vars")
        self.vars: dict[str, Any] = section if isinstance(section, dict) else {}
        self.problems = problems
        self.answers: Any = None
        self._settled: dict[str, Any] = {}

    def resolve(self, value: Any, path: KeyPath, chain: tuple[str, ...] = ()) -> Any:
        """`value` with every reference in it replaced; one that cannot be is reported and becomes `BROKEN`."""
        if isinstance(value, dict):
            return {key: self.resolve(v, (*path, key), chain) for key, v in value.items()}
        if isinstance(value, list):
            return [self.resolve(v, (*path, i), chain) for i, v in enumerate(value)]
        if not isinstance(value, str) or "$" not in value:
            return value
        match = REFERENCE.fullmatch(value)
        if match is None:
            return self._refuse(value, path)
        if match[1] == "data" or match[1].startswith("data."):
            return self._ask_data(match[1][5:], path)
        return self._look_up(match[1], path, chain)

    def variables(self) -> dict[str, Any]:
        """The section `vars` itself, resolved."""
        return {name: self._variable(name, ()) for name in self.vars}

    def _refuse(self, value: str, path: KeyPath) -> Any:
        if "${" not in value:
            return value
        help = "write `$name` for a value from `vars`, or the number itself"
        self.problems.add("E023", "expressions `${...}` are not available in this version", path, "here", help)
        return BROKEN

    def _look_up(self, name: str, path: KeyPath, chain: tuple[str, ...]) -> Any:
        if name in chain:
            loop = " -> ".join(f"${n}" for n in (*chain[chain.index(name) :], name))
            self.problems.add("E021", f"`${name}` is defined by itself: {loop}", path, "leads back to itself")
            return BROKEN
        if name in self.vars:
            return self._variable(name, chain)
        close = closest(name.removeprefix("vars."), self.vars)
        help = f"did you mean `${close}`?" if close else f"define it: `vars: {{{name}: ...}}`"
        self.problems.add("E020", f"unknown variable `${name}`", path, "not in `vars`", help)
        return BROKEN

    def _variable(self, name: str, chain: tuple[str, ...]) -> Any:
        """The value of a variable, worked out once, so that what is wrong with it is said once."""
        if name not in self._settled:
            self._settled[name] = self.resolve(self.vars[name], ("vars", name), (*chain, name))
        return self._settled[name]

    def _ask_data(self, name: str, path: KeyPath) -> Any:
        if self.answers is BROKEN:
            return BROKEN
        known = self.answers or {}
        if name in known:
            return plain(known[name])
        if self.answers is not None:
            what = "the data source does not tell it"
            help = did_you_mean(f"$data.{name}", [f"$data.{answer}" for answer in known], "it tells")
        elif "data" in self.problems.document.data:
            what, help = "`data` itself would need it", "write the value itself"
        else:
            what, help = "the file has no `data`", "add a section `data`, or write the value itself"
        self.problems.add("E022", f"`$data.{name}` is not known: {what}", path, "no answer", help)
        return BROKEN


def plain(value: Any) -> Any:
    """A value of a data source as a file could have held it."""
    if hasattr(value, "tolist"):
        return value.tolist()
    return [plain(part) for part in value] if isinstance(value, (tuple, list)) else value
