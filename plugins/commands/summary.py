"""`blockrun summary`: every node of a network with its shape, size and cost."""

from __future__ import annotations

import json
from typing import Any

import click


@click.command("summary")
@click.argument("subject", metavar="CFG|RUN")
@click.argument("overrides", nargs=-1, metavar="[KEY=VALUE ...]")
@click.option("--all", "every", is_flag=True, help="A row for every copy of what is repeated.")
@click.option("--json", "as_json", is_flag=True, help="Print an object.")
@click.pass_obj
def summary(host: Any, subject: str, overrides: tuple[str, ...], every: bool, as_json: bool) -> None:
    """Print every node of CFG, or of a run, with its shape, size and cost.

    N is the batch axis, =a.W a parameter that is shared. Multiply-adds are those of products with parameters,
    forward, for one example; the receptive field is in pixels of the input. Copies of what is repeated stand in one
    row, `layers/[0-3]/fc`, with their sums.

    \b
    blockrun summary configs/digits.yaml
    blockrun summary configs/digits.yaml net.conv1.channels=32 --json
    blockrun summary latest
    """
    from blockrun.plugins.reports.summary import summarise

    from .subject import network_of

    found = summarise(network_of(subject, overrides, host))
    click.echo(json.dumps(found.as_data(), indent=2) if as_json else found.text(collapse=not every))
