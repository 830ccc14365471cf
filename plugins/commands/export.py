"""`blockrun export`: a trained network for those who have no blockrun."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import click


@click.command("export")
@click.argument("run", metavar="RUN")
@click.option("--to", "kind", required=True, metavar="FORMAT", help="safetensors, npz, python, or one of a plugin.")
@click.option("-o", "--output", metavar="FILE", help="Where it is written; the name of the run, here.")
@click.option("--checkpoint", metavar="NAME", help="Another than the last, as RUN:NAME.")
@click.option("--keep", multiple=True, metavar="NAME", help="A variable that a script gives; several may be named.")
@click.option("--dir", "root", default="runs", show_default=True, help="Where runs are looked for.")
@click.pass_obj
def export(
    host: Any, run: str, kind: str, output: str | None, checkpoint: str | None, keep: tuple[str, ...], root: str
) -> None:
    """Write what RUN has learned to FILE.

    safetensors and npz have every parameter and state under its name, the moving average where the run has one.
    python is a script that needs NumPy alone: a function predict, and python FILE in.npz out.npz. It gives what
    predict does, the transforms of the data included, and is written only if it says the same as the network, bit
    for bit. Up to 256 kB of weights are in it, more in NAME.weights.npz beside it. RUN is as for eval.

    \b
    blockrun export latest --to safetensors
    blockrun export digits:best --to python -o digits.py
    """
    from blockrun.plugins.errors import UsageError
    from blockrun.plugins.export.contracts import Trained
    from blockrun.plugins.training.checkpoint import load_latest
    from blockrun.plugins.training.folder import find_folder
    from blockrun.plugins.training.loop import restore_network
    from blockrun.plugins.training.run import load_run

    folder = find_folder(run, Path(root), checkpoint)
    network = load_run(folder, host, weights=False)
    exporter = network.host.find("exporters", kind)()
    path = Path(output or re.sub(r"\W", "_", folder.path.parent.name) + exporter.suffix)
    if path.suffix != exporter.suffix:
        raise UsageError(
            f"{path}: a {kind} file ends in {exporter.suffix}", help=f"-o {path.with_suffix(exporter.suffix)}"
        )
    loaded = load_latest(folder.checkpoints, folder.checkpoint)
    means = restore_network(network, loaded.tensors, averaged=True)
    origin = f"blockrun {folder.info['environment'].get('blockrun')} from {folder.path}, checkpoint {folder.checkpoint}"
    written = exporter.export(Trained(network, keep, means, origin), path)
    which = "their moving averages" if means else "the parameters as they are"
    if loaded.warning:
        click.echo(f"warning: {loaded.warning}", err=True)
    click.echo(f"checkpoint {folder.checkpoint}, {which}", err=True)
    click.echo("\n".join(map(str, written)))
