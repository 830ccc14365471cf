"""`blockrun report`: a run as a page to look at."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click


@click.command("report")
@click.argument("run", metavar="RUN", default="latest")
@click.option("-o", "--output", metavar="FILE", help="Where it is written; report.html in the run folder.")
@click.option("--dir", "root", default="runs", show_default=True, help="Where runs are looked for.")
@click.pass_obj
def report(host: Any, run: str, output: str | None, root: str) -> None:
    """Write RUN as one HTML file that needs nothing else.

    It has the curves, the figures, what is taken for what, the worst examples where these are images, the network,
    the filters of its first layer, the configuration and the environment. RUN is as for eval.

    \b
    blockrun report latest
    blockrun report digits:best -o best.html
    """
    from blockrun.plugins.reports.page import report as page
    from blockrun.plugins.training.files import write_atomic
    from blockrun.plugins.training.folder import find_folder
    from blockrun.plugins.training.run import load_run
    from blockrun.plugins.training.threads import limit_threads

    folder = find_folder(run, Path(root))
    network = load_run(folder, host)
    path = Path(output) if output else folder.path / "report.html"
    with limit_threads(network):
        write_atomic(path, page(folder, network).encode())
    click.echo(str(path))
