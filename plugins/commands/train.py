"""`blockrun train`: a network file in, a run folder out."""

from __future__ import annotations

from typing import Any

import click


@click.command("train")
@click.argument("config", metavar="CFG")
@click.argument("overrides", nargs=-1, metavar="[KEY=VALUE ...]")
@click.option("-q", "--quiet", is_flag=True, help="Show no progress.")
@click.option("--json", "as_json", is_flag=True, help="Print what happens as lines of JSON, and nothing else.")
@click.pass_obj
def train(host: Any, config: str, overrides: tuple[str, ...], quiet: bool, as_json: bool) -> None:
    """Train the network that CFG describes.

    \b
    blockrun train configs/digits.yaml
    blockrun train configs/digits.yaml train.epochs=5 run.seed=1
    blockrun train configs/digits.yaml --json > events.jsonl
    """
    from blockrun.plugins.network.build import load
    from blockrun.plugins.training.run import train as run_training

    from .outcome import announce, progress_for, show_run

    network = load(config, *overrides, host=host)
    announce(network, quiet or as_json)
    show_run(run_training(network, progress_for(quiet, as_json)), as_json)
