"""The wiring of nodes: the names that a file uses become the variables of the graph."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from blockrun.core import Block, Node
from blockrun.core.block import Signature
from blockrun.plugins.suggest import closest, did_you_mean, listing

from .nodes import Draft
from .reader import Cursor, show_plain

Data = tuple[str | None, ...]


class Wiring:
    """All names of one file: its inputs, and its nodes with their outputs and parameters."""

    def __init__(self, inputs: Iterable[str], drafts: Iterable[Draft]) -> None:
        self.inputs = list(inputs)
        self.drafts: dict[str, Draft] = {}
        for draft in drafts:
            self.drafts.setdefault(draft.name, draft)
        self.owners = {name: self._owner(draft) for name, draft in self.drafts.items()}

    def nodes(self) -> list[Node]:
        """Every node that could be wired; the others are complained about."""
        wired = [self._node(draft) for draft in self.drafts.values()]
        return [node for node in wired if node is not None]

    def variable(self, cursor: Cursor) -> str | None:
        """The variable that a name in the file stands for; None, with a complaint, if there is none."""
        found = self._find(cursor.value) if isinstance(cursor.value, str) else None
        if found is None:
            shown = cursor.value if isinstance(cursor.value, str) else show_plain(cursor.value)
            close = closest(str(shown), self.known())
            help = f"did you mean `{close}`?" if close else f"there are {listing([*self.inputs, *self.drafts])}"
            cursor.error("E030", f"unknown variable `{shown}`", "nothing produces this", help)
        return found

    def known(self) -> list[str]:
        """Every name that a node may read."""
        names = [*self.inputs, *self.drafts]
        for draft in self.drafts.values():
            if draft.block is not None:
                names += [f"{draft.name}.{o}" for o in (*draft.block.outputs[1:], *draft.block.signature.made)]
        return names

    def parameter(self, node: str, name: str) -> str:
        """The variable that the parameter `name` of a node is: its own, its owner's, or what that is tied to."""
        seen: set[tuple[str, str]] = set()
        while (node, name) not in seen:
            seen.add((node, name))
            tied = _ties(self.drafts[node]).get(name)
            if tied is None:
                node = self.owners[node]
            elif tied in self.inputs or tied in self.drafts or tied.rpartition(".")[0] not in self.drafts:
                return str(tied)
            else:
                node, _, name = tied.rpartition(".")
        return f"{node}.{name}"

    def _find(self, name: str) -> str | None:
        if name in self.inputs or name in self.drafts:
            return name
        node, _, part = name.rpartition(".")
        return self._part(self.drafts[node], part) if node in self.drafts else None

    def _part(self, draft: Draft, part: str) -> str | None:
        """`node.part`: an output or a parameter; taken on trust where the node's block is not known."""
        if draft.block is None:
            return f"{draft.name}.{part}"
        if part == draft.block.outputs[0]:
            return draft.name
        if part in draft.block.signature.made:
            return self.parameter(draft.name, part)
        return f"{draft.name}.{part}" if part in draft.block.outputs else None

    def _node(self, draft: Draft) -> Node | None:
        data, params = self._data(draft), self._params(draft)
        self._check_share(draft)
        if draft.block is None or data is None or params is None:
            return None
        owner = self.owners[draft.name]
        place = str(draft.cursor.problems.mark(draft.cursor.path, key=True) or "")
        return Node(draft.name, draft.block, data, params, place=place, owner="" if owner == draft.name else owner)

    def _data(self, draft: Draft) -> Data | None:
        if "in" not in draft.cursor:
            return self._implied(draft)
        cursor = draft.cursor["in"]
        if cursor.value is None:
            cursor.error("E031", f"`in` of node `{draft.name}` is empty", help=_wanted(draft), key=True)
            return None
        if isinstance(cursor.value, dict):
            return self._by_name(draft, cursor)
        return self._fits(draft, self._listed(cursor), cursor)

    def _listed(self, cursor: Cursor) -> list[str] | None:
        """One name or a list of them as variables; None if one of them is unknown."""
        items = [cursor[i] for i in range(len(cursor.value))] if isinstance(cursor.value, list) else [cursor]
        found = [self.variable(item) for item in items]
        known = [variable for variable in found if variable is not None]
        return known if len(known) == len(found) else None

    def _implied(self, draft: Draft) -> Data | None:
        if draft.block is None:
            return None
        if not draft.block.signature.data and not draft.block.signature.many:
            return ()
        if draft.previous is not None:
            return self._fits(draft, [draft.previous], draft.cursor, key=True)
        fact = "there is no node or input before it" if draft.section == "net" else "a metric must say it"
        message = f"node `{draft.name}` does not say what it reads, and {fact}"
        draft.cursor.error("E031", message, "no `in`", _wanted(draft), key=True)
        return None

    def _fits(self, draft: Draft, data: list[str] | None, at: Cursor, key: bool = False) -> Data | None:
        """`data`, if it is as many variables as the block takes."""
        if data is None or draft.block is None:
            return None
        try:
            draft.block.signature.bind(len(data))
        except ValueError:
            given = "none is given" if not data else f"{len(data)} {'is' if len(data) == 1 else 'are'} given"
            if key:
                given = f"only the node before, `{data[0]}`, is given" if data else given
            fact = f"{draft.block.name} reads {_inputs(draft.block.signature)}; {given}"
            at.error("E031", fact, f"reads {', '.join(data) or 'nothing'}", _wanted(draft), key)
            return None
        return tuple(data)

    def _by_name(self, draft: Draft, cursor: Cursor) -> Data | None:
        if draft.block is None:
            return None
        signature = draft.block.signature
        found = {key: self._named(draft.block, key, item) for key, item in cursor.items()}
        missing = [name for name in signature.data if name not in found and name not in signature.optional]
        if None in found.values():
            return None
        if missing:
            fact = f"input `{missing[0]}` of {draft.block.name} is not given"
            cursor.error("E031", fact, help=_wanted(draft), key=True)
            return None
        return _in_order(signature, found)

    def _named(self, block: Block, key: str, item: Cursor) -> list[str] | None:
        """What the input `key` of a block reads; None, with a complaint, if that cannot be said."""
        if key == block.signature.many:
            return self._listed(item)
        if key in block.signature.data:
            variable = self.variable(item)
            return None if variable is None else [variable]
        inputs = [name for name in (*block.signature.data, block.signature.many) if name]
        help = did_you_mean(key, inputs, f"the inputs of {block.name} are")
        item.error("E032", f"{block.name} has no input `{key}`", "not an input", help, key=True)
        return None

    def _params(self, draft: Draft) -> dict[str, str] | None:
        """The parameters that are not the node's own, each with its variable."""
        if draft.block is None or not self._check_ties(draft):
            return None
        owner, made = self.owners[draft.name], draft.block.signature.made
        read = {name: self.parameter(draft.name, name) for name in made}
        return {name: variable for name, variable in read.items() if variable != f"{owner}.{name}"}

    def _check_ties(self, draft: Draft) -> bool:
        good = True
        entries = draft.cursor["params"].items("a map such as {W: other.W}") if "params" in draft.cursor else ()
        for key, item in entries:
            made = draft.block.signature.made if draft.block is not None else ()
            if key not in made:
                help = did_you_mean(key, made, "its parameters are")
                fact = f"{draft.cls.name if draft.cls else draft.name} has no parameter `{key}`"
                item.error("E033", fact, "not a parameter", help, key=True)
            elif draft.block is not None and self.parameter(draft.name, key) == f"{draft.name}.{key}":
                item.error("E033", f"`{draft.name}.{key}` ends up tied to itself", "leads back here")
                good = False
            good = self.variable(item) is not None and key in made and good
        return good

    def _owner(self, draft: Draft) -> str:
        """The node whose parameters `draft` uses in the end: itself if it shares with none, or in a circle."""
        chain = [draft.name]
        while (other := self._shared(self.drafts[chain[-1]])) is not None:
            if other.name in chain:
                return draft.name
            chain.append(other.name)
        return chain[-1]

    def _first_in_circle(self, draft: Draft) -> str:
        """Of nodes that share in a circle, the first in the file; "" if `draft` is in none."""
        chain = [draft.name]
        while (other := self._shared(self.drafts[chain[-1]])) is not None and other.name not in chain:
            chain.append(other.name)
        return next(name for name in self.drafts if name in chain) if other is draft else ""

    def _shared(self, draft: Draft) -> Draft | None:
        name = draft.cursor.value["share"] if "share" in draft.cursor else None
        return self.drafts.get(name) if isinstance(name, str) else None

    def _check_share(self, draft: Draft) -> None:
        if "share" not in draft.cursor:
            return
        cursor, other = draft.cursor["share"], self._shared(draft)
        if other is None:
            help = did_you_mean(str(cursor.value), [n for n in self.drafts if n != draft.name], "nodes are")
            cursor.error("E033", f"unknown node {show_plain(cursor.value)} to share with", "not a node", help)
        elif draft.name == self._first_in_circle(draft):
            cursor.error("E033", f"node `{draft.name}` ends up sharing with itself", "leads back here")
        elif draft.cls is not None and other.cls is not None and draft.cls is not other.cls:
            fact = f"`{draft.name}` is a {draft.cls.name} and `{other.name}` a {other.cls.name}"
            related = ((other.cursor.path, f"a {other.cls.name}"),)
            cursor.error("E033", f"{fact}; only nodes of one block can share", "another block", related=related)


def _ties(draft: Draft) -> dict[str, str]:
    """What `params` says, as far as it can be understood."""
    written = draft.cursor.value.get("params") if isinstance(draft.cursor.value, dict) else None
    return {k: v for k, v in written.items() if isinstance(v, str)} if isinstance(written, dict) else {}


def _in_order(signature: Signature, found: dict[str, Any]) -> Data:
    """Variables given by name in the order of the signature, None for those left out before one that is given."""
    many = found.get(signature.many or "", [])
    last = max([i for i, name in enumerate(signature.data) if name in found], default=-1)
    count = len(signature.data) if many else last + 1
    return (*(found[name][0] if name in found else None for name in signature.data[:count]), *many)


def _inputs(signature: Signature) -> str:
    """How many inputs a block reads, and their names."""
    names = [*(f"{n}, optional" if n in signature.optional else n for n in signature.data)]
    if signature.many:
        return f"any number of inputs ({', '.join([*names, signature.many])})"
    return f"{len(names)} input{'s' if len(names) != 1 else ''}" + (f" ({', '.join(names)})" if names else "")


def _wanted(draft: Draft) -> str:
    """Help: the `in` that a node could have."""
    signature = draft.block.signature if draft.block is not None else None
    if signature is None or not (signature.data or signature.many):
        return "leave `in` out" if signature else ""
    names = [n for n in signature.data if n not in signature.optional] or list(signature.data[:1])
    names += [f"{signature.many}1", f"{signature.many}2"] if signature.many and len(names) < 2 else []
    listed = names[0] if len(names) == 1 else f"[{', '.join(names)}]"
    return f"write `in: {listed}`, with the names of what it is to read"
