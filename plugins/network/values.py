"""Values that stand for others: `$name`, `$data.name` and `${...}`, each with a record of what it was made from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .document import BROKEN, KeyPath
from .reader import Problems
from .references import Reference

MOST_COPIED = 100_000  # entries of lists and maps that references stand for, in one file
MOST_READ = 20_000  # characters of different expressions in one file
DEEPEST = 64  # values made of values made of values ...
UNSETTLED: Any = object()


@dataclass(eq=False)
class Given:
    """A value under a name, of `vars` or an argument of a template; worked out when it is first asked for.

    `declared` is where the name is introduced. The default of an argument means by its own name the one outside.
    """

    value: Any
    path: KeyPath
    names: Environment
    declared: KeyPath
    settled: Any = UNSETTLED
    size: int = 0  # entries of lists and maps in it


class Environment:
    """The names that values may refer to in one place: its own, then those around it."""

    def __init__(self, outer: Environment | None = None) -> None:
        self.outer = outer
        self.own: dict[str, Given] = {}

    def give(self, name: str, value: Any, path: KeyPath, names: Environment, declared: KeyPath = ()) -> None:
        self.own[name] = Given(value, path, names, declared or path)

    def find(self, name: str) -> Given | None:
        found = self.own.get(name)
        return self.outer.find(name) if found is None and self.outer is not None else found

    def everything(self) -> list[str]:
        """Every name, the nearest first."""
        return [*self.own, *(self.outer.everything() if self.outer is not None else [])]


class Values:
    """Works out the values of one document.

    `answers` are those of the data source: None as long as they are not known, `BROKEN` if they never will be.
    """

    def __init__(self, problems: Problems) -> None:
        self.problems = problems
        self.vars = Environment()
        self.answers: Any = None
        self.settling: list[tuple[str, Given]] = []
        self._copied = self._read = 0
        self._expressions: set[str] = set()
        section = problems.document.data.get("vars")
        for name, value in section.items() if isinstance(section, dict) else ():
            self.vars.give(name, value, ("vars", name), self.vars)

    def resolve(self, value: Any, path: KeyPath, names: Environment | None = None) -> Any:
        """`value` with everything in it worked out; what cannot be is reported and becomes `BROKEN`."""
        if isinstance(value, dict):
            return {key: self.resolve(v, (*path, key), names) for key, v in value.items()}
        if isinstance(value, list):
            return [self.resolve(v, (*path, i), names) for i, v in enumerate(value)]
        if not isinstance(value, str) or "$" not in value:
            return value
        return Reference(self, path, names or self.vars, value).resolve()

    def variables(self) -> dict[str, Any]:
        """The section `vars` itself, worked out."""
        return {name: self.settle(name, given) for name, given in self.vars.own.items()}

    def settle(self, name: str, given: Given) -> Any:
        """The value of `given`, worked out once, so that what is wrong with it is said once."""
        if given.settled is UNSETTLED and len(self.settling) >= DEEPEST:
            fact = f"values are made of one another more than {DEEPEST} deep"
            self.problems.add("E006", fact, given.path, "too deep")
            given.settled = BROKEN
        if given.settled is UNSETTLED:
            self.settling.append((name, given))
            given.settled = self.resolve(given.value, given.path, given.names)
            self.settling.pop()
            given.size = _size(given.settled)
        return given.settled

    def circle(self, name: str, given: Given) -> str:
        """The way on which the value of `given` leads back to itself; "" if it does not."""
        chain = [other for _, other in self.settling]
        if given not in chain:
            return ""
        return " -> ".join(f"${n}" for n in [*(n for n, _ in self.settling[chain.index(given) :]), name])

    def seen(self, name: str, names: Environment) -> Given | None:
        """What `name` means to the value that is being worked out."""
        found = names.find(name)
        inside = bool(self.settling) and self.settling[-1][1] is found
        if found is not None and inside and found.names is names and names.outer is not None:
            return names.outer.find(name)
        return found

    def may_read(self, expression: str, path: KeyPath) -> bool:
        """Whether one more expression is within the limit; complains if not, once. Copies of one are one."""
        before = self._read
        if expression not in self._expressions:
            self._expressions.add(expression)
            self._read += len(expression)
        if before <= MOST_READ < self._read:
            fact = f"the expressions in this file have more than {MOST_READ:,} characters"
            self.problems.add("E006", fact, path, "the limit is passed here")
        return self._read <= MOST_READ

    def copied(self, given: Given, path: KeyPath) -> bool:
        """Whether one more copy of `given` is within the limit; complains if not, once."""
        before, self._copied = self._copied, self._copied + given.size
        if before <= MOST_COPIED < self._copied:
            fact = f"the values that `$` stands for in this file have more than {MOST_COPIED:,} entries"
            self.problems.add("E006", fact, path, "the limit is passed here")
        return self._copied <= MOST_COPIED


def _size(value: Any) -> int:
    """The entries of a list or map and of everything in it; what is shared is counted wherever it is."""
    if not isinstance(value, (dict, list)):
        return 0
    return sum(1 + _size(part) for part in (value.values() if isinstance(value, dict) else value))
