"""`blockrun summary`: every node of a network with its shape, size and cost."""

from __future__ import annotations

import json
from typing import Any

import click


@click.command("summary")
@click.argument("config", metavar="CFG")
@click.argument("overrides", nargs=-1, metavar="[KEY=VALUE ...]")
@click.option("--json", "as_json", is_flag=True, help="Print an object.")
@click.pass_obj
def summary(host: Any, config: str, overrides: tuple[str, ...], as_json: bool) -> None:
    """Print every node of CFG with its shape, size and cost.

    N is the batch axis, =a.W a parameter that is shared. Multiply-adds are those of products with a parameter W,
    forward, for one example; the receptive field is in pixels of the input.

    \b
    blockrun summary configs/digits.yaml
    blockrun summary configs/digits.yaml net.conv1.channels=32 --json
    """
    from blockrun.plugins.network.build import load
    from blockrun.plugins.reports.summary import summarise

    found = summarise(load(config, *overrides, host=host))
    click.echo(json.dumps(found.as_data(), indent=2) if as_json else str(found))
