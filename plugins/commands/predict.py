"""`blockrun predict`: what a trained network says of examples."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click


@click.command("predict")
@click.argument("run", metavar="RUN")
@click.argument("file", metavar="[INPUT]", required=False)
@click.option("--keep", multiple=True, metavar="NAME", help="A variable to print; several may be given.")
@click.option("-o", "--output", default="-", metavar="FILE", help="A .csv, .npz or .npy file; else standard output.")
@click.option(
    "--as", "kind", type=click.Choice(["csv", "npz", "npy"]), help="What standard output is; csv if not said."
)
@click.option("--batch", type=click.IntRange(min=1), default=256, show_default=True, help="Examples at a time.")
@click.option("--dir", "root", default="runs", show_default=True, help="Where runs are looked for.")
@click.pass_obj
def predict(
    host: Any, run: str, file: str | None, keep: tuple[str, ...], output: str, kind: str, batch: int, root: str
) -> None:
    """Print what RUN says of the examples in INPUT.

    That is what its loss reads, or the variables to --keep.
    INPUT is a .csv, .npz or .npy file, or - for standard input; without it, the last part of the data is taken. A csv
    has a row for each example and a column for each number of the inputs, in their order, as they are before the
    transforms of the data. RUN is a folder, `latest`, a name, for the newest run called so, or the beginning of an id;
    RUN:NAME is another of its checkpoints.

    \b
    blockrun predict latest
    blockrun predict latest new.npz -o said.npz
    blockrun predict digits:best - --keep act1 < new.csv
    blockrun predict latest - --as npy < new.npy > said.npy
    """
    from blockrun.plugins.training.folder import find_folder
    from blockrun.plugins.training.predict import needed, predicted, prepared, raw
    from blockrun.plugins.training.predict import predict as run_network
    from blockrun.plugins.training.run import load_run
    from blockrun.plugins.training.threads import limit_threads

    from .exchange import read_examples, write_arrays

    network = load_run(find_folder(run, Path(root)), host)
    names = keep or predicted(network)
    read = needed(network, list(names))
    if file is None:
        feed = _from_data(network, {name: network.inputs[name] for name in read})
    else:
        feed = prepared(network, read_examples(file, {name: raw(network, name) for name in read}))
    with limit_threads(network):
        write_arrays(output, run_network(network, feed, tuple(names), batch), kind or "")


def _from_data(network: Any, wanted: Any) -> dict[str, Any]:
    import numpy as np

    from blockrun.plugins.errors import UsageError

    data = network.sections.data
    part = next((name for name in ("test", "val", "train") if name in data), None)
    if part is None:
        raise UsageError("the network has no data of its own", help="give INPUT, a .csv, .npz or .npy file")
    fields = data[part].source.read(np.arange(data[part].description.examples))
    return {name: fields[given.source] for name, given in wanted.items()}
