"""The hooks: one for each kind of thing a plugin may add, and the mark that says a function implements one.

Every hook takes nothing and returns what the plugin offers: a list of classes, whose `name` (the class name in
snake_case unless set) is how a network file calls them, or a dict `{"name": class or "module:attr"}`. A string is
imported when the name is first used, so that listing what is installed imports nothing.

    from blockrun.plugins import hookimpl

    @hookimpl
    def blockrun_blocks():
        return {"swish": "blockrun_swish.blocks:Swish"}

The module holding such functions is named in the distribution's `pyproject.toml`:

    [project.entry-points.blockrun]
    swish = "blockrun_swish"
"""

from __future__ import annotations

from typing import Any

import pluggy

PROJECT = "blockrun"  # also the entry-point group and the prefix of every hook

hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)

Offered = list[Any] | dict[str, Any]


@hookspec
def blockrun_blocks() -> Offered:  # type: ignore[empty-body]
    """Operations with a forward and a backward: subclasses of `blockrun.core.Block`."""


@hookspec
def blockrun_inits() -> Offered:  # type: ignore[empty-body]
    """Initialisers, what a parameter starts as: subclasses of `blockrun.plugins.training.contracts.Init`."""


@hookspec
def blockrun_sources() -> Offered:  # type: ignore[empty-body]
    """Data sets: subclasses of `blockrun.plugins.data.source.Source`."""


@hookspec
def blockrun_transforms() -> Offered:  # type: ignore[empty-body]
    """What is done to examples before the network, such as augmentation: subclasses of
    `blockrun.plugins.data.transform.Transform`."""


@hookspec
def blockrun_optimizers() -> Offered:  # type: ignore[empty-body]
    """Update rules: subclasses of `blockrun.plugins.training.contracts.Optimizer`."""


@hookspec
def blockrun_schedules() -> Offered:  # type: ignore[empty-body]
    """Learning rates over a run: subclasses of `blockrun.plugins.training.contracts.Schedule`."""


@hookspec
def blockrun_callbacks() -> Offered:  # type: ignore[empty-body]
    """What watches a run and may end it: subclasses of `blockrun.plugins.training.contracts.Callback`."""


@hookspec
def blockrun_templates() -> Offered:  # type: ignore[empty-body]
    """Network files that `blockrun init NAME` starts from: a dict of names and `pathlib.Path`s."""


@hookspec
def blockrun_engines() -> Offered:  # type: ignore[empty-body]
    """Other implementations of existing blocks or chains of blocks. Listed; not used yet."""


@hookspec
def blockrun_exporters() -> Offered:  # type: ignore[empty-body]
    """Formats of `blockrun export`: subclasses of `blockrun.plugins.export.contracts.Exporter`."""


@hookspec
def blockrun_commands() -> Offered:  # type: ignore[empty-body]
    """Sub-commands of `blockrun`: `click.Command` objects. A dict of strings keeps `blockrun --help` quick."""
