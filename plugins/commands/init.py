"""`blockrun init`: a network file to start from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from .text import columns

SCHEMA = "blockrun.schema.json"  # as the first line of a file names it to editors


@click.command("init")
@click.argument("template", required=False)
@click.option("-o", "--output", metavar="FILE", help="Where to write it; TEMPLATE.yaml here unless given.")
@click.pass_obj
def init(host: Any, template: str | None, output: str | None) -> None:
    """Write a network file to start from. Without TEMPLATE, list what there is.

    \b
    blockrun init
    blockrun init digits
    """
    if template is None:
        _list(host)
    else:
        target = Path(output or f"{template.rpartition('/')[2]}.yaml")
        _write(host.find("templates", template), target)
        click.echo(f"{target} written")
        click.echo(f"`blockrun schema -o {SCHEMA}` lets an editor complete it", err=True)


def _list(host: Any) -> None:
    rows = [(name, _title(host.find("templates", name))) for name in host.names("templates")]
    click.echo("\n".join(columns(rows, indent=0)))


def _title(path: Path) -> str:
    """The comment that a network file begins with, its first line."""
    first = path.read_text(encoding="utf-8").partition("\n")[0]
    return first.removeprefix("#").strip() if first.startswith("#") else ""


def _write(source: Path, target: Path) -> None:
    from blockrun.plugins.errors import UsageError

    try:
        with target.open("xb") as file:
            file.write(f"# yaml-language-server: $schema={SCHEMA}\n".encode() + source.read_bytes())
    except FileExistsError:
        raise UsageError(f"{target} is there already", help="give another name with --output FILE") from None
    except OSError as error:
        raise UsageError(f"{target} cannot be written: {error.strerror or error}") from None
