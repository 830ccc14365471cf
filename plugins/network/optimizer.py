"""`train.optimizer`: the update rule, its learning rate, and what is different for groups of parameters."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any

from annotated_types import Ge, Gt

from blockrun.core.assemble import Assembly
from blockrun.plugins.host import Host
from blockrun.plugins.suggest import did_you_mean, listing
from blockrun.plugins.training.contracts import GROUP_KEYS, Optimizer, Schedule
from blockrun.plugins.training.groups import Group, Rule, rule_of

from .document import is_broken
from .nodes import find_component
from .reader import Cursor, missing

RATE, AMOUNT = Annotated[float, Gt(0)], Annotated[float, Ge(0)]
OUTSIDE = ("name", "lr", "l1", "groups")  # keys of `optimizer` that are not options of the rule


def read_optimizer(section: Cursor, host: Host, keys: Iterable[str]) -> tuple[Rule, tuple[Group, ...]] | None:
    """What `train.optimizer` says; None if it is not there or does not fit."""
    if "optimizer" not in section:
        help = f"add `optimizer:`, one of {listing(host.names('optimizers'))}"
        if missing("optimizer", section.value, keys):
            section.error("E009", "`train` has no `optimizer`", "no optimizer", help, key=True)
        return None
    cursor = section["optimizer"].expanded("name")
    before = cursor.problems.complaints
    made = _read_named(cursor, host, "optimizers", "optimizer", OUTSIDE)
    rate = _read_rate(cursor, host, getattr(made, "lr", 1.0))
    l1 = cursor.get("l1", AMOUNT, getattr(made, "l1", 0.0))
    groups = _read_groups(cursor, host, made) if made is not None else ()
    if made is None or rate is None or cursor.problems.complaints > before:
        return None
    return Rule(made, rate, l1=l1), groups


def _read_rate(cursor: Cursor, host: Host, default: float | None) -> Schedule | None:
    if "lr" in cursor and isinstance(cursor.value["lr"], dict):
        return _read_named(cursor["lr"], host, "schedules", "schedule", ())  # type: ignore[no-any-return]
    rate = cursor.get("lr", RATE, None if "lr" in cursor else default)
    return None if rate is None else host.find("schedules", "constant")(rate=rate)  # type: ignore[no-any-return]


def _read_named(cursor: Cursor, host: Host, kind: str, what: str, others: tuple[str, ...]) -> Any:
    if not cursor.is_map(f"the name of an {what}, or a map with `name:`"):
        return None
    if "name" not in cursor:
        help = cursor.meant("name") or f"add `name:`, one of {listing(host.names(kind))}"
        cursor.error("E009", f"the {what} has no `name`", "no name", help, key=True)
        return None
    cls = find_component(host, kind, "name", cursor, "E060")
    given = {key: value for key, value in cursor.value.items() if key not in ("name", *others)}
    return None if cls is None else cursor.options(cls, given, f"{what} {cls.name}", ("name", *others))


def _read_groups(cursor: Cursor, host: Host, optimizer: Optimizer) -> tuple[Group, ...]:
    if "groups" not in cursor or is_broken(cursor.value["groups"]):
        return ()
    listed = cursor["groups"]
    if not isinstance(listed.value, list):
        help = 'write a list of maps, such as [{match: "*.b", decay: 0}]'
        listed.error("E004", "`groups` must be a list of maps", help=help)
        return ()
    read = [_read_group(listed[i], host, optimizer) for i in range(len(listed.value))]
    return tuple(group for group in read if group is not None)


def _read_group(cursor: Cursor, host: Host, optimizer: Optimizer) -> Group | None:
    if not cursor.is_map('a map such as {match: "*.b", decay: 0}'):
        return None
    before, types = cursor.problems.complaints, optimizer.option_types
    for key in cursor.value:
        if key not in (*GROUP_KEYS, *types):
            help = did_you_mean(key, (*GROUP_KEYS, *types), "a group may say")
            fact = f"optimizer {optimizer.name} has no option `{key}`"
            cursor[key].error("E012", fact, "not an option", help, key=True)
    if missing("match", cursor.value, GROUP_KEYS):
        help = 'say which parameters, such as `match: "*.b"`'
        cursor.error("E009", "the group has no `match`", "no `match`", help, key=True)
    changes = {key: cursor.get(key, types[key], code="E011") for key in types if key in cursor}
    changes |= {to: cursor.get(key, hint) for key, to, hint in _OWN if key in cursor}
    changes |= {"schedule": _read_rate(cursor, host, None)} if "lr" in cursor else {}
    group = Group(cursor.get("match", str, ""), changes, cursor.get("freeze", bool))
    return group if cursor.problems.complaints == before else None


_OWN = (("lr_factor", "factor", RATE), ("l1", "l1", AMOUNT))


def check_groups(root: Cursor, rule: Rule, groups: tuple[Group, ...], assembly: Assembly) -> None:
    """Complain about globs that fit nothing, and about groups whose options do not go together."""
    if any(found.code < "E050" for found in root.problems.found):
        return  # nodes may be missing, and with them what a glob is for
    names = (*assembly.params, *assembly.state)
    for i, group in enumerate(groups):
        cursor = root["train"]["optimizer"]["groups"][i]
        if not any(map(group.fits, names)):
            help = did_you_mean(group.match, (*names, *_globs(names)), "there are")
            cursor["match"].error("E062", f"`{group.match}` matches no parameter", "matches nothing", help)
        try:
            for name in filter(group.fits, names):
                rule_of(name, rule, groups[: i + 1])
        except (ValueError, TypeError) as error:
            at = cursor.nearest(getattr(error, "option", ""))
            at.error("E011", f"optimizer {rule.optimizer.name}: {error}", key=at is cursor)


def _globs(names: Iterable[str]) -> set[str]:
    """The patterns that are most likely meant: everything of one node, and everything of one kind."""
    return {glob for name in names for glob in (f"{name.rpartition('.')[0]}.*", f"*.{name.rpartition('.')[2]}")}
