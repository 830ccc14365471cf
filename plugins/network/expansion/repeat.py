"""The key `repeat`: how many copies of a node there are, and what goes from one to the next."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated

from annotated_types import Ge

from ..document import is_broken
from ..reader import NAME, Cursor, missing, show_plain

KEYS = ("times", "share", "first", "carry", "start", "each")
TIMES = Annotated[int, Ge(0)]


@dataclass(frozen=True)
class Repeat:
    """`times` copies, which share their parameters or not; `first` are options of the first.

    By input, `carry` names the output of the copy before that it reads, `start` what the first copy reads instead, and
    `each` a variable that is split along axis 1. Without `carry` the first input reads the first output.
    """

    times: int
    share: bool = False
    first: Cursor | None = None
    carry: dict[str, Cursor] | None = None
    start: dict[str, Cursor] = field(default_factory=dict)
    each: dict[str, Cursor] = field(default_factory=dict)


def read_repeat(cursor: Cursor) -> Repeat | None:
    """What `repeat` says; None, with complaints, if it does not fit."""
    before = cursor.problems.complaints
    if is_broken(cursor.value):
        return None
    if not isinstance(cursor.value, dict):
        whole = Cursor({"repeat": cursor.value}, cursor.path[:-1], cursor.problems)
        times = whole.get("repeat", TIMES)
        return None if times is None else Repeat(times)
    cursor.only(KEYS)
    if missing("times", cursor.value, KEYS):
        cursor.error("E009", "`repeat` does not say how often", "no `times`", "add `times:`", key=True)
    times, share = cursor.get("times", TIMES, 0), cursor.get("share", bool, False)
    first = cursor["first"] if "first" in cursor and cursor["first"].is_map("a map of options") else None
    carry = _names(cursor, "carry") if "carry" in cursor else None
    start, each = _names(cursor, "start"), _names(cursor, "each")
    for key in start:
        if carry is not None and key not in carry:
            fact = f"`start` is about inputs that are carried; `{key}` is not"
            start[key].error("E005", fact, "not carried", "add it to `carry`, or use `in`", key=True)
    for key in each:
        if key in (carry or {}):
            fact = f"the input `{key}` cannot be both carried and split"
            each[key].error("E005", fact, "carried too", "leave one of them out", key=True)
    good = cursor.problems.complaints == before
    return Repeat(times, share, first, carry, start, each) if good else None


def _names(cursor: Cursor, key: str) -> dict[str, Cursor]:
    """A map from inputs to names."""
    found: dict[str, Cursor] = {}
    for name, item in cursor[key].items("a map from inputs to variables") if key in cursor else ():
        if not isinstance(item.value, str) or (key == "carry" and not NAME.fullmatch(item.value)):
            what = "an output of the copy before" if key == "carry" else "a variable"
            item.error("E004", f"{item.name} is {show_plain(item.value)}; it must be the name of {what}", "not a name")
        found[name] = item
    return found
