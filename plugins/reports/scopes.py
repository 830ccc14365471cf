"""The scopes that the paths of nodes make: those of templates and of the copies of what is repeated."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar


class Named(Protocol):
    """Something with a path such as `layers/0/fc`."""

    @property
    def name(self) -> str: ...


T = TypeVar("T", bound=Named)


@dataclass
class Scope(Generic[T]):
    """What stands in one scope, and the scopes within it, in order; the outermost has no name."""

    name: str = ""
    members: list[T] = field(default_factory=list)
    inner: list[Scope[T]] = field(default_factory=list)


def scopes(things: Iterable[T]) -> Scope[T]:
    """The tree of scopes, each thing in the one that its path names."""
    root: Scope[T] = Scope()
    for thing in things:
        scope = root
        for part in thing.name.split("/")[:-1]:
            path = f"{scope.name}/{part}" if scope.name else part
            found = next((inner for inner in scope.inner if inner.name == path), None)
            if found is None:
                found = Scope(path)
                scope.inner.append(found)
            scope = found
        scope.members.append(thing)
    return root
