"""`blockrun train`: a network file in, a run folder out."""

from __future__ import annotations

from typing import Any

import click


@click.command("train")
@click.argument("config", metavar="CFG")
@click.argument("overrides", nargs=-1, metavar="[KEY=VALUE ...]")
@click.option("-q", "--quiet", is_flag=True, help="Show no progress.")
@click.pass_obj
def train(host: Any, config: str, overrides: tuple[str, ...], quiet: bool) -> None:
    """Train the network that CFG describes.

    \b
    blockrun train configs/digits.yaml
    blockrun train configs/digits.yaml train.epochs=5 run.seed=1
    """
    from blockrun.plugins.network.build import load
    from blockrun.plugins.training.progress import Progress, for_terminal
    from blockrun.plugins.training.run import train as run_training

    from .outcome import announce, show_run

    network = load(config, *overrides, host=host)
    announce(network, quiet)
    show_run(run_training(network, Progress() if quiet else for_terminal()))
