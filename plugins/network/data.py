"""The `data` section: what each part is read from, and which of it is taken."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Any

from annotated_types import Ge

from blockrun.plugins.data.ahead import Loading
from blockrun.plugins.data.arrays import PARTS
from blockrun.plugins.data.streaming import Readable
from blockrun.plugins.data.take import Take, Taken
from blockrun.plugins.errors import DataError, UserError
from blockrun.plugins.host import Host
from blockrun.plugins.suggest import did_you_mean, listing

from .experiment import Data, DataPart
from .nodes import find_component
from .paths import paths_of
from .reader import Cursor
from .shorthand import DATA_SETTINGS
from .transforms import transformed

PART_KEYS = ("source", "batch", "shuffle", "take")  # of any part, whatever its source


def read_data(section: Cursor, host: Host, given: Mapping[str, Readable] | None = None) -> Data:
    """The `data` section, its references replaced; relative paths start from the folder of the file.

    `given` takes the place of the sources of parts.
    """
    given = given or {}
    found: dict[str, DataPart] = {name: _part_of(section, name, source) for name, source in given.items()}
    for name, cursor in section.items("a map with `train`, `val` or `test`"):
        if name in DATA_SETTINGS or name in given:
            continue
        if name not in PARTS:
            help = did_you_mean(name, PARTS, "its parts are", DATA_SETTINGS)
            cursor.error("E005", f"unknown part `{name}` of the data", "not a part", help, key=True)
            continue
        part = _read_part(name, cursor.expanded("source"), host)
        found |= {} if part is None else {name: part}
    loading = Loading(section.get("workers", Annotated[int, Ge(0)], 1), section.get("ahead", Annotated[int, Ge(1)], 2))
    if "transforms" not in section:
        return Data(found, loading=loading)
    return replace(transformed(section["transforms"], host, found), loading=loading)


def _part_of(section: Cursor, name: str, source: Readable) -> DataPart:
    """A part that is given, in batches as the file says."""
    cursor = section[name].expanded("source") if name in section else Cursor({}, section.path, section.problems)
    return DataPart(source, *_cut(name, cursor), source.describe())


def _cut(name: str, cursor: Cursor) -> tuple[int, bool]:
    """The size of a batch, and whether examples are shuffled."""
    return cursor.get("batch", Annotated[int, Ge(1)], 64), cursor.get("shuffle", bool, name == "train")


def _read_part(name: str, cursor: Cursor, host: Host) -> DataPart | None:
    if not cursor.is_map("a source's name, or a map with `source:`"):
        return None
    batch, shuffle = _cut(name, cursor)
    if "source" not in cursor:
        help = cursor.meant("source") or f"add `source:`, one of {listing(host.names('sources'))}"
        cursor.error("E009", f"`data.{name}` has no `source`", "no source", help, key=True)
        return None
    cls = find_component(host, "sources", "source", cursor, "E050")
    if cls is None:
        return None
    given = {key: value for key, value in cursor.value.items() if key not in PART_KEYS}
    source: Any = cursor.options(cls, given, f"source {cls.name}", PART_KEYS)
    take = _read_take(cursor["take"]) if "take" in cursor else None
    if source is None or ("take" in cursor and take is None):
        return None
    part = _describe(cursor, source, batch, shuffle)
    return part if part is None or take is None else _taken(cursor["take"], part, take)


def _read_take(cursor: Cursor) -> Take | None:
    cursor = cursor.expanded("fraction", list)
    what = "[start, end], or a map with `fraction`"
    made: Any = cursor.options(Take, cursor.value, "take") if cursor.is_map(what) else None
    return made


def _taken(cursor: Cursor, part: DataPart, take: Take) -> DataPart | None:
    try:
        source: Any = Taken(part.source, take.choose(part.source))
    except DataError as error:
        cursor.error("E053", error.message, help=error.help, key=True)
        return None
    return replace(part, source=source, description=source.describe())


def _describe(cursor: Cursor, source: Any, batch: int, shuffle: bool) -> DataPart | None:
    """Ask the source what it has, its paths taken from the folder of the file."""
    folder_of = cursor.problems.document.folder_of
    paths = {name: folder_of((*cursor.path, name)) / path for name, path in paths_of(source).items()}
    source = replace(source, **paths)
    at = cursor[next(iter(paths))] if paths else cursor
    try:
        description = source.describe()
    except DataError as error:
        at.error("E053", error.message, help=error.help, key=not paths)
    except UserError as error:
        at.error("E071", error.message, help=error.help, key=not paths)
    except Exception as error:
        help = "this is a bug in the plugin that offers it"
        cursor.error("E071", f"source {source.name} fails: {type(error).__name__}: {error}", help=help, key=True)
    else:
        return DataPart(source, batch, shuffle, description)
    return None
