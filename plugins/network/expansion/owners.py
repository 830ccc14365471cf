"""Sharing: under whose name the parameters of each node go."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from blockrun.plugins.suggest import did_you_mean

from ..nodes import Draft
from ..reader import Cursor, show_plain
from .entries import Copies, Use
from .names import Names
from .scopes import Alias, Entry, Lost, Scope

MOST_STEPS = 100  # of which one shares with another that shares with another ...


class Share(NamedTuple):
    """A node with `share`, where it says that, and the scope that both are in."""

    name: str
    cursor: Cursor
    scope: Scope


class Owners:
    """Which names stand for which others where parameters are concerned.

    A whole scope can stand for another: with `right` for `left`, the parameters of `right/fc` are those of `left/fc`;
    the copies of a repetition that shares stand for the repetition.
    """

    def __init__(self, names: Names) -> None:
        self.names = names
        self._shares: dict[str, Share] = {}
        self._for: dict[str, str] = {}
        self._joined: dict[str, str] = {}

    def read(self, draft: Draft) -> None:
        """Take in the `share` of a node, whose values are worked out."""
        if "share" in draft.cursor:
            self._shares[draft.name] = Share(draft.name, draft.cursor["share"], draft.scope)

    def join(self, copy: str, repetition: str) -> None:
        """Let a copy stand for its repetition."""
        self._joined[copy] = repetition

    def settle(self, drafts: list[Draft]) -> None:
        """Give every node its owner; complains about what cannot be shared."""
        for share in self._shares.values():
            entry = self._entry(share)
            if entry is not None:
                self._for[share.name] = entry.path
        self._refuse_circles()
        first: dict[str, Draft] = {}
        for draft in drafts:
            first.setdefault(_follow(draft.name, self._joined), draft)
        first |= {draft.name: draft for draft in drafts}
        both, blamed = {**self._joined, **self._for}, set[str]()
        for draft in drafts:
            draft.owner = _follow(draft.name, both)
            said = [self._shares[prefix] for prefix in _prefixes(draft.name) if prefix in self._for][:1]
            if any(s.name not in blamed and not self._agrees(draft, s, first.get(draft.owner)) for s in said):
                blamed.add(said[0].name)

    def _entry(self, share: Share) -> Entry | None:
        """What a node shares with; None, with a complaint, if that is not a node like it."""
        text, scope, cursor = share.cursor.value, share.scope, share.cursor
        entry = scope.entry(text) if isinstance(text, str) else None
        if isinstance(entry, Lost):
            return None
        if entry is None or not _kind(entry):
            nodes = {name: e for s in scope.outwards() for name, e in s.entries.items() if _kind(e)}
            help = did_you_mean(str(text), [n for n, e in nodes.items() if e.path != share.name], "nodes are")
            cursor.error("E033", f"unknown node {show_plain(text)} to share with", "not a node", help)
            return None
        own = scope.entry(share.name.removeprefix(f"{scope.path}/"))
        kinds = [_kind(e) for e in (own, entry) if e is not None]
        if len(set(kinds)) > 1 and not isinstance(entry, Alias) and not isinstance(own, Alias | Lost):
            fact = f"`{share.name}` is {kinds[0]} and `{entry.path}` is {kinds[1]}; only like shares with like"
            cursor.error("E033", fact, "something else")
            return None
        return entry

    def _refuse_circles(self) -> None:
        for share in self._shares.values():
            chain = self._chain(share.name)
            if chain is None or _inside(share.name, self._for.get(share.name)):
                fact = f"node `{share.name}` ends up sharing with itself"
                share.cursor.error("E033", fact, "leads back here")
                self._for.pop(share.name, None)

    def _chain(self, name: str) -> list[str] | None:
        """Everything that `name` stands for in turn; None if it leads back to itself."""
        chain = [name]
        while (after := _step(chain[-1], self._for)) is not None and after not in chain[1:]:
            chain.append(after)
            if after == name or len(chain) > MOST_STEPS:
                return None
        return chain

    def _agrees(self, draft: Draft, share: Share, owner: Draft | None) -> bool:
        """Whether there is an owner for `draft`, of the same block; complains if not."""
        if owner is None and self.names.lost.isdisjoint(_prefixes(draft.owner)):
            fact = f"`{draft.name}` would share with `{draft.owner}`, which is not there"
            share.cursor.error("E033", fact, "not built alike")
            return False
        if owner is not None and None is not draft.cls is not owner.cls is not None:
            fact = f"`{draft.name}` is of block {draft.cls.name} and `{owner.name}` of {owner.cls.name}"
            related = ((owner.cursor.path, owner.cls.name),)
            help = f"`params: {{W: {owner.name}.W}}` ties one parameter to another"
            share.cursor.error("E033", f"{fact}; only one block can share", "another block", help, related=related)
            return False
        return True


def _prefixes(name: str) -> Iterator[str]:
    """A full name and the scopes that it is in, the nearest first."""
    while name:
        yield name
        name = name.rpartition("/")[0]


def _inside(name: str, other: str | None) -> bool:
    """Whether one of two is inside the other."""
    return other is not None and (f"{other}/".startswith(f"{name}/") or f"{name}/".startswith(f"{other}/"))


def _step(name: str, rules: dict[str, str]) -> str | None:
    """What `name` stands for by the rule about it or the nearest scope that it is in; None if there is no rule."""
    prefix = next((p for p in _prefixes(name) if p in rules), None)
    return None if prefix is None else rules[prefix] + name[len(prefix) :]


def _follow(name: str, rules: dict[str, str]) -> str:
    """What `name` stands for in the end."""
    for _ in range(MOST_STEPS):
        after = _step(name, rules)
        if after is None:
            break
        name = after
    return name


def _kind(entry: Entry) -> str:
    """What a node is to a message; "" for what is not a node."""
    if isinstance(entry, Use):
        return f"a use of template `{entry.scope.template}`"
    if isinstance(entry, Copies):
        return "a repetition"
    return "one node" if isinstance(entry, Draft) or (isinstance(entry, Alias) and entry.node is not None) else ""
