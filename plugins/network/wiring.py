"""The wiring of nodes: the names that a file uses become the variables of the graph."""

from __future__ import annotations

from typing import Any

from blockrun.core import Node
from blockrun.core.block import Signature
from blockrun.plugins.suggest import did_you_mean

from .expansion.binding import bind, listed, reads_of
from .expansion.expand import Expansion
from .expansion.scopes import Alias, Pick, Target
from .nodes import Draft
from .reader import Cursor

Data = tuple[str | None, ...]
WIRED = ("in", "params", "share", "init", "freeze")  # keys that come out otherwise than they are written


class Wiring:
    """The nodes of one expansion, wired. `lost` are the names of what could not be made out."""

    def __init__(self, expansion: Expansion) -> None:
        self.expansion = expansion
        self.names, self.top = expansion.names, expansion.top
        self.lost = self.names.lost
        self._owners: dict[str, Draft] = {}
        self._found: dict[tuple[str, str], str] = {}  # what parameters have turned out to be
        for draft in expansion.drafts:
            self._owners.setdefault(draft.owner, draft)
        self._owners |= {draft.name: draft for draft in expansion.drafts}

    def nodes(self) -> list[Node]:
        """Every node that could be wired; the others are complained about. Reading `name.all` may add nodes."""
        wired: list[Node] = []
        for draft in self.expansion.drafts:
            node = self._node(draft)
            if node is None:
                self.lost.add(draft.name)
            else:
                wired.append(node)
        return wired

    def variable(self, cursor: Cursor) -> str | None:
        """The variable that a name outside of the net stands for; None, with a complaint, if there is none."""
        target = self.names.target(cursor, self.top, cursor)
        return None if target is None else self._variable(target)

    def is_left_out(self, cursor: Cursor) -> bool:
        """Whether a name outside of the net is that of a node which is there in the other mode only."""
        entry = self.top.entry(str(cursor.value).partition(".")[0])
        return self.expansion.mode is not None and isinstance(entry, Alias) and entry.node is not None

    def last(self) -> tuple[str, Cursor] | None:
        """The variable that the last node of `net` is, and where that node is written; None if that is not known.

        What was added to a net that is written elsewhere does not count.
        """
        section = self.expansion.root.nearest("net")
        written = list(section.value) if "net" in self.expansion.root and isinstance(section.value, dict) else []
        added = section.problems.document.added
        names = [name for name in written if (*section.path, name) not in added] or written
        if not names or names[-1] not in self.top.entries:
            return None
        at = section[names[-1]]
        target = self.names.target(Pick(self.top.entries[names[-1]]), self.top, at)
        return None if target is None else (self._variable(target), at)

    def _variable(self, target: Target) -> str:
        """The variable of an output or a parameter; taken on trust where the block of the node is not known."""
        draft, part = target
        if draft is None:
            return part
        if draft.makes(part):
            return self.parameter(draft, part)
        first = not part or (draft.block is not None and part == draft.block.outputs[0])
        return draft.name if first else f"{draft.name}.{part}"

    def parameter(self, draft: Draft, name: str) -> str:
        """The variable that a parameter of a node is: its own, its owner's, or what that is tied to."""
        passed: list[tuple[str, str]] = []
        found = ""
        while not found:
            key = (draft.name, name)
            found = self._found.get(key, "")
            if found or key in passed:
                break
            passed.append(key)
            tied, owner = self._tie(draft, name), self._owners.get(draft.owner, draft)
            if tied is not None and tied.node is not None and tied.node.makes(tied.part):
                draft, name = tied.node, tied.part
            elif tied is not None:
                found = self._variable(tied)
            elif owner is not draft:
                draft = owner
            else:
                found = f"{draft.owner or draft.name}.{name}"
        found = found or ".".join(passed[0])
        self._found |= dict.fromkeys(passed, found)
        return found

    def _tie(self, draft: Draft, name: str) -> Target | None:
        """What `params` says about a parameter, as far as it can be understood."""
        written = draft.cursor.value.get("params") if isinstance(draft.cursor.value, dict) else None
        if not isinstance(written, dict) or not isinstance(written.get(name), str):
            return None
        cursor = draft.cursor["params"][name]
        return self.names.target(cursor, draft.scope, cursor)

    def _node(self, draft: Draft) -> Node | None:
        data, params = self._data(draft), self._params(draft)
        if draft.block is None or data is None or params is None:
            return None
        place = str(draft.cursor.problems.mark(draft.cursor.path, key=True) or "")
        owner = "" if draft.owner == draft.name else draft.owner
        return Node(draft.name, draft.block, data, params, place=place, owner=owner)

    def _data(self, draft: Draft) -> Data | None:
        if draft.block is None:
            self._check_names(draft)
            return None
        bound = bind(reads_of(draft.block), draft)
        if bound is None:
            return None
        found = {
            name: [self.names.target(s, draft.scope, draft.cursor) for s in sources] for name, sources in bound.items()
        }
        if any(target is None for targets in found.values() for target in targets):
            return None
        variables = {name: [self._variable(t) for t in targets if t is not None] for name, targets in found.items()}
        return _in_order(draft.block.signature, variables)

    def _check_names(self, draft: Draft) -> None:
        """Complain about the names that a node reads, where more cannot be said."""
        if "in" in draft.cursor and isinstance(draft.cursor.value["in"], (str, list)):
            for source in listed(draft.cursor["in"]):
                self.names.target(source, draft.scope, draft.cursor)

    def _params(self, draft: Draft) -> dict[str, str] | None:
        """The parameters that are not the node's own, each with its variable."""
        if not self._check_ties(draft) or draft.block is None:
            return None
        read = {name: self.parameter(draft, name) for name in draft.block.signature.made}
        return {name: variable for name, variable in read.items() if variable != f"{draft.owner}.{name}"}

    def _check_ties(self, draft: Draft) -> bool:
        good = True
        entries = draft.cursor["params"].items("a map such as {W: other.W}") if "params" in draft.cursor else ()
        for key, item in entries:
            made = () if draft.cls is None else draft.cls.signature.made
            if draft.cls is not None and key not in made:
                help = did_you_mean(key, made, "its parameters are")
                fact = f"{draft.cls.name} has no parameter `{key}`"
                item.error("E033", fact, "not a parameter", help, key=True)
                good = False
            if self.names.target(item, draft.scope, item) is None:
                good = False
            elif draft.makes(key) and self.parameter(draft, key) == f"{draft.name}.{key}":
                item.error("E033", f"`{draft.name}.{key}` ends up tied to itself", "leads back here")
                good = False
        return good


def spelt_out(draft: Draft, node: Node) -> dict[str, Any]:
    """A node as a file without templates would have it, every name a full one."""
    own = {key: value for key, value in draft.cursor.value.items() if key not in WIRED}
    signature = node.block.signature
    if None in node.inputs:
        own["in"] = {n: v for n, v in zip(signature.bind(len(node.inputs)), node.inputs, strict=True) if v is not None}
        own["in"] |= {signature.many: list(node.inputs[len(signature.data) :])} if signature.many else {}
    elif node.inputs:
        own["in"] = node.inputs[0] if len(node.inputs) == 1 else list(node.inputs)
    return own | ({"params": dict(node.params)} if node.params else {}) | ({"share": node.owner} if node.owner else {})


def _in_order(signature: Signature, found: dict[str, Any]) -> Data:
    """Variables given by name in the order of the signature, None for those left out before one that is given."""
    many = found.get(signature.many or "", [])
    last = max([i for i, name in enumerate(signature.data) if name in found], default=-1)
    count = len(signature.data) if many else last + 1
    return (*(found[name][0] if name in found else None for name in signature.data[:count]), *many)
