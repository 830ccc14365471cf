"""`blockrun plugins`: what is installed, what became of it, and what to do about what does not work."""

from __future__ import annotations

import json
from dataclasses import asdict

import click

from blockrun.plugins.host import Host
from blockrun.plugins.offers import KINDS, Plugin, remedy

from .text import columns, hanging

SLOW = 0.5  # seconds of import that a user would notice


@click.command("plugins")
@click.argument("name", required=False)
@click.option("--json", "as_json", is_flag=True, help="Print a list of objects.")
@click.pass_obj
def plugins(host: Host, name: str | None, as_json: bool) -> None:
    """List the installed plugins and what became of each, or show what they offer.

    NAME is a kind, such as `inits`, `optimizers`, `schedules`, `sources` or `callbacks`, or one of them, as `adam`.

    \b
    blockrun plugins
    blockrun plugins inits
    blockrun plugins cosine
    blockrun --no-plugin swish plugins --json
    """
    if name is not None:
        from .components import describe, render

        pages = describe(host, name)
        click.echo(json.dumps(pages, indent=2, ensure_ascii=False, default=str) if as_json else render(pages))
        return
    rows = host.rows()
    if as_json:
        click.echo(json.dumps([{**asdict(row), "remedy": advice(row)} for row in rows], indent=2))
        return
    heading = ("plugin", "distribution", "version", "status", "offers")
    cells = [(row.name, row.file or row.distribution, row.version, row.status, summary(row)) for row in rows]
    first, *lines = columns([heading, *cells], indent=0)
    click.echo(first)
    for row, line in zip(rows, lines, strict=True):
        click.echo("\n".join([line, *remarks(row)]))


def summary(row: Plugin) -> str:
    """ "27 blocks, 1 optimizer"."""
    return ", ".join(
        f"{len(names)} {kind if len(names) > 1 else KINDS[kind].noun}" for kind, names in row.offers.items()
    )


def remarks(row: Plugin) -> list[str]:
    """What else to say about a plugin, below its row: the cause of a failure and its remedy, names that clash."""
    said = [("cause: ", row.failure), ("help: ", advice(row)), *(("note: ", note) for note in row.notes)]
    if row.seconds > SLOW:
        said.append(("note: ", f"takes {row.seconds:.1f} s to import"))
    return [hanging(f"    {label}", text) for label, text in said if text]


def advice(row: Plugin) -> str:
    return remedy(row) if row.status == "failed" else ""
