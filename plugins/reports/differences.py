"""What differs between two networks or runs: their files with everything put in, and what was measured."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

Path = tuple[str, ...]


class _Absent:
    def __repr__(self) -> str:
        return "absent"


ABSENT = _Absent()


class Difference(NamedTuple):
    """A value that is in one only (`ABSENT` stands for it in the other), or is another in each."""

    path: str
    before: Any
    after: Any

    def as_data(self) -> dict[str, Any]:
        """Plain values, for JSON: `before` or `after` is missing where there is none."""
        sides = {"before": self.before, "after": self.after}
        return {"path": self.path, **{side: value for side, value in sides.items() if value is not ABSENT}}

    def __str__(self) -> str:
        if self.before is ABSENT:
            return f"+ {self.path}: {_shown(self.after)}"
        if self.after is ABSENT:
            return f"- {self.path}: {_shown(self.before)}"
        return f"~ {self.path}: {_shown(self.before)} -> {_shown(self.after)}{_change(self.before, self.after)}"


def differences(before: Any, after: Any, path: Path = ()) -> Iterator[Difference]:
    """Every difference, in the order of the second, what is in the first only last; maps are compared key by key."""
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for key in [*after, *(key for key in before if key not in after)]:
            yield from differences(before.get(key, ABSENT), after.get(key, ABSENT), (*path, str(key)))
    elif before is ABSENT or after is ABSENT or before != after or type(before) is not type(after):
        yield Difference(".".join(path), before, after)


def _shown(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key}: {_shown(part)}" for key, part in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(_shown, value)) + "]"
    if isinstance(value, bool) or value is None:
        return {True: "true", False: "false", None: "null"}[value]
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _change(before: Any, after: Any) -> str:
    """By how much a number became another, where both have a fraction."""
    return f"  ({after - before:+.4g})" if isinstance(before, float) and isinstance(after, float) else ""
