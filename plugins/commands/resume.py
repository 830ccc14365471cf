"""`blockrun resume`: go on with a run that was interrupted."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click


@click.command("resume")
@click.argument("run", metavar="RUN")
@click.option("--dir", "root", default="runs", show_default=True, help="Where runs are looked for.")
@click.option("-q", "--quiet", is_flag=True, help="Show no progress.")
@click.pass_obj
def resume(host: Any, run: str, root: str, quiet: bool) -> None:
    """Go on with RUN, in place, from its last checkpoint.

    RUN is a folder, the beginning of an id, or `latest`.

    \b
    blockrun resume latest
    blockrun resume runs/digits/20260101-120000_ab12
    """
    from blockrun.plugins.training.folder import find_folder
    from blockrun.plugins.training.progress import Progress, for_terminal
    from blockrun.plugins.training.run import resume as resume_training

    from .outcome import show_run

    show_run(resume_training(find_folder(run, Path(root)), host, Progress() if quiet else for_terminal()))
