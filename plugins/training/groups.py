"""Parameter groups: which parameters are learned by which rule, and which are not learned at all."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import Any, NamedTuple

from .contracts import Optimizer, Schedule


@dataclass(frozen=True)
class Rule:
    """How a parameter is learned: at `factor` times the rate of the schedule, with l1·sign(p) added to its gradient."""

    optimizer: Optimizer
    schedule: Schedule
    factor: float = 1.0
    l1: float = 0.0


class Group(NamedTuple):
    """What is different for the parameters that the glob `match` fits: `changes` to a rule or to its optimizer.

    `freeze` says whether they, and state of such a name, stay as they are; None if the group does not say.
    """

    match: str
    changes: dict[str, Any]
    freeze: bool | None = None

    def fits(self, name: str) -> bool:
        return fnmatchcase(name, self.match)

    def change(self, rule: Rule) -> Rule:
        """`rule` as it is in this group; raises `OptionError` where its options do not go together."""
        own = {key: value for key, value in self.changes.items() if key in rule.optimizer.option_types}
        rest = {key: value for key, value in self.changes.items() if key not in own}
        return replace(rule, optimizer=replace(rule.optimizer, **own), **rest)


def rule_of(name: str, rule: Rule, groups: Iterable[Group], frozen: bool = False) -> Rule | None:
    """The rule of one parameter, None if it is frozen: every group that fits it applies, the later the stronger.

    `frozen` says whether it is so by its node; a group may say otherwise.
    """
    for group in groups:
        if group.fits(name):
            rule = group.change(rule)
            frozen = frozen if group.freeze is None else group.freeze
    return None if frozen else rule


def divide(
    names: Iterable[str], rule: Rule, groups: Iterable[Group], frozen: Container[str] = ()
) -> list[tuple[Rule | None, list[str]]]:
    """The names by the rule they have, in order; those that are `frozen` by their nodes have none."""
    found: list[tuple[Rule | None, list[str]]] = []
    for name in names:
        own = rule_of(name, rule, groups, name in frozen)
        members = next((members for known, members in found if known == own), None)
        if members is None:
            found.append((own, members := []))
        members.append(name)
    return found


def report(sizes: Mapping[str, int], rule: Rule, groups: Iterable[Group], frozen: Container[str] = ()) -> list[str]:
    """A line for each division of the parameters, given how many numbers each has; none where there is only one."""
    divided = divide(sizes, rule, tuple(groups), frozen)
    return [] if len(divided) < 2 else [_line(own, members, rule, sizes) for own, members in divided]


def _line(own: Rule | None, members: list[str], rule: Rule, sizes: Mapping[str, int]) -> str:
    numbers = sum(sizes[name] for name in members)
    shown = ", ".join(members[:4]) + (f" and {len(members) - 4} more" if len(members) > 4 else "")
    return f"{_difference(own, rule)}: {numbers:,} numbers in {shown}"


def _difference(own: Rule | None, rule: Rule) -> str:
    """How a group is learned, as far as it is not what the rest of the file says."""
    if own is None:
        return "frozen"
    options = [(n, getattr(own.optimizer, n), getattr(rule.optimizer, n)) for n in rule.optimizer.option_types]
    options += [("lr_factor", own.factor, rule.factor), ("l1", own.l1, rule.l1), ("lr", own.schedule, rule.schedule)]
    changed = [f"{name} {value}" for name, value, usual in options if value != usual]
    return f"{rule.optimizer.name} with {', '.join(changed)}" if changed else f"{rule.optimizer.name} as it is"
