"""The nodes of `net` and `metrics` as written: which block each is, with which options."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from blockrun.core import Block
from blockrun.core.options import RESERVED
from blockrun.plugins.errors import UserError
from blockrun.plugins.host import Host

from .document import is_broken
from .reader import Cursor

LATER = ("use", "repeat", "when", "freeze", "init")


@dataclass
class Draft:
    """A node before its wiring is resolved. `block` is None if it could not be made, `cls` if it is not known.

    `previous` is what the node reads if it does not say.
    """

    name: str
    cursor: Cursor
    section: str
    previous: str | None
    cls: type[Block] | None = None
    block: Block | None = None


def find_component(host: Host, kind: str, key: str, section: Cursor, code: str) -> Any:
    """What the plugins offer under the name that `section` gives as `key`; None, with a complaint, if there is none."""
    name = section.get(key, str)
    if name is None:
        return None
    try:
        return host.find(kind, name)
    except UserError as error:
        section[key].error("E070" if error.exit_code == 3 else code, error.message, "not found", error.help)
        return None


def draft_nodes(section: Cursor, host: Host, first: str | None) -> list[Draft]:
    """Read the map of nodes at `section`; `first` is what the first node reads if it does not say.

    Nodes of `metrics` have no previous node: they must say what they read.
    """
    kind = str(section.path[0])
    drafts: list[Draft] = []
    for name, cursor in section.named("node" if kind == "net" else "metric"):
        draft = Draft(name, cursor.expanded("block"), kind, first if kind == "net" else None)
        _read_block(draft, host)
        drafts.append(draft)
        first = name
    return drafts


def _read_block(draft: Draft, host: Host) -> None:
    cursor = draft.cursor
    if not cursor.is_map("a block's name, or a map with `block:`"):
        return
    later = [key for key in LATER if key in cursor]
    for key in later:
        cursor[key].error("E015", f"`{key}` is not available in this version", "not yet", key=True)
    if "block" not in cursor:
        if "use" not in cursor:
            help = cursor.meant("block") or "add `block:` with the name of one; `blockrun blocks` lists them"
            cursor.error("E013", f"node `{draft.name}` does not say which block it is", "no block", help, key=True)
        return
    draft.cls = find_component(host, "blocks", "block", cursor, "E010")
    if draft.cls is not None and not is_broken(cursor.value):
        options = {key: value for key, value in cursor.value.items() if key not in RESERVED}
        made = cursor.options(draft.cls, options, draft.cls.name)
        draft.block = None if later else made  # type: ignore[assignment]
