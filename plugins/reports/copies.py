"""The copies of a repeated part of a network, gathered where they are alike."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace

from .rows import Row

NUMBER = re.compile(r"(?<=/)\d+(?=/|$)")


def collapsed(rows: Iterable[Row]) -> tuple[Row, ...]:
    """Rows that differ only in the numbers in their paths as one, `stage/[0-2]/conv`, at the place of the first copy.

    What they learn, carry and multiply is added up; what they read is that of the first, the receptive field that of
    the last. Copies that are not alike stand below one another.
    """
    places: dict[str, dict[tuple[object, ...], list[Row]]] = {}
    for row in rows:
        alike = places.setdefault(NUMBER.sub("*", row.node), {})
        alike.setdefault(_kind(row), []).append(row)
    return tuple(_one(group) for alike in places.values() for group in alike.values())


def _kind(row: Row) -> tuple[object, ...]:
    """What is the same for copies: all but which copy it is, what it reads, and what it shares with the first."""
    return (row.block, row.shape, row.multiply_adds)


def _one(group: list[Row]) -> Row:
    first = group[0]
    if len(group) == 1:
        return first
    adds = None if first.multiply_adds is None else sum(row.multiply_adds or 0 for row in group)
    return replace(
        first,
        node=_name([row.node for row in group]),
        parameters=sum(row.parameters for row in group),
        state=sum(row.state for row in group),
        frozen=sum(row.frozen for row in group),
        multiply_adds=adds,
        receptive_field=group[-1].receptive_field,
    )


def _name(names: list[str]) -> str:
    """The names in one: `a/[0-2]/b` where the numbers follow on one another, else `a/[0,2]/b`."""
    columns = zip(*(map(int, NUMBER.findall(name)) for name in names), strict=True)
    ranges = iter([_range(sorted(set(column))) for column in columns])
    return NUMBER.sub(lambda _: next(ranges), names[0])


def _range(numbers: list[int]) -> str:
    if len(numbers) == 1:
        return str(numbers[0])
    whole = numbers == list(range(numbers[0], numbers[-1] + 1))
    return f"[{numbers[0]}-{numbers[-1]}]" if whole else f"[{','.join(map(str, numbers))}]"
