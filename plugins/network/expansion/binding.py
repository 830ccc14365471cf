"""Binding: which of the inputs of a block or a template reads what, from what its node says and what is implied."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

from blockrun.core import Block
from blockrun.plugins.suggest import did_you_mean

from ..reader import Cursor
from .scopes import Pick, Source

if TYPE_CHECKING:
    from ..nodes import Draft

Bound = dict[str, list[Source]]


class Reads(NamedTuple):
    """What can be read: by what is called `what`, inputs by name, `many` of them under one name if it is not ""."""

    what: str
    data: tuple[str, ...]
    optional: frozenset[str] = frozenset()
    many: str = ""

    @property
    def names(self) -> list[str]:
        return [name for name in (*self.data, self.many) if name]

    @property
    def least(self) -> int:
        return len(self.data) - len(self.optional)

    def shown(self) -> str:
        """How many inputs there are, and their names."""
        names = [f"{n}, optional" if n in self.optional else n for n in self.data]
        if self.many:
            return f"any number of inputs ({', '.join([*names, self.many])})"
        return f"{len(names)} input{'s' if len(names) != 1 else ''}" + (f" ({', '.join(names)})" if names else "")

    def wanted(self) -> str:
        """Help: the `in` that a node could have."""
        if not self.names:
            return "leave `in` out"
        names = [n for n in self.data if n not in self.optional] or list(self.data[:1])
        names += [f"{self.many}1", f"{self.many}2"] if self.many and len(names) < 2 else []
        listed = names[0] if len(names) == 1 else f"[{', '.join(names)}]"
        return f"write `in: {listed}`, with the names of what it is to read"


def reads_of(block: Block) -> Reads:
    """What a block reads."""
    signature = block.signature
    return Reads(block.name, signature.data, signature.optional, signature.many or "")


def bind(reads: Reads, draft: Draft) -> Bound | None:
    """The sources of each input that reads something, in order; None, with a complaint, if they do not fit.

    What a repetition has fixed replaces what the node says; fixed for "" is the first input.
    """
    first = next(iter(reads.names), "")
    fixed = {name or first: source for name, source in draft.fixed.items() if name or first not in draft.fixed}
    for name, source in fixed.items():
        if name not in reads.names:
            at = (source.at or draft.cursor) if isinstance(source, Pick) else source
            help = did_you_mean(name, reads.names, f"the inputs of {reads.what} are")
            fact = (
                f"{reads.what} has no input `{name}`"
                if name
                else f"{reads.what} reads nothing, so nothing is carried on"
            )
            at.error("E032", fact, "not an input", help, key=True)
            return None
    said = _said(reads, draft, fixed)
    if said is None:
        return None
    for name, source in fixed.items():
        said[name] = [source, *(said.get(name, [])[1:] if name == reads.many else ())]
    lacking = [name for name in reads.data if name not in said and name not in reads.optional]
    if lacking:
        at, help = draft.cursor.nearest("in"), draft.hint or reads.wanted()
        at.error("E031", f"input `{lacking[0]}` of {reads.what} is not given", help=help, key=True)
        return None
    return {name: said[name] for name in reads.names if name in said}


def _said(reads: Reads, draft: Draft, fixed: Mapping[str, Source]) -> Bound | None:
    """What the node says or leaves to be implied."""
    if "in" in draft.cursor:
        return _written(reads, draft, fixed, draft.cursor["in"])
    if not reads.names or reads.names[0] in fixed:
        return {}
    if draft.cursor.path in draft.cursor.problems.document.added:
        fact = f"node `{draft.name}` is added to a net that is written elsewhere, so it must say what it reads"
        draft.cursor.error("E031", fact, "no `in`", reads.wanted(), key=True)
        return None
    if draft.previous is not None:
        return _in_order(reads, draft, [draft.previous], fixed, draft.cursor, key=True)
    fact = "there is no node or input before it" if draft.section == "net" else "a metric must say it"
    message = f"node `{draft.name}` does not say what it reads, and {fact}"
    draft.cursor.error("E031", message, "no `in`", reads.wanted(), key=True)
    return None


def _written(reads: Reads, draft: Draft, fixed: Mapping[str, Source], cursor: Cursor) -> Bound | None:
    if cursor.value is None:
        cursor.error("E031", f"`in` of node `{draft.name}` is empty", help=reads.wanted(), key=True)
        return None
    if isinstance(cursor.value, dict):
        return _by_name(reads, cursor)
    return _in_order(reads, draft, listed(cursor), fixed, cursor)


def listed(cursor: Cursor) -> list[Source]:
    """One name or a list of them."""
    return [cursor[i] for i in range(len(cursor.value))] if isinstance(cursor.value, list) else [cursor]


def _in_order(
    reads: Reads, draft: Draft, sources: list[Source], fixed: Mapping[str, Source], at: Cursor, key: bool = False
) -> Bound | None:
    """The sources for the inputs in their order, if there are neither too many nor, without any fixed, too few."""
    few = len(sources) < reads.least and not fixed
    if few or (len(sources) > len(reads.data) and not reads.many):
        names = [s.value if isinstance(s, Cursor) else s.entry.path for s in sources]
        given = "none is given" if not names else f"{len(names)} {'is' if len(names) == 1 else 'are'} given"
        if key:
            given = f"only the node before, `{names[0]}`, is given"
        label = f"reads {', '.join(map(str, names)) or 'nothing'}"
        at.error("E031", f"{reads.what} reads {reads.shown()}; {given}", label, draft.hint or reads.wanted(), key)
        return None
    found: Bound = {name: [source] for name, source in zip(reads.data, sources, strict=False)}
    return found | ({reads.many: sources[len(reads.data) :]} if reads.many else {})


def _by_name(reads: Reads, cursor: Cursor) -> Bound | None:
    found: Bound = {}
    good = True
    for key, item in cursor.items():
        if key in reads.names:
            found[key] = listed(item) if key == reads.many else [item]
            continue
        help = did_you_mean(key, reads.names, f"the inputs of {reads.what} are")
        item.error("E032", f"{reads.what} has no input `{key}`", "not an input", help, key=True)
        good = False
    return found if good else None
