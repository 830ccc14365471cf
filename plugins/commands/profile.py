"""`blockrun profile`: where the time and memory of a training step go."""

from __future__ import annotations

import json
from typing import Any

import click


@click.command("profile")
@click.argument("config", metavar="CFG")
@click.argument("overrides", nargs=-1, metavar="[KEY=VALUE ...]")
@click.option("--steps", type=click.IntRange(min=1), default=20, show_default=True, help="How many steps to measure.")
@click.option("--json", "as_json", is_flag=True, help="Print an object: seconds and bytes.")
@click.pass_obj
def profile(host: Any, config: str, overrides: tuple[str, ...], steps: int, as_json: bool) -> None:
    """Measure the time and memory of every node of CFG in a training step.

    Medians over some steps, forward and backward; what a node makes is its outputs, what it keeps is what backward
    needs beyond them. Nothing is written.

    \b
    blockrun profile configs/digits.yaml
    blockrun profile configs/digits.yaml data.train.batch=256 run.threads=2 --json
    """
    from blockrun.plugins.network.build import load
    from blockrun.plugins.reports.profile import profile as measure

    found = measure(load(config, *overrides, host=host), steps)
    click.echo(json.dumps(found.as_data(), indent=2) if as_json else str(found))
