"""`data.transforms`: what is done to examples, in order, and whether it can be done to those that there are."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from fnmatch import fnmatchcase
from typing import Any

from blockrun.plugins.data.source import Description
from blockrun.plugins.data.transform import Transform
from blockrun.plugins.data.transformed import Step, Transformed, Transforms
from blockrun.plugins.host import Host
from blockrun.plugins.suggest import did_you_mean, listing

from .experiment import Data, DataPart
from .nodes import find_component
from .paths import paths_of
from .reader import Cursor

KEYS = ("transform", "on")


def transformed(section: Cursor, host: Host, parts: dict[str, DataPart]) -> Data:
    """The parts of the data after the transforms that fit, which `section` lists."""
    if not isinstance(section.value, list):
        help = "write a list, such as [normalise, {transform: crop, pad: 4}]"
        section.error("E004", f"{section.name} must be a list of transforms", "not a list", help)
        return Data(parts)
    entries = [section[i].expanded("transform") for i in range(len(section.value))]
    read = [(entry, _read(entry, host)) for entry in entries]
    first = parts.get("train") or next(iter(parts.values()), None)
    if first is None:
        return Data(parts)
    steps: list[Step] = []
    descriptions = {name: part.description for name, part in parts.items()}
    for entry, transform in read:
        on = None if transform is None else _fields(entry, transform, first.description, _first(descriptions))
        if transform is not None and on is not None and _describe(entry, transform, on, descriptions):
            steps.append(Step(transform, on))
    training = parts["train"].source if "train" in parts else None
    if len(steps) < len(read):
        return Data()  # what is wrong has been said
    transforms = Transforms(steps, training)
    found: dict[str, DataPart] = {}
    for name, part in parts.items():
        source: Any = Transformed(part.source, transforms)
        found[name] = replace(part, source=source, description=source.describe())
    return Data(found, transforms)


def _first(descriptions: dict[str, Description]) -> Description:
    return descriptions.get("train") or next(iter(descriptions.values()))


def _read(cursor: Cursor, host: Host) -> Transform | None:
    if not cursor.is_map("the name of a transform, or a map with `transform:`"):
        return None
    if "transform" not in cursor:
        help = cursor.meant("transform") or f"add `transform:`, one of {listing(host.names('transforms'))}"
        cursor.error("E009", f"{cursor.name} does not say which transform it is", "no transform", help)
        return None
    cls = find_component(host, "transforms", "transform", cursor, "E054")
    if cls is None:
        return None
    given = {key: value for key, value in cursor.value.items() if key not in KEYS}
    made: Any = cursor.options(cls, given, f"transform {cls.name}", KEYS)
    if made is None:
        return None
    folder_of = cursor.problems.document.folder_of
    paths = {name: folder_of((*cursor.path, name)) / path for name, path in paths_of(made).items()}
    return replace(made, **paths)  # type: ignore[no-any-return]


def _fields(cursor: Cursor, transform: Transform, source: Description, known: Description) -> tuple[str, ...] | None:
    """The fields that a transform is for: those of `known` that `on` names, or else the only float one of `source`."""
    if "on" not in cursor:
        floats = [name for name, field in source.fields.items() if field.dtype.kind == "f"]
        if len(floats) == 1:
            return (floats[0],)
        fact = (
            f"the data have {len(floats)} fields of numbers with fractions; `{transform.name}` must say which is meant"
        )
        cursor.error("E055", fact, "which field?", f"add `on:`, one of {listing(list(known.fields))}")
        return None
    on = cursor.get("on", str | tuple[str, ...])
    if on is None:
        return None
    found: dict[str, None] = {}
    for pattern in (on,) if isinstance(on, str) else on:
        matched = [name for name in known.fields if fnmatchcase(name, pattern)]
        if not matched:
            help = did_you_mean(pattern, known.fields, "its fields are")
            cursor["on"].error("E055", f"the data have no field `{pattern}`", "not in the data", help)
            return None
        found |= dict.fromkeys(matched)
    return tuple(found)


def _describe(cursor: Cursor, transform: Transform, on: Iterable[str], parts: dict[str, Description]) -> bool:
    """Put what the transform makes of each part in its place; False, with a complaint, if it is not for one."""
    for name, known in parts.items():
        for field in on:
            try:
                if field not in known.fields:
                    raise ValueError(f"`data.{name}` has no field `{field}`")
                known = transform.describe(known, field)
            except (ValueError, TypeError) as error:
                at = cursor.nearest(getattr(error, "option", ""))
                at.error("E055", f"transform {transform.name}: {error}", "does not fit")
                return False
            except Exception as error:
                fact = f"transform {transform.name} fails: {type(error).__name__}: {error}"
                cursor.error("E071", fact, help="this is a bug in the plugin that offers it")
                return False
        parts[name] = known
    return True
