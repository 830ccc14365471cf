"""The walk over the nodes of a file that makes the plain list of what they stand for."""

from __future__ import annotations

from collections.abc import Mapping

from blockrun.plugins.host import Host
from blockrun.plugins.suggest import did_you_mean

from ..document import BROKEN, Copy, KeyPath
from ..limits import limit, raised
from ..nodes import Draft, read_block
from ..reader import Cursor, show_plain
from ..values import Environment, Given, Values
from .binding import Bound, bind, reads_of
from .copies import Copying
from .deferred import Overriding
from .names import Names
from .owners import Owners
from .scopes import Alias, Entry, Fed, Pick, Scope, Target
from .templates import Template
from .uses import Using

MODES = ("train", "eval")


class Expansion:
    """What the nodes of a file stand for in one mode, `train` or `eval`, or in both with `mode` None.

    drafts   the nodes, in the order of the file
    top      the names of the file itself
    metrics  the entries of the section `metrics`
    paths    where every input and node is written, by full name
    modal    whether any node is for one mode only
    made     how many nodes there are so far, those that are left out included
    """

    def __init__(
        self, root: Cursor, host: Host, values: Values, templates: Mapping[str, Template | None], mode: str | None
    ) -> None:
        self.root, self.host, self.values, self.templates, self.mode = root, host, values, templates, mode
        self.problems, self.document = root.problems, root.problems.document
        self.names = Names(root.problems)
        self.overriding = Overriding(self.document, host, templates)
        self.owners = Owners(self.names)
        self.top = Scope("", values.vars)
        self.drafts: list[Draft] = []
        self.metrics: dict[str, Entry] = {}
        self.paths: dict[str, KeyPath] = {}
        self.modal = False
        inputs = root.value.get("inputs")
        self.inputs = list(inputs) if isinstance(inputs, dict) else []
        self.passed: list[tuple[str, Given]] = []  # the arguments of templates
        self._off: list[tuple[Draft, Alias]] = []
        self.made, self._limit = 0, limit("nodes")
        self._using, self._copying = Using(self), Copying(self)

    def expand(self) -> None:
        """Fill everything in. Complains, and stops, where the file stands for too many nodes."""
        for name in self.inputs:
            self.top.entries[name] = Fed(name)
            self.paths[name] = ("inputs", name)
        first = next(iter(self.top.entries.values()), None)
        if "net" in self.root:
            self.nodes(self.root["net"], self.top, None if first is None else Pick(first), "net")
        if "metrics" in self.root:
            before = set(self.top.entries)
            self.nodes(self.root["metrics"], self.top, None, "metrics")
            self.metrics = {name: entry for name, entry in self.top.entries.items() if name not in before}
        for name, given in self.passed:
            self.values.settle(name, given)
        for draft in self.drafts:
            self.finish(draft)
        for draft, alias in self._off:
            self.finish(draft)
            self.stand_for(alias, None if draft.block is None else bind(reads_of(draft.block), draft))
        self.owners.settle(self.drafts)
        if self.mode is None:
            self.overriding.finish(self.problems)

    def nodes(self, section: Cursor, scope: Scope, previous: Pick | None, kind: str) -> None:
        """Take in a map of nodes; the first of them reads `previous` if it does not say. Metrics must all say."""
        for name, written in section.named("node" if kind == "net" else "metric"):
            if name in scope.entries:
                self._taken(name, written, scope)
            else:
                scope.entries[name] = self._enter(name, written, scope, previous, kind)
            if kind == "net" or scope is not self.top:
                previous = Pick(scope.entries[name])

    def value(self, cursor: Cursor, values: Environment) -> Cursor:
        """The value at `cursor`, worked out."""
        return Cursor(self.values.resolve(cursor.value, cursor.path, values), cursor.path, self.problems)

    def finish(self, draft: Draft) -> bool:
        """Work out the values of a node and find its block, once; returns whether it has one."""
        if not draft.finished:
            draft.finished = True
            draft.cursor = self.value(draft.cursor, draft.scope.values)
            read_block(draft, self.host)
            self.owners.read(draft)
        return draft.block is not None

    def count(self, cursor: Cursor) -> None:
        """Count one more node; complain and stop if there are too many."""
        self.made += 1
        self.leave_room(cursor, 0)

    def leave_room(self, cursor: Cursor, more: int) -> None:
        """Complain and stop if there are too many nodes with `more`."""
        if self.made + more > self._limit:
            fact = f"this file stands for more than {self._limit:,} nodes"
            self.problems.add("E006", fact, cursor.path, "the limit is passed here", raised("nodes"), key=True)
            self.problems.stop()

    def note(self, name: str, path: KeyPath, written: KeyPath, use: Cursor | None) -> None:
        """Remember where in the file the node of this full name is, and which use of a template it is in."""
        self.paths[name] = path
        if path != written:
            self.document.copies[path] = Copy(written, None if use is None else use.path)

    def _taken(self, name: str, written: Cursor, scope: Scope) -> None:
        """Two have one name: neither can be read, so nothing is made of them."""
        full = scope.join(name)
        if not scope.template:  # else it was said when the template was read
            fact = f"the name `{name}` is taken: inputs, nodes and metrics share their names"
            related = [(self.paths[full], "first here")] if full in self.paths else []
            written.error("E035", fact, "again here", "rename one of them", key=True, related=related)
        self.drafts = [draft for draft in self.drafts if draft.name != full]
        scope.entries[name] = self.names.give_up(full)

    def _enter(self, name: str, written: Cursor, scope: Scope, previous: Pick | None, kind: str) -> Entry:
        """The entry for a node as it is written, whatever that stands for."""
        full = scope.join(name)
        self.note(full, (kind, full), written.path, scope.use)
        cursor = Cursor(written.value, (kind, full), self.problems).expanded("block")
        cursor = self.overriding.apply(self._stood_for(cursor, scope))
        draft = Draft(full, cursor, kind, scope, previous)
        if not isinstance(cursor.value, dict):
            return self.single(draft)
        draft.off = self.is_off(cursor, scope)
        return self._copying.copies(draft) if "repeat" in cursor and not draft.off else self.single(draft)

    def _stood_for(self, cursor: Cursor, scope: Scope) -> Cursor:
        """A node that is written as a variable which is a map is that map, with what else is written."""
        block = cursor.value.get("block") if isinstance(cursor.value, dict) else None
        found = self.value(cursor["block"], scope.values).value if isinstance(block, str) and "$" in block else None
        if not isinstance(found, dict):
            return cursor
        sources = self.document.sources
        source = sources[(*cursor.path, "block")][0]
        sources |= {(*cursor.path, key): ((*source, key),) for key in found if key == "block" or key not in cursor}
        return Cursor(found | cursor.without("block").value, cursor.path, self.problems)

    def is_off(self, cursor: Cursor, scope: Scope) -> bool:
        """Whether a node is left out in this mode."""
        if "when" not in cursor:
            return False
        when = self.value(cursor["when"], scope.values)
        if when.value is BROKEN or when.value is True:
            return False
        if when.value is not False and when.value not in MODES:
            fact = f"{when.name} is {show_plain(when.value)}; it must be true, false, `train` or `eval`"
            when.error("E004", fact, "none of these", did_you_mean(str(when.value), MODES, "write one of"))
            return False
        self.modal = self.modal or when.value in MODES
        return when.value is False or (self.mode is not None and when.value != self.mode)

    def single(self, draft: Draft) -> Entry:
        """The entry for one node that is not repeated, or for one copy."""
        self.count(draft.cursor)
        if "use" in draft.cursor:
            return self._using.use(draft)
        if not draft.off:
            self.drafts.append(draft)
            return draft
        alias = Alias(draft.name, None, draft.scope, draft.cursor, draft)
        self._off.append((draft, alias))
        return alias

    def stand_for(self, alias: Alias, bound: Bound | None) -> None:
        """Let a node that is left out stand for the first of what it reads."""
        if bound is None:
            self.names.lost.add(alias.path)
            alias.found = Target(None, alias.path)
        else:
            alias.source = next((source for sources in bound.values() for source in sources), None)
