"""The sections that say how a file is to be read and run: its format, `plugins` and `run`."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, Literal

from annotated_types import Ge

from blockrun.core.options import show
from blockrun.plugins.errors import UserError
from blockrun.plugins.host import Host, load_host

from .experiment import RunSettings
from .reader import Cursor, missing, show_plain

FORMAT = 1
TOP = (
    "blockrun", "extends", "plugins", "vars", "inputs", "templates", "net", "metrics", "data", "train", "callbacks",
    "run",
)  # fmt: skip
RUN_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,99}")


def check_top(root: Cursor) -> None:
    """Complain about unknown and missing sections and about the format number."""
    root.only(TOP)
    if missing("blockrun", root.value, TOP):
        fact = "the file does not say which format it is in"
        root.error("E009", fact, f"`blockrun: {FORMAT}` is missing", f"add a line `blockrun: {FORMAT}`", key=True)
    found = root.value.get("blockrun", FORMAT)
    if type(found) is not int or found != FORMAT:
        fact = f"format {show_plain(found)} is not known; this version reads format {FORMAT}"
        root["blockrun"].error("E004", fact, help=f"write `blockrun: {FORMAT}`, or update blockrun")
    if missing("net", root.value, TOP):
        help = "add `net:` with a line for each node, such as `fc1: {block: linear, units: 10}`"
        root.error("E009", "the file has no `net`", "`net:` is missing", help, key=True)
    elif root.value.get("net") == {}:
        root["net"].error("E009", "`net` has no nodes", "empty", "add a line such as `act: relu`", key=True)


def read_run(root: Cursor) -> RunSettings:
    """The `run` section; defaults where it says nothing, the name being that of the file."""
    own = re.sub(r"[^\w.-]", "_", Path(root.problems.document.file).stem).lstrip(".") or "run"
    if "run" not in root:
        return RunSettings(name=own)
    section = root["run"]
    section.only(("seed", "dir", "dtype", "name", "threads"))
    name = section.get("name", str, own)
    if "name" in section and name != own and not RUN_NAME.fullmatch(name):
        help = "use letters a-z, digits, `.`, `_` and `-`, not beginning with `.` or `-`; at most 100"
        section["name"].error("E014", f"{show(name)} cannot name a folder", "not a folder's name", help)
    return RunSettings(
        seed=section.get("seed", Annotated[int, Ge(0)], 0),
        dir=section.get("dir", Path, Path("runs")),
        dtype=section.get("dtype", Literal["float32", "float64"], "float32"),
        name=name,
        threads=section.get("threads", Annotated[int, Ge(1)]),
    )


def host_for(root: Cursor, host: Host | None) -> Host:
    """The host that a file asks for: `host`, or one with its plugins disabled and its local files added.

    Complains about a required plugin that is not there; raises `ConfigError` if a local file does not load, since
    every name that it offers would be an error after that.
    """
    section = root["plugins"] if "plugins" in root else Cursor({}, ("plugins",), root.problems)
    section.only(("require", "disable", "local"))
    disable, local = (section.get(key, tuple[str, ...], ()) for key in ("disable", "local"))
    if disable or local:
        host = _load(section, host, disable, local)
    host = host or load_host()
    for i, name in enumerate(section.get("require", tuple[str, ...], ())):
        _require(section["require"][i], host, name)
    return host


def _load(section: Cursor, host: Host | None, disable: tuple[str, ...], local: tuple[str, ...]) -> Host:
    files = _local_files(section, local)
    without = (*(host.disable if host else ()), *disable)
    try:
        return load_host(disable=without, only=host.only if host else None, local=files)
    except UserError as error:
        at = section["local" if local else "disable"]
        at.error("E070" if error.exit_code == 3 else "E004", error.message, help=error.help)
        section.problems.stop()


def _require(cursor: Cursor, host: Host, name: str) -> None:
    found: list[Any] = [row for row in host.rows() if name in (row.name, row.distribution)]
    if any(row.status == "ok" for row in found):
        return
    told = next((f"which {row.status}: {row.error}" for row in found if row.status != "missing"), "")
    fact = f"this network needs the plugin `{name}`, {told or 'which is not installed'}"
    cursor.error("E070", fact, "not loaded", "" if told else f"pip install {name}")


def local_code(root: Cursor) -> tuple[Path, ...]:
    """The local plugin files that the network was built with."""
    return tuple(_local_files(root["plugins"], root.value["plugins"].get("local", ())) if "plugins" in root else ())


def _local_files(section: Cursor, paths: Iterable[str]) -> list[Path]:
    """The local plugin files, each from the folder of the file that names it."""
    folder_of = section.problems.document.folder_of
    return [folder_of((*section.path, "local", i)) / path for i, path in enumerate(paths)]
