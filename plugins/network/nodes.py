"""The `net` and `metrics` of a file as nodes of a graph: which block, which options, wired to what."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from blockrun.core import Block, Node
from blockrun.core.options import RESERVED
from blockrun.plugins.errors import UserError
from blockrun.plugins.host import Host

from .diagnostics import did_you_mean
from .reader import Cursor

LATER = ("use", "repeat", "when", "freeze", "init")
Names = str | list[str] | dict[str, Any] | None


@dataclass
class Draft:
    """A node as written, before its wiring is resolved. `block` is None if it could not be made."""

    name: str
    cursor: Cursor
    section: str
    cls: type[Block] | None
    block: Block | None
    previous: str | None


def find_component(host: Host, kind: str, name: str, cursor: Cursor, code: str) -> Any:
    """What the plugins offer under `name`; None, with a complaint at `cursor`, if there is nothing."""
    try:
        return host.find(kind, name)
    except UserError as error:
        help = did_you_mean(name, host.names(kind)) if hasattr(error, "suggestion") else error.help
        cursor.error("E070" if error.exit_code == 3 else code, error.message, help=help)
        return None


def draft_nodes(section: Cursor, host: Host, first: str | None) -> list[Draft]:
    """Read the map of nodes at `section`; `first` is what the first node reads if it does not say."""
    drafts: list[Draft] = []
    for name, cursor in section.named("node"):
        previous = drafts[-1].name if drafts else first
        drafts.append(_draft(name, cursor, section.name, host, previous if section.name == "net" else None))
    return drafts


def _draft(name: str, cursor: Cursor, section: str, host: Host, previous: str | None) -> Draft:
    draft = Draft(name, cursor, section, None, None, previous)
    if isinstance(cursor.value, str):
        draft.cursor = cursor = Cursor({"block": cursor.value}, cursor.path, cursor.problems)
    if not cursor.is_map("a block's name, or a map with `block:`"):
        return draft
    for key in LATER:
        if key in cursor:
            cursor[key].error("E015", f"`{key}` is not available in this version of blockrun", key=True)
    if "block" not in cursor:
        if "use" not in cursor:
            cursor.error("E013", f"node `{name}` does not say which block it is", help="add `block:`", key=True)
        return draft
    kind = cursor.get("block", str)
    draft.cls = None if kind is None else find_component(host, "blocks", kind, cursor["block"], "E010")
    if draft.cls is not None:
        options = {key: value for key, value in cursor.value.items() if key not in RESERVED}
        draft.block = cursor.options(draft.cls, options, draft.cls.name)  # type: ignore[assignment]
    return draft


class Wiring:
    """Turns the names that a file uses into variables."""

    def __init__(self, inputs: Iterable[str], drafts: Iterable[Draft]) -> None:
        self.inputs = list(inputs)
        self.drafts = {draft.name: draft for draft in drafts}

    def node(self, draft: Draft) -> Node | None:
        """The finished node; None, with complaints, if it cannot be wired or its block could not be made."""
        data = self._data(draft)
        params = self._params(draft)
        owner = self._owner(draft, ())
        if draft.block is None or data is None or params is None:
            return None
        try:
            draft.block.signature.bind(len(data))
        except ValueError as error:
            at = draft.cursor["in"] if "in" in draft.cursor else draft.cursor
            at.error("E031", f"{draft.block.name}: {error}", key="in" not in draft.cursor)
            return None
        mark = draft.cursor.problems.mark(draft.cursor.path, key=True)
        return Node(draft.name, draft.block, data, params, place=str(mark or ""), owner=owner)

    def known(self) -> list[str]:
        """Every name that a node may read."""
        names = [*self.inputs, *self.drafts]
        for draft in self.drafts.values():
            if draft.block is not None:
                names += [f"{draft.name}.{o}" for o in (*draft.block.outputs[1:], *draft.block.signature.made)]
        return names

    def variable(self, name: Any, cursor: Cursor) -> str | None:
        """The variable that `name` stands for; None, with a complaint, if there is none."""
        if isinstance(name, str):
            node, _, part = name.rpartition(".")
            if name in self.inputs or name in self.drafts:
                return name
            if node in self.drafts:
                found = self._part(self.drafts[node], part)
                if found:
                    return found
        help = did_you_mean(str(name), self.known())
        cursor.error("E030", f"unknown variable `{name}`", "nothing produces this", help)
        return None

    def _part(self, draft: Draft, part: str) -> str | None:
        """`node.part`: an output or a parameter; taken on trust where the node's block is not known."""
        if draft.block is None:
            return f"{draft.name}.{part}"
        if part == draft.block.outputs[0]:
            return draft.name
        if part in draft.block.signature.made:
            return f"{self._owner(draft, ()) or draft.name}.{part}"
        return f"{draft.name}.{part}" if part in draft.block.outputs else None

    def _data(self, draft: Draft) -> tuple[str | None, ...] | None:
        if "in" not in draft.cursor:
            return self._implied(draft)
        cursor = draft.cursor["in"]
        if isinstance(cursor.value, dict):
            return self._by_name(draft, cursor)
        if isinstance(cursor.value, list):
            found = [self.variable(name, cursor[i]) for i, name in enumerate(cursor.value)]
        else:
            found = [self.variable(cursor.value, cursor)]
        return None if None in found else tuple(found)

    def _implied(self, draft: Draft) -> tuple[str | None, ...] | None:
        signature = draft.block.signature if draft.block is not None else None
        if signature is None or (not signature.data and not signature.many):
            return ()
        if draft.previous is None:
            wanted = ", ".join([*signature.data, *([f"*{signature.many}"] if signature.many else [])])
            draft.cursor.error("E031", f"node `{draft.name}` does not say what it reads", help=f"add `in:` ({wanted})")
            return None
        return (draft.previous,)

    def _by_name(self, draft: Draft, cursor: Cursor) -> tuple[str | None, ...] | None:
        if draft.block is None:
            return None
        signature = draft.block.signature
        allowed = [*signature.data, *([signature.many] if signature.many else [])]
        for key, item in cursor.items():
            if key not in allowed:
                help = did_you_mean(key, allowed, "inputs")
                item.error("E032", f"{draft.block.name} has no input `{key}`", help=help, key=True)
        found = {key: self.variable(item.value, item) for key, item in cursor.items() if key in signature.data}
        missing = [name for name in signature.data if name not in found and name not in signature.optional]
        for name in missing:
            cursor.error("E031", f"{draft.block.name}: input `{name}` is not given")
        if missing or None in found.values():
            return None
        many = self._many(cursor, signature.many) if signature.many in cursor.value else []
        last = max([i for i, n in enumerate(signature.data) if n in found], default=-1)
        count = len(signature.data) if many else last + 1
        return (*(found.get(name) for name in signature.data[:count]), *many)

    def _many(self, cursor: Cursor, name: Any) -> list[str]:
        item = cursor[name]
        names = item.value if isinstance(item.value, list) else [item.value]
        return [v for v in (self.variable(n, item) for n in names) if v is not None]

    def _params(self, draft: Draft) -> dict[str, str] | None:
        if "params" not in draft.cursor:
            return {}
        found: dict[str, str | None] = {}
        for key, item in draft.cursor["params"].items("a map such as {W: other.W}"):
            if draft.block is not None and key not in draft.block.signature.made:
                help = did_you_mean(key, draft.block.signature.made, "parameters")
                item.error("E033", f"{draft.block.name} has no parameter `{key}`", help=help, key=True)
            found[key] = self.variable(item.value, item)
        return None if None in found.values() else {key: v for key, v in found.items() if v}

    def _owner(self, draft: Draft, chain: tuple[str, ...]) -> str:
        """The node whose parameters `draft` uses: its own, or those of the node it shares with."""
        if "share" not in draft.cursor:
            return draft.name if chain else ""
        cursor = draft.cursor["share"]
        other = self.drafts.get(cursor.value) if isinstance(cursor.value, str) else None
        if other is None or draft.name in chain:
            help = did_you_mean(str(cursor.value), [n for n in self.drafts if n != draft.name], "nodes")
            what = "shares with itself" if other else f"unknown node `{cursor.value}`"
            cursor.error("E033", what if other is None else f"node `{draft.name}` {what}", help=help)
            return ""
        if other.cls is not None and draft.cls is not None and other.cls is not draft.cls:
            cursor.error("E033", f"`{other.name}` is a {other.cls.name}; only a {draft.cls.name} can share with it")
        return self._owner(other, (*chain, draft.name))
