"""Repetition: copies of one node, wired one after another, with variables split among them and stacked from them."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from ..document import KeyPath
from ..nodes import Draft
from ..reader import Cursor
from .entries import Copies, Output
from .repeat import Repeat, read_repeat
from .scopes import Entry, Pick, Source

if TYPE_CHECKING:
    from .expand import Expansion

AXIS = 1  # of the steps
START = "say what the first copy reads with `start:` beside `carry:`"


class Copying:
    """Expands the nodes that are repeated."""

    def __init__(self, expansion: Expansion) -> None:
        self.all = expansion
        self._stacks: dict[str, Draft] = {}

    def copies(self, draft: Draft) -> Entry:
        """The entry for a node with `repeat`, with all copies expanded."""
        repeat = self._read(draft)
        if repeat is None:
            return self.all.names.give_up(draft.name)
        if "share" in draft.cursor:
            shared = self.all.value(draft.cursor["share"], draft.scope.values).value
            draft.cursor = draft.cursor.replaced("share", shared)
            self.all.owners.read(draft)
        if repeat.times == 0:
            draft.off, draft.cursor = True, draft.cursor.without("repeat", "when")
            return self.all.single(draft)
        self.all.leave_room(draft.cursor["repeat"], repeat.times)
        return self._chain(draft, repeat)

    def _read(self, draft: Draft) -> Repeat | None:
        """What `repeat` says, its values worked out; the options of the first copy are later, with its others."""
        cursor = draft.cursor["repeat"]
        worked_out = self.all.value(cursor.without("first"), draft.scope.values)
        if "first" in cursor and isinstance(worked_out.value, dict):
            worked_out.value["first"] = cursor.value["first"]
        return read_repeat(worked_out)

    def _chain(self, draft: Draft, repeat: Repeat) -> Entry:
        each = {name: self._split(draft, name, at, repeat.times) for name, at in repeat.each.items()}
        written = self.all.document.written(draft.cursor.path)
        pattern = draft.cursor.without("repeat", "when", "share")  # which are about all copies together
        copies: list[Entry] = []
        for i in range(repeat.times):
            copy = self._copy(draft, pattern, i, written)
            if i == 0 and repeat.first is not None:
                self._put_first(copy, repeat.first)
            copy.hint = START if i == 0 and repeat.carry is not None else ""
            copy.fixed = {n: Pick(Output(node, i), "", repeat.each[n]) for n, node in each.items()}
            copy.fixed |= _carried(draft, repeat, copies)
            if repeat.share:
                self.all.owners.join(copy.name, draft.name)
            before = self.all.made
            copies.append(self._single(copy))
            if i == 0 and copies[0] is copy and not self.all.finish(copy):
                return self.all.names.give_up(draft.name)  # what is wrong with one is wrong with all
            if i == 1:  # those that follow are like the second
                self.all.leave_room(draft.cursor["repeat"], (self.all.made - before) * (repeat.times - 2))
        return Copies(draft.name, copies, repeat.share, partial(self._stack, draft, len(copies)))

    def _copy(self, draft: Draft, pattern: Cursor, i: int, written: KeyPath) -> Draft:
        """Copy number `i` of a node that is written at `written`, before it is expanded."""
        name = f"{draft.name}/{i}"
        path: KeyPath = (draft.section, name)
        self.all.note(name, path, written, draft.scope.use)
        return Draft(name, Cursor(pattern.value, path, pattern.problems), draft.section, draft.scope, draft.previous)

    def _put_first(self, copy: Draft, options: Cursor) -> None:
        """Give the first copy the options that are its own."""
        copy.cursor = Cursor({**copy.cursor.value, **options.value}, copy.cursor.path, copy.cursor.problems)
        for key in options.value:
            self.all.document.copy((*copy.cursor.path, key), (*options.path, key), None)

    def _single(self, copy: Draft) -> Entry:
        """The entry for one copy, after what the command line says of it."""
        if self.all.document.deferred:
            copy.cursor = self.all.overriding.apply(copy.cursor).without("repeat", "share")
            copy.off = isinstance(copy.cursor.value, dict) and self.all.is_off(copy.cursor, copy.scope)
        return self.all.single(copy)

    def _split(self, draft: Draft, name: str, at: Cursor, times: int) -> Draft:
        """The node that splits a variable along axis 1 into one for each copy."""
        value = {"block": "unstack", "axis": AXIS, "count": times, "in": at.value}
        made = self._made(f"{draft.name}/{name}", value, draft, at)
        self.all.drafts.append(made)
        return made

    def _stack(self, draft: Draft, times: int, part: str) -> Draft:
        """The node that stacks an output of all copies along axis 1; made when it is first read."""
        name = f"{draft.name}/all" + (f"-{part}" if part else "")
        if name not in self._stacks:
            reads = [f"{draft.name}/{i}" + (f".{part}" if part else "") for i in range(times)]
            made = self._made(name, {"block": "stack", "axis": AXIS, "in": reads}, draft, draft.cursor["repeat"])
            made.scope = self.all.top
            self.all.finish(made)
            self.all.drafts.append(made)
            self._stacks[name] = made
        return self._stacks[name]

    def _made(self, name: str, value: dict[str, Any], draft: Draft, at: Cursor) -> Draft:
        """A node that the file does not spell out, said to be written at `at`."""
        path: KeyPath = (draft.section, name)
        self.all.note(name, path, self.all.document.written(at.path), draft.scope.use)
        self.all.count(at)
        return Draft(name, Cursor(value, path, at.problems), draft.section, draft.scope)


def _carried(draft: Draft, repeat: Repeat, copies: list[Entry]) -> dict[str, Source]:
    """What a copy reads from the one before; the first copy what `start` says, or else what the node does."""
    if not copies:
        return dict(repeat.start)
    if repeat.carry is None:
        return {"": Pick(copies[-1], "", draft.cursor["repeat"])}
    return {name: Pick(copies[-1], at.value, at) for name, at in repeat.carry.items()}
