"""`blockrun show`: a network file with everything put in, and where each value is from."""

from __future__ import annotations

import json
from typing import Any

import click


@click.command("show")
@click.argument("subject", metavar="CFG|RUN")
@click.argument("overrides", nargs=-1, metavar="[KEY=VALUE ...]")
@click.option("--resolved", is_flag=True, help="Expanded: templates, copies, references and defaults put in.")
@click.option("--origins", is_flag=True, help="Say of each value where it is from.")
@click.option("--json", "as_json", is_flag=True, help="Print an object: the values, and the origin of each.")
@click.pass_obj
def show(host: Any, subject: str, overrides: tuple[str, ...], resolved: bool, origins: bool, as_json: bool) -> None:
    """Print CFG as it is with KEY=VALUE put in.

    With --resolved every node is written out with all its options, as it will be run. An origin is `net.yaml:7`, the
    command line, or the default of a block; `from` leads to what the value was made of.

    \b
    blockrun show configs/digits.yaml train.epochs=5
    blockrun show configs/resnet20.yaml --resolved --origins
    """
    from blockrun.plugins.reports.shown import shown

    from .subject import network_of

    found = shown(network_of(subject, overrides, host), resolved)
    click.echo(json.dumps(found.as_data(), indent=2, ensure_ascii=False) if as_json else found.text(origins))
