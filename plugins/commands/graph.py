"""`blockrun graph`: a network as a picture, or as text that other programs draw."""

from __future__ import annotations

import json
from typing import Any

import click


@click.command("graph")
@click.argument("subject", metavar="CFG|RUN")
@click.argument("overrides", nargs=-1, metavar="[KEY=VALUE ...]")
@click.option(
    "--format",
    "form",
    type=click.Choice(["mermaid", "dot", "svg"]),
    default="mermaid",
    show_default=True,
    help="The language of the picture; svg needs Graphviz.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the vertices and edges as an object.")
@click.pass_obj
def graph(host: Any, subject: str, overrides: tuple[str, ...], form: str, as_json: bool) -> None:
    """Draw CFG, or a run, as text for Mermaid or Graphviz, or as SVG.

    Nodes show their options and edges the shapes; shared parameters are dashed, and the objective is bold.

    \b
    blockrun graph configs/digits.yaml
    blockrun graph configs/digits.yaml --format svg > digits.svg
    """
    from blockrun.plugins.reports.graph import picture, to_dot, to_mermaid, to_svg

    from .subject import network_of

    drawn = picture(network_of(subject, overrides, host))
    write = {"mermaid": to_mermaid, "dot": to_dot, "svg": to_svg}[form]
    click.echo(json.dumps(drawn.as_data(), indent=2) if as_json else write(drawn))
