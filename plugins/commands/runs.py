"""`blockrun runs`: the runs there are."""

from __future__ import annotations

import json
from pathlib import Path

import click


@click.command("runs")
@click.argument("name", metavar="[NAME]", required=False)
@click.option("--dir", "root", default="runs", show_default=True, help="Where runs are looked for.")
@click.option("--json", "as_json", is_flag=True, help="Print a list of objects.")
def runs(name: str | None, root: str, as_json: bool) -> None:
    """List the runs, or those called NAME, the newest last.

    A folder that cannot be read is listed as broken, with the reason.

    \b
    blockrun runs
    blockrun runs digits --json
    """
    from blockrun.plugins.reports.runs import rows, table

    found = [row for row in rows(Path(root)) if name is None or row.path.parent.name == name]
    if as_json:
        click.echo(json.dumps([row.as_data() for row in found], indent=2, ensure_ascii=False))
    elif found:
        click.echo(table(found))
    else:
        what = f"no run is called `{name}`" if name else "there are no runs"
        click.echo(f"{what} in {root}/; `blockrun train CFG` makes one")
