"""Whose fault it is when code of a plugin raises in the middle of a run: one message that names it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from blockrun.plugins.errors import PluginError, UserError

if TYPE_CHECKING:
    from blockrun.plugins.network.network import Network

    from .contracts import Callback


@contextmanager
def blame_callback(name: str, callback: Callback, hook: str) -> Iterator[None]:
    """What a callback raises that no user can put right is the fault of whoever wrote it."""
    try:
        yield
    except (UserError, MemoryError):
        raise
    except Exception as error:
        fact = f"callback `{name}` ({callback.name}) fails in `{hook}`: {type(error).__name__}: {error}"
        raise PluginError(fact, help="this is a bug in the plugin that offers it") from error


def blame_block(network: Network, error: Exception) -> None:
    """Raise `PluginError` if `error` comes from a block that is not ours, naming its node, what it was given and who
    offers it."""
    note = next((note for note in getattr(error, "__notes__", ()) if note.startswith("in node ")), "")
    named = re.match(r"in node `(.*?)`", note)
    if named is None or isinstance(error, (UserError, MemoryError)):
        return
    node = next(node for node in network.graph.nodes if node.name == named[1])
    if type(node.block).__module__.startswith("blockrun."):
        return
    fact = f"{type(error).__name__}: {error}, {note}"
    raise PluginError(fact, help=f"this is a bug in block {node.block.name}, of {_provider(network, node.block.name)}")


def _provider(network: Network, block: str) -> str:
    for name, offer in network.host.offers("blocks").items():
        if name == block or name.endswith(f"/{block}"):
            return str(offer.plugin)
    return "an unknown plugin"
