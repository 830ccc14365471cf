"""`blockrun train`: a network file in, a run folder out."""

from __future__ import annotations

from typing import Any

import click


@click.command("train")
@click.argument("config", metavar="CFG")
@click.argument("overrides", nargs=-1, metavar="[KEY=VALUE ...]")
@click.option("--init-from", metavar="RUN", help="Start from what RUN, or a checkpoint file, has learned.")
@click.option(
    "--map", "maps", multiple=True, metavar="OLD=NEW", help="What is called OLD there is NEW here; repeatable."
)
@click.option("-q", "--quiet", is_flag=True, help="Show no progress.")
@click.option("--json", "as_json", is_flag=True, help="Print what happens as lines of JSON, and nothing else.")
@click.pass_obj
def train(
    host: Any,
    config: str,
    overrides: tuple[str, ...],
    init_from: str | None,
    maps: tuple[str, ...],
    quiet: bool,
    as_json: bool,
) -> None:
    """Train the network that CFG describes.

    With --init-from it starts from the parameters and state of RUN, which is as for eval, wherever name and shape are
    the same; the moving average is taken where there is one. In OLD and NEW a star stands for anything, and
    --map OLD= leaves OLD out. What was loaded and what was not is said, and kept in run.json.

    \b
    blockrun train configs/digits.yaml
    blockrun train configs/digits.yaml train.epochs=5 run.seed=1
    blockrun train configs/digits.yaml --json > events.jsonl
    blockrun train new.yaml --init-from digits:best --map 'encoder.*=features.*'
    """
    from blockrun.plugins.errors import UsageError
    from blockrun.plugins.network.build import load
    from blockrun.plugins.training.run import train as run_training
    from blockrun.plugins.training.start import start_from

    from .outcome import announce, announce_start, progress_for, show_run

    if maps and init_from is None:
        raise UsageError(f"--map {maps[0]}: there is nothing to map", help="it goes with --init-from RUN")
    network = load(config, *overrides, host=host)
    start = None if init_from is None else start_from(network, init_from, maps)
    announce(network, quiet or as_json)
    if start is not None:
        announce_start(start, quiet, as_json)
    show_run(run_training(network, progress_for(quiet, as_json), start), as_json)
