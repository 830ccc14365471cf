"""The `plugins` section of a network file: what it requires, leaves out, and brings along."""

from __future__ import annotations

from pathlib import Path

from blockrun.plugins.host import Host, load_host

from .reader import Cursor


def host_for(root: Cursor, host: Host | None) -> Host:
    """The host that a file asks for: `host`, or one with its plugins disabled and its local files added.

    Complains about a required plugin that is not there; raises `PluginError` for a local file that does not load.
    """
    if "plugins" not in root:
        return host or load_host()
    section = root["plugins"]
    section.only(("require", "disable", "local"))
    disable = section.get("disable", tuple[str, ...], ())
    local = section.get("local", tuple[Path, ...], ())
    folder = root.problems.document.folder
    if disable or local:
        host = load_host(
            disable=(*(host.disable if host else ()), *disable),
            only=host.only if host else None,
            local=[folder / path for path in local],
        )
    host = host or load_host()
    loaded = {row.distribution for row in host.rows() if row.status == "ok"} | {
        r.name for r in host.rows() if r.status == "ok"
    }
    for name in section.get("require", tuple[str, ...], ()):
        if name not in loaded:
            section["require"].error("E070", f"this network needs the plugin `{name}`", help=f"pip install {name}")
    return host
