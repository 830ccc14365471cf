"""What the other kinds of component are like, those that are no blocks: initialisers, optimizers, sources, ..."""

from __future__ import annotations

import inspect
from typing import Any

from blockrun.plugins.errors import UsageError
from blockrun.plugins.host import Host
from blockrun.plugins.offers import INSTANCES, KINDS
from blockrun.plugins.suggest import did_you_mean

from .block_page import indented, option_row, options_of, section
from .text import columns

WITH_OPTIONS = tuple(kind for kind in KINDS if kind not in ("blocks", *INSTANCES))


def describe(host: Host, name: str) -> list[dict[str, Any]]:
    """A page for each component of the kind `name`, or for those called `name`; raises `UsageError` for no name."""
    kinds = (name,) if name in WITH_OPTIONS else WITH_OPTIONS
    names = [(kind, known) for kind in kinds for known in host.names(kind) if name in (kind, known)]
    if not names and name not in WITH_OPTIONS:
        if name in host.names("blocks"):
            raise UsageError(f"`{name}` is a block", help=f"blockrun blocks {name}")
        known = [*WITH_OPTIONS, *(found for kind in WITH_OPTIONS for found in host.names(kind))]
        raise UsageError(f"no plugin offers anything called `{name}`", help=did_you_mean(name, known, "there are"))
    return [_page(host, kind, found) for kind, found in names]


def _page(host: Host, kind: str, name: str) -> dict[str, Any]:
    cls, offer = host.find(kind, name), host.offer(kind, name)
    about = {"name": name, "kind": KINDS[kind].noun, "provider": str(offer.plugin), "module": offer.module}
    options = options_of(cls) if hasattr(cls, "option_types") else []
    return {**about, "doc": inspect.getdoc(cls) or "", "options": options}


def render(pages: list[dict[str, Any]]) -> str:
    """One page in full, or a line for each."""
    if len(pages) != 1:
        return "\n".join(columns([(page["name"], page["doc"].partition("\n")[0]) for page in pages], indent=0))
    [page] = pages
    parts = [
        f"{page['name']}    {page['kind']}, from {page['provider']}",
        indented(page["doc"]),
        section("options", [option_row(option) for option in page["options"]]),
    ]
    return "\n\n".join(filter(None, parts))
