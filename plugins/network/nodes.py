"""The nodes of `net` and `metrics` as written: which block each is, with which options."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from blockrun.core import Block
from blockrun.core.options import RESERVED
from blockrun.plugins.errors import UserError
from blockrun.plugins.host import Host

from .document import is_broken
from .expansion.scopes import Entry, Pick, Scope, Source, Step, Target
from .reader import Cursor


@dataclass(eq=False)
class Draft:
    """A node under its full name, before its wiring is resolved.

    scope     where the names that it reads are looked up
    previous  what it reads if it does not say
    fixed     what a repetition has it read, by input, "" for the first
    off       whether it is left out and stands for what it reads
    hint      help for an input that is not given, "" for the usual
    cls       its block, None if that is not known
    block     with its options, None if they do not fit
    owner     the full name under which its parameters go
    finished  whether its values have been worked out and its block looked for
    """

    name: str
    cursor: Cursor
    section: str
    scope: Scope
    previous: Pick | None = None
    fixed: dict[str, Source] = field(default_factory=dict)
    off: bool = False
    hint: str = ""
    cls: type[Block] | None = None
    block: Block | None = None
    owner: str = ""
    finished: bool = False

    @property
    def path(self) -> str:
        return self.name

    def step(self, part: str) -> Step:
        """What `name.part` is; anything is believed of a node whose block is not known."""
        known = self.block is None or part in self.block.outputs or self.makes(part)
        return Target(self, part) if not part or known else None

    def inner(self, segment: str) -> Entry | None:
        return None

    def inside(self) -> list[str]:
        return []

    def parts(self) -> list[str]:
        return [] if self.block is None else [*self.block.outputs[1:], *self.block.signature.made]

    def makes(self, part: str) -> bool:
        """Whether `part` is a parameter."""
        return self.block is not None and part in self.block.signature.made


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


def read_block(draft: Draft, host: Host) -> None:
    """Find the block of a draft and make it with its options."""
    cursor = draft.cursor
    if not cursor.is_map("a block's name, or a map with `block:`"):
        return
    if "block" not in cursor:
        help = cursor.meant("block") or "add `block:` with the name of one; `blockrun blocks` lists them"
        cursor.error("E013", f"node `{draft.name}` does not say which block it is", "no block", help, key=True)
        return
    draft.cls = find_component(host, "blocks", "block", cursor, "E010")
    if draft.cls is not None and not is_broken(cursor.value):
        options = {key: value for key, value in cursor.value.items() if key not in RESERVED}
        draft.block = cursor.options(draft.cls, options, draft.cls.name, RESERVED)  # type: ignore[assignment]
