"""`blockrun schema`: what an editor needs to complete and check network files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click


@click.command("schema")
@click.option("-o", "--output", type=click.Path(path_type=Path), metavar="FILE", help="Write it there.")
@click.option(
    "--local", multiple=True, type=click.Path(path_type=Path), metavar="FILE.py", help="Blocks of a file, too."
)
@click.pass_obj
def schema(host: Any, output: Path | None, local: tuple[Path, ...]) -> None:
    """Print the JSON Schema of network files.

    It knows the blocks and all else that is installed. Editors with a YAML language server complete from it where a
    file begins with the line `# yaml-language-server: $schema=blockrun.schema.json`, as those of `blockrun init`
    do.

    \b
    blockrun schema -o blockrun.schema.json
    blockrun schema --local my_blocks.py -o blockrun.schema.json
    """
    from blockrun.plugins.host import load_host
    from blockrun.plugins.schema import schema as describe
    from blockrun.plugins.training.files import write_atomic

    if local:
        host = load_host(disable=host.disable, only=host.only, local=list(local))
    text = json.dumps(describe(host), indent=1, ensure_ascii=False) + "\n"
    if output is None:
        click.echo(text, nl=False)
    else:
        write_atomic(output, text.encode())
        click.echo(f"{output} written")
