"""`blockrun eval`: measure a trained network."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click


@click.command("eval")
@click.argument("run", metavar="RUN", default="latest")
@click.option("--part", type=click.Choice(["train", "val", "test"]), help="Which part of the data; the last there is.")
@click.option("--dir", "root", default="runs", show_default=True, help="Where runs are looked for.")
@click.option("--json", "as_json", is_flag=True, help="Print an object.")
@click.pass_obj
def evaluate(host: Any, run: str, part: str | None, root: str, as_json: bool) -> None:
    """Measure RUN on its data, with the parameters of its last checkpoint.

    RUN is a folder, `latest`, a name, for the newest run called so, or the beginning of an id. RUN:NAME is another of
    its checkpoints.

    \b
    blockrun eval latest
    blockrun eval digits:best --part val --json
    """
    from blockrun.plugins.errors import DataError
    from blockrun.plugins.training.evaluation import evaluate as measure
    from blockrun.plugins.training.folder import find_folder
    from blockrun.plugins.training.lines import as_json as dumps
    from blockrun.plugins.training.run import load_run
    from blockrun.plugins.training.threads import limit_threads

    from .outcome import result_line

    folder = find_folder(run, Path(root))
    network = load_run(folder, host)
    data = network.sections.data
    if part is not None and part not in data:
        raise DataError(f"{folder.path} has no data part `{part}`", help=f"it has {', '.join(data)}")
    part = part or next(name for name in ("test", "val", "train") if name in data)
    with limit_threads(network):
        results = measure(network, data[part])
    if as_json:
        click.echo(dumps({"run": str(folder.path), "status": folder.info["status"], "part": part, **results}))
        return
    if folder.info["status"] != "finished":
        click.echo(f"note: this run is {folder.info['status']}; its last checkpoint is measured", err=True)
    count = data[part].description.examples
    for name, value in results.items():
        click.echo(result_line(part, name, value))
    click.echo(f"on {count:,} examples, {folder.path}")
