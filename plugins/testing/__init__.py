"""The block test kit: checks any block, of this package or of a plugin, without test code from its author."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__all__ = ["Failure", "NoSuchCase", "Report", "check_block", "suite"]

_HOMES = {"Failure": "report", "NoSuchCase": "kit", "Report": "report", "check_block": "kit", "suite": "distribution"}

if TYPE_CHECKING:
    from .distribution import suite
    from .kit import NoSuchCase, check_block
    from .report import Failure, Report


def __getattr__(name: str) -> Any:
    """Import on first use: pytest imports this package at every start, and must not import NumPy with it."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
