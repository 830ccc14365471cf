"""`blockrun diff`: what differs between two networks or two runs."""

from __future__ import annotations

import json
from typing import Any

import click


@click.command("diff")
@click.argument("before", metavar="A")
@click.argument("after", metavar="B")
@click.option("--json", "as_json", is_flag=True, help="Print a list of objects.")
@click.pass_obj
def diff(host: Any, before: str, after: str, as_json: bool) -> None:
    """Print what is different in B from A: each a network file or a run.

    Files are compared with all references put in, key by key, so that neither order nor layout counts. Between two runs
    the results are compared as well. + is in B only, - in A only, ~ is another value.

    \b
    blockrun diff a.yaml b.yaml
    blockrun diff runs/digits/20260101-120000_ab12 latest
    """
    from blockrun.plugins.reports.differences import differences

    found = list(differences(_described(host, before), _described(host, after)))
    if as_json:
        click.echo(json.dumps([each.as_data() for each in found], indent=2, ensure_ascii=False))
    else:
        click.echo("\n".join(map(str, found)) if found else "nothing differs")


def _described(host: Any, subject: str) -> dict[str, Any]:
    """What a file says, and under `results` what a run came to."""
    from blockrun.plugins.training.folder import find_folder

    from .subject import is_file, network_of

    resolved = network_of(subject, (), host).resolved
    return resolved if is_file(subject) else {**resolved, "results": find_folder(subject).info.get("results", {})}
