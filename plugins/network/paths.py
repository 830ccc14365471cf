"""Paths among the options of a component: a network file writes them relative to its own folder."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any


def paths_of(component: Any) -> dict[str, Path]:
    """The options that are paths."""
    values = {name: getattr(component, name) for name in component.option_types}
    return {name: value for name, value in values.items() if isinstance(value, Path)}


def relative(component: Any, folder: Path) -> Any:
    """The same component with its paths taken from `folder`."""
    paths = paths_of(component)
    return replace(component, **{name: folder / path for name, path in paths.items()}) if paths else component
