"""The section `templates`: sub-graphs with arguments, inputs and public names, read before any of them is used."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from blockrun.core.options import RESERVED
from blockrun.plugins.suggest import did_you_mean

from ..reader import NAME, Cursor, missing, show_plain

KEYS = ("args", "in", "out", "net")
REQUIRED = "required"
BAD_NAME = "a name begins with a letter a-z or `_`, goes on with letters, digits, `_` and `-`, at most 100"


@dataclass(frozen=True)
class Template:
    """A sub-graph: `net` are its nodes as written, `outs` the names in it by their public names, None where wrong."""

    name: str
    cursor: Cursor
    args: dict[str, Cursor]
    inputs: tuple[str, ...]
    outs: dict[str, Cursor | None]
    net: Cursor

    @property
    def required(self) -> list[str]:
        return [name for name, cursor in self.args.items() if cursor.value == REQUIRED]


def read_templates(root: Cursor) -> dict[str, Template | None]:
    """The templates of a file by name; None for one that is wrong, which has been complained about."""
    found: dict[str, Template | None] = {}
    if "templates" in root:
        for name, cursor in root["templates"].named("template"):
            found[name] = _read(name, cursor)
    return found


def _read(name: str, cursor: Cursor) -> Template | None:
    if not cursor.is_map("a map with `net:`"):
        return None
    cursor.only(KEYS)
    if missing("net", cursor.value, KEYS):
        help = cursor.meant("net") or "add `net:` with its nodes"
        cursor.error("E009", f"template `{name}` has no `net`", "`net:` is missing", help, key=True)
    inputs, args, net = _inputs(cursor), _args(cursor), cursor.nearest("net")
    nodes = list(net.value) if "net" in cursor and net.is_map("a map of nodes") else []
    if not nodes and "net" in cursor and net.value == {}:
        net.error("E009", f"template `{name}` has no nodes", "empty", "add a line such as `act: relu`", key=True)
    for node in nodes:
        if node in inputs:
            fact = f"the name `{node}` is taken: the inputs and the nodes of a template share their names"
            net[node].error("E035", fact, "also an input", "rename one of them", key=True)
    return Template(name, cursor, args, inputs, _outs(cursor, [*inputs, *nodes]), net) if nodes else None


def _inputs(cursor: Cursor) -> tuple[str, ...]:
    """The names of what the template reads, by default one, `x`."""
    if "in" not in cursor:
        return ("x",)
    found = cursor["in"]
    names = found.value if isinstance(found.value, list) else [found.value]
    for i, name in enumerate(names):
        at = found[i] if isinstance(found.value, list) else found
        if not isinstance(name, str) or not NAME.fullmatch(name):
            at.error("E014", f"{show_plain(name)} cannot be the name of an input", "not a name", BAD_NAME)
        elif name in names[:i]:
            at.error("E035", f"the input `{name}` is given twice", "again here", "rename one of them")
    return tuple(str(name) for name in names)


def _args(cursor: Cursor) -> dict[str, Cursor]:
    found = dict(cursor["args"].named("argument")) if "args" in cursor else {}
    for name, arg in found.items():
        if name in RESERVED:
            help = f"the keys of a node are {', '.join(RESERVED)}; choose another name"
            arg.error("E014", f"`{name}` cannot be the name of an argument", "a key of every node", help, key=True)
    return found


def _outs(cursor: Cursor, names: list[str]) -> dict[str, Cursor | None]:
    """The public names: of `out`, or else the last node."""
    if "out" not in cursor:
        last = names[-1]
        return {last: Cursor(last, (*cursor.path, "net", last), cursor.problems)}
    at = cursor["out"]
    if isinstance(at.value, dict):
        found = dict(at.named("output"))
    elif isinstance(at.value, list):
        found = {_public(at[i]): at[i] for i in range(len(at.value))}
    else:
        found = {str(at.value): at}
    if not found:
        at.error("E009", "`out` names nothing", "empty", "name a node, or leave it out for the last one", key=True)
    return {public: item if _is_out(item, names) else None for public, item in found.items()}


def _public(cursor: Cursor) -> str:
    if isinstance(cursor.value, str) and not NAME.fullmatch(cursor.value):
        help = f"write a map, such as {{mean: {cursor.value}}}"
        cursor.error("E014", f"`{cursor.value}` needs a public name", "not a plain name", help)
    return str(cursor.value)


def _is_out(cursor: Cursor, names: Iterable[str]) -> bool:
    """Whether an output is that of a node; whether a part of one exists is known once that is made."""
    value: Any = cursor.value
    if not isinstance(value, str):
        cursor.error("E004", f"{cursor.name} is {show_plain(value)}; it must be the name of a node", "not a name")
        return False
    if value.partition(".")[0].partition("/")[0] in names:
        return True
    help = did_you_mean(value, names, "its nodes are")
    cursor.error("E030", f"unknown variable `{value}`", "nothing in the template produces this", help)
    return False
