"""Components in JSON Schema: a name, or a map with a name and the options that go with it, in if/then form."""

from __future__ import annotations

import inspect
from collections.abc import Iterable
from typing import Any

from blockrun.plugins.errors import UserError
from blockrun.plugins.host import Host

from .hints import REFERENCE, Schema, of_options


def component(host: Host, kind: str, key: str, others: dict[str, Schema], required: Iterable[str] = ()) -> Schema:
    """A component of `kind` by its name, or a map that names it under `key`; `others` are keys that any may have."""
    found = known(host, kind)
    needed = {name for name, cls in found.items() if of_options(cls)[1]} if not required else set(found)
    short = _names([name for name in found if name not in needed])
    return {"anyOf": [short, {"allOf": [{"type": "object"}, *full(host, kind, key, others, required)]}]}


def full(host: Host, kind: str, key: str, others: dict[str, Schema], required: Iterable[str] = ()) -> list[Schema]:
    """What the map form must satisfy: a known name, and for each name its options and no others."""
    found = known(host, kind)
    rules: list[Schema] = [
        {"required": [key, *required], "properties": {key: _names(found, {n: _line(c) for n, c in found.items()})}}
    ]
    return [*rules, *(_rule(name, cls, key, others) for name, cls in found.items())]


def known(host: Host, kind: str) -> dict[str, Any]:
    """The classes of the plugins that load, by name."""
    found = {}
    for name in host.names(kind):
        try:
            found[name] = host.find(kind, name)
        except UserError:  # a broken plugin completes nothing
            continue
    return found


def _names(names: Iterable[str], lines: dict[str, str] | None = None) -> Schema:
    """One of the names, with what each is; `distribution/name` and a reference are not looked into."""
    told = "\n".join(f"{name}: {line}" for name, line in (lines or {}).items())
    listed = {"enum": sorted(names), **({"description": told} if told else {})}
    return {"anyOf": [listed, {"type": "string", "pattern": "^[^/]+/[^/]+$"}, REFERENCE]}


def _line(cls: type) -> str:
    return (inspect.getdoc(cls) or "").partition("\n")[0]


def _rule(name: str, cls: Any, key: str, others: dict[str, Schema]) -> Schema:
    properties, required = of_options(cls)
    then: Schema = {"properties": {key: {}, **others, **properties}, "additionalProperties": False}
    if required:
        then["required"] = required
    return {"if": {"properties": {key: {"const": name}}, "required": [key]}, "then": then}
