"""From the type annotations of options to JSON Schema (draft 7, which editors complete from)."""

from __future__ import annotations

import types
from collections.abc import Iterable, Mapping
from dataclasses import MISSING
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from blockrun.core.options import Options, describe, option_defaults

Schema = dict[str, Any]
PLAIN: dict[Any, Schema] = {
    int: {"type": "integer"},
    float: {"type": "number"},
    bool: {"type": "boolean"},
    str: {"type": "string"},
    Path: {"type": "string"},
    type(None): {"type": "null"},
    Any: {},
}
LIMITS = {
    "ge": "minimum", "gt": "exclusiveMinimum", "le": "maximum", "lt": "exclusiveMaximum", "multiple_of": "multipleOf",
}  # fmt: skip
LENGTHS = {"min_length": "Items", "max_length": "Items"}
REFERENCE = {"$ref": "#/definitions/reference"}


def of_hint(hint: Any) -> Schema:
    """What values of this type are; `$name` and `${...}` may stand for any of them, and for any part of a list."""
    found = _alternatives(hint)
    return found[0] if found == [{}] else {"anyOf": [*found, REFERENCE]}


def _alternatives(hint: Any) -> list[Schema]:
    origin, args = get_origin(hint), get_args(hint)
    if origin is Annotated:
        return [_limited(found, args[1:]) for found in _alternatives(args[0])]
    if origin in (Union, types.UnionType):
        return [found for arg in args for found in _alternatives(arg)]
    if origin is Literal:
        return [{"enum": list(args)}]
    if origin is tuple:
        return [_list(args)]
    if origin in (dict, Mapping) or hint in (dict, Mapping):
        return [{"type": "object"}]
    return [PLAIN.get(hint, {})]


def _limited(found: Schema, limits: Iterable[Any]) -> Schema:
    for limit in limits:
        for key, word in LIMITS.items():
            bound = getattr(limit, key, None)
            found = found if bound is None else {**found, word: bound}
        for key, word in LENGTHS.items():
            bound = getattr(limit, key, None)
            found = found if bound is None else {**found, key[:3] + word: bound}
    return found


def _list(args: tuple[Any, ...]) -> Schema:
    if len(args) == 2 and args[1] is Ellipsis:
        return {"type": "array", "items": of_hint(args[0])}
    items = [of_hint(arg) for arg in args]
    return {"type": "array", "items": items, "additionalItems": False, "minItems": len(items), "maxItems": len(items)}


def of_options(cls: type[Options]) -> tuple[dict[str, Schema], list[str]]:
    """The properties that the options of a component are, each described, and those that must be given."""
    defaults = option_defaults(cls)
    properties = {name: _described(of_hint(cls.option_types[name]), cls, name, defaults[name]) for name in defaults}
    return properties, [name for name, default in defaults.items() if default is MISSING]


def _described(found: Schema, cls: type[Options], name: str, default: Any) -> Schema:
    told = {"description": describe(cls.option_types[name])}
    plain = isinstance(default, (bool, int, float, str))
    return {**found, **told, **({"default": default} if plain else {})}
