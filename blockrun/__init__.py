"""blockrun: networks of blocks, each with a forward and a backward, declared in YAML and run by a small executor."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"
__all__ = ["Block", "Param", "State", "__version__", "hookimpl", "load"]

_HOMES = {
    "Block": "blockrun.core",
    "Param": "blockrun.core",
    "State": "blockrun.core",
    "hookimpl": "blockrun.plugins",
    "load": "blockrun.plugins.network",
}

if TYPE_CHECKING:
    from blockrun.core import Block, Param, State
    from blockrun.plugins import hookimpl
    from blockrun.plugins.network import load


def __getattr__(name: str) -> Any:
    """Import on first use, so that the command line answers before NumPy is loaded."""
    if name not in _HOMES:
        raise AttributeError(f"module 'blockrun' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOMES[name]), name)
