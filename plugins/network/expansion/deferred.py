"""Overrides of nodes that a file does not have under their names: those in templates, and those that a glob fits."""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Any

from blockrun.core.options import RESERVED
from blockrun.plugins.errors import UserError
from blockrun.plugins.host import Host
from blockrun.plugins.suggest import closest, did_you_mean, listing

from ..diagnostics import ConfigError
from ..document import Document, KeyPath
from ..overrides import GLOB, Deferred, Key, put
from ..reader import Cursor, Problems
from ..shorthand import expanded
from .templates import Template


class Overriding:
    """Puts such overrides into nodes as they are expanded, and knows which of them have found none."""

    def __init__(self, document: Document, host: Host, templates: Mapping[str, Template | None]) -> None:
        self.document, self.host, self.templates = document, host, templates
        self._done: set[int] = set()
        self._seen: list[tuple[KeyPath, list[str]]] = []

    def apply(self, cursor: Cursor) -> Cursor:
        """A node as it is written, with what the command line says of it put in."""
        if not self.document.deferred:
            return cursor
        section, name = cursor.path
        takes = self._takes(cursor.value)
        self._seen.append((cursor.path, takes))
        for i, override in enumerate(self.document.deferred):
            names = override.key.names
            wanted = names[2] if len(names) > 2 else None
            glob = GLOB.search(names[1]) is not None
            fits = names[0] == section and fnmatchcase(str(name), names[1])
            if fits and (not glob or wanted is None or wanted in (*RESERVED, *takes)):
                self._done.add(i)
                cursor = self._put(cursor, override)
        return cursor

    def _put(self, cursor: Cursor, override: Deferred) -> Cursor:
        rest = override.key.names[2:]
        path: KeyPath = (*cursor.path, *rest)
        put(self.document, path, override.key, override.value)
        value = _replaced(cursor.value, cursor.path, rest, override.value.data)
        return Cursor(value, cursor.path, cursor.problems).expanded("block")

    def _takes(self, node: Any) -> list[str]:
        """The options or arguments that a node takes, as far as that is known."""
        if not isinstance(node, dict):
            return []
        use, block = node.get("use"), node.get("block")
        template = self.templates.get(use) if isinstance(use, str) else None
        if template is not None:
            return list(template.args)
        try:
            return list(self.host.find("blocks", block).option_types) if isinstance(block, str) else list(node)
        except UserError:
            return list(node)

    def finish(self, problems: Problems) -> None:
        """Complain about every override that has found no node."""
        for i, override in enumerate(self.document.deferred):
            if i not in self._done:
                for diagnostic in self._complaint(override.key).diagnostics:
                    problems.take(diagnostic)

    def _complaint(self, key: Key) -> ConfigError:
        names = [str(path[1]) for path, _ in self._seen if path[0] == key.names[0]]
        fitting = [
            takes for path, takes in self._seen if path[0] == key.names[0] and fnmatchcase(str(path[1]), key.names[1])
        ]
        if fitting and len(key.names) > 2:
            known = sorted({name for takes in fitting for name in (*takes, *RESERVED)})
            fact = f"no node that `{key.names[1]}` matches takes `{key.names[2]}`"
            return key.error(2, "E012", fact, "not an option", did_you_mean(key.names[2], known))
        what = "matches no node" if GLOB.search(key.names[1]) else "is no node"
        globs = [f"*/{name.rpartition('/')[2]}" for name in names if "/" in name] if GLOB.search(key.names[1]) else []
        close = closest(key.names[1], [*names, *globs])
        help = f"did you mean `{close}`?" if close else f"`{key.names[0]}` has: {listing(names)}"
        return key.error(1, "E005", f"`{key.names[1]}` {what}", "not there", help)


def _replaced(value: Any, path: KeyPath, rest: tuple[str, ...], new: Any) -> Any:
    """`value` with `new` at `rest`; what other nodes have in common with it is left as it is."""
    if not rest:
        return new
    own = expanded(value, path)
    below = own.get(rest[0]) if isinstance(own, dict) else None
    return {**(own if isinstance(own, dict) else {}), rest[0]: _replaced(below, (*path, rest[0]), rest[1:], new)}
