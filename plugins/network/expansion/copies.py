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
OF_ALL = ("repeat", "when", "share")  # keys that are about all copies together


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
        copies: list[Entry] = []
        for i in range(repeat.times):
            fixed: dict[str, Source] = {n: Pick(Output(node, i), "", repeat.each[n]) for n, node in each.items()}
            copy = self._copy(draft, repeat, i, fixed | _carried(draft, repeat, copies))
            if repeat.share:
                self.all.owners.join(copy.name, draft.name)
            copies.append(self.all.single(copy))
        return Copies(draft.name, copies, repeat.share, partial(self._stack, draft, len(copies)))

    def _copy(self, draft: Draft, repeat: Repeat, i: int, fixed: dict[str, Source]) -> Draft:
        """Copy number `i` of a node, before it is expanded."""
        name, document = f"{draft.name}/{i}", self.all.document
        path: KeyPath = (draft.section, name)
        self.all.note(name, path, document.written(draft.cursor.path), self._use(draft))
        cursor = Cursor(draft.cursor.without(*OF_ALL).value, path, draft.cursor.problems)
        if i == 0 and repeat.first is not None:
            cursor.value.update(repeat.first.value)
            for key in repeat.first.value:
                document.copy((*path, key), (*repeat.first.path, key), self._use(draft))
        cursor = self.all.overriding.apply(cursor).without("repeat", "share")
        off = isinstance(cursor.value, dict) and self.all.is_off(cursor, draft.scope)
        needs_start = i == 0 and repeat.carry is not None
        hint = "say what the first copy reads with `start:` beside `carry:`" if needs_start else ""
        return Draft(name, cursor, draft.section, draft.scope, draft.previous, fixed, off, hint)

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
        self.all.note(name, path, self.all.document.written(at.path), self._use(draft))
        self.all.count(at)
        return Draft(name, Cursor(value, path, at.problems), draft.section, draft.scope)

    def _use(self, draft: Draft) -> KeyPath | None:
        return None if draft.scope.use is None else draft.scope.use.path


def _carried(draft: Draft, repeat: Repeat, copies: list[Entry]) -> dict[str, Source]:
    """What a copy reads from the one before; the first copy what `start` says, or else what the node does."""
    if not copies:
        return dict(repeat.start)
    if repeat.carry is None:
        return {"": Pick(copies[-1], "", draft.cursor["repeat"])}
    return {name: Pick(copies[-1], at.value, at) for name, at in repeat.carry.items()}
