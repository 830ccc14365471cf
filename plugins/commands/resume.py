"""`blockrun resume`: go on with a run that was interrupted."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click


@click.command("resume")
@click.argument("run", metavar="RUN")
@click.option("--dir", "root", default="runs", show_default=True, help="Where runs are looked for.")
@click.option("--allow-change", "allow", multiple=True, metavar="NAME", help="Go on although it changed; repeatable.")
@click.option("--replay", is_flag=True, help="Only run the batch again that training diverged on.")
@click.option("-q", "--quiet", is_flag=True, help="Show no progress.")
@click.option("--json", "as_json", is_flag=True, help="Print what happens as lines of JSON, and nothing else.")
@click.pass_obj
def resume(host: Any, run: str, root: str, allow: tuple[str, ...], replay: bool, quiet: bool, as_json: bool) -> None:
    """Go on with RUN, in place, from its last checkpoint.

    RUN is a folder, `latest`, a name, for the newest run called so, or the beginning of an id. What comes out is what
    would have without the interruption, bit for bit; so if something that the numbers depend on is not as it was, RUN
    is not continued unless that is allowed: blockrun, numpy, blas, threads, machine, config, code or data.

    \b
    blockrun resume latest
    blockrun resume runs/digits/20260101-120000_ab12
    blockrun resume latest --allow-change numpy
    """
    from blockrun.plugins.errors import UsageError
    from blockrun.plugins.suggest import did_you_mean
    from blockrun.plugins.training.divergence import replay as run_again
    from blockrun.plugins.training.environment import CHANGES
    from blockrun.plugins.training.folder import find_folder
    from blockrun.plugins.training.run import resume as resume_training

    from .outcome import progress_for, show_run

    unknown = next((name for name in allow if name not in CHANGES), None)
    if unknown is not None:
        raise UsageError(f"`--allow-change {unknown}` is not known", help=did_you_mean(unknown, CHANGES, "there are"))
    if replay:
        run_again(find_folder(run, Path(root)), host)
        click.echo("everything in that batch is finite now")
        return
    folder = find_folder(run, Path(root))
    show_run(resume_training(folder, host, progress_for(quiet, as_json), allow), as_json)
