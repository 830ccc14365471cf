"""What a name can stand for beyond one variable: the inside of a template, the copies of a repetition."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from .scopes import Entry, Pick, Scope, Simple, Step, Target

if TYPE_CHECKING:
    from ..nodes import Draft


class Use:
    """A use of a template: its public names, the first of which is meant by the bare name, and what is inside."""

    def __init__(self, scope: Scope, outs: dict[str, Entry]) -> None:
        self.scope = scope
        self.outs = outs

    @property
    def path(self) -> str:
        return self.scope.path

    def step(self, part: str) -> Step:
        chosen = self.outs.get(part) if part else next(iter(self.outs.values()), None)
        return None if chosen is None else Pick(chosen)

    def inner(self, segment: str) -> Entry | None:
        return self.scope.entries.get(segment)

    def inside(self) -> list[str]:
        return list(self.scope.entries)

    def parts(self) -> list[str]:
        return list(self.outs)


class Output(Simple):
    """Output number `i` of a node."""

    def __init__(self, node: Draft, i: int) -> None:
        super().__init__(node.path)
        self.node = node
        self.i = i

    def step(self, part: str) -> Step:
        block = self.node.block
        return Target(self.node, "" if block is None or not self.i else block.outputs[self.i])


class Copies:
    """A repetition: the name means the last copy, `name.all` all of them stacked, `name/2` one."""

    def __init__(self, path: str, copies: list[Entry], shared: bool, stack: Callable[[str], Entry]) -> None:
        self.path = path
        self.copies = copies
        self.shared = shared
        self._stack = stack

    def step(self, part: str) -> Step:
        if part == "all" or part.endswith(".all"):
            return Pick(self._stack(part.removesuffix("all").removesuffix(".")))
        return Pick(self.copies[-1], part)

    def inner(self, segment: str) -> Entry | None:
        if segment.isdecimal():
            number = int(segment[:9])
            return self.copies[number] if number < len(self.copies) and str(number) == segment else None
        found = self.copies[0].inner(segment) if self.shared else None
        return None if found is None else Parameters(found)

    def inside(self) -> list[str]:
        return [*map(str, range(len(self.copies))), *(self.copies[0].inside() if self.shared else ())]

    def parts(self) -> list[str]:
        return ["all", *self.copies[-1].parts()]


class Parameters:
    """What all copies of a node have in common if they share: their parameters, but not their outputs."""

    def __init__(self, entry: Entry) -> None:
        self.entry = entry

    @property
    def path(self) -> str:
        return self.entry.path

    def step(self, part: str) -> Step:
        found = self.entry.step(part)
        return found if isinstance(found, Target) and (found.node is None or found.node.makes(part)) else None

    def inner(self, segment: str) -> Entry | None:
        found = self.entry.inner(segment)
        return None if found is None else Parameters(found)

    def inside(self) -> list[str]:
        return self.entry.inside()

    def parts(self) -> list[str]:
        return self.entry.parts()
