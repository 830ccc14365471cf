"""Scopes: which names there are in which part of a net, and what each of them stands for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple, Protocol

from ..reader import Cursor
from ..values import Environment

if TYPE_CHECKING:
    from ..nodes import Draft


class Target(NamedTuple):
    """What a name comes to: an output or a parameter of `node`, "" its first output; without node, a variable."""

    node: Draft | None
    part: str


class Pick(NamedTuple):
    """A part of an entry, "" for what the bare name means; `at` is where it is asked for, if anywhere of its own."""

    entry: Entry
    part: str = ""
    at: Cursor | None = None


Source = Cursor | Pick  # what an input reads: a name in the file, to be looked up, or what expansion has found
Step = Target | Pick | None


class Entry(Protocol):
    """What a name in a scope stands for. `path` is its full name."""

    @property
    def path(self) -> str: ...

    def step(self, part: str) -> Step:
        """What the name alone, or `name.part`, comes to, or where to look further; None if there is no such part."""

    def inner(self, segment: str) -> Entry | None:
        """What `name/segment` stands for, if anything."""

    def inside(self) -> list[str]:
        """What may follow the name after a `/`."""

    def parts(self) -> list[str]:
        """What may follow the name after a dot."""


class Scope:
    """The names inside one use of a template, or of the file itself; a name not found is looked up outwards.

    `template` is what it is the inside of, `use` the node that uses it, `values` what `$name` means here.
    """

    def __init__(self, path: str, values: Environment, outer: Scope | None = None, template: str = "") -> None:
        self.path = path
        self.values = values
        self.outer = outer
        self.template = template
        self.use: Cursor | None = None
        self.depth: int = outer.depth + 1 if outer is not None else 0
        self.entries: dict[str, Entry] = {}

    def join(self, name: str) -> str:
        return f"{self.path}/{name}" if self.path else name

    def outwards(self) -> Iterator[Scope]:
        """This scope and those around it."""
        scope: Scope | None = self
        while scope is not None:
            yield scope
            scope = scope.outer

    def entry(self, path: str) -> Entry | None:
        """What `name` or `name/inner/name` stands for."""
        first, *rest = path.split("/")
        for scope in self.outwards():
            if path in scope.entries:
                return scope.entries[path]
            if first in scope.entries:
                found: Entry | None = scope.entries[first]
                for segment in rest:
                    found = found.inner(segment) if found is not None else None
                return found
        return None

    def pick(self, text: object) -> Pick | None:
        """What `name`, `name.part` or `scope/name.part` is a part of."""
        path, _, part = text.partition(".") if isinstance(text, str) else ("", "", "")
        entry = self.entry(path)
        return None if entry is None else Pick(entry, part)

    def visible(self) -> list[str]:
        """Every name that can be read here, the nearest first."""
        found: dict[str, None] = {}
        for scope in self.outwards():
            for name, entry in scope.entries.items():
                found |= dict.fromkeys([name, *(f"{name}.{part}" for part in entry.parts())])
        return list(found)


class Simple:
    """An entry that is one variable, with nothing inside."""

    def __init__(self, path: str) -> None:
        self.path = path

    def inner(self, segment: str) -> Entry | None:
        return None

    def inside(self) -> list[str]:
        return []

    def parts(self) -> list[str]:
        return []


class Fed(Simple):
    """An input of the file."""

    def step(self, part: str) -> Step:
        return None if part else Target(None, self.path)


class Lost(Simple):
    """What could not be made out: variables that nobody writes, of which anything is believed."""

    def step(self, part: str) -> Step:
        return Target(None, f"{self.path}.{part}" if part else self.path)

    def inner(self, segment: str) -> Entry | None:
        return self


class Alias(Simple):
    """Another name for one variable: an input of a template, or a node that is left out. `at` is where it is said.

    Without a source it stands for nothing. `node` is the node that is left out.
    """

    def __init__(self, path: str, source: Source | None, scope: Scope, at: Cursor, node: Draft | None = None) -> None:
        super().__init__(path)
        self.source = source
        self.scope = scope
        self.at = at
        self.node = node
        self.found: Target | None = None  # once it is known

    def step(self, part: str) -> Step:
        if part and self.node is not None and self.node.makes(part):
            return Target(self.node, part)
        if self.found is not None:
            lost = self.found == (None, self.path)
            return self.found if not part else Target(None, f"{self.path}.{part}") if lost else None
        if self.source is None or part:
            return None
        return self.source if isinstance(self.source, Pick) else self.scope.pick(self.source.value)
