"""`blockrun init`: a network file to start from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click


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
    files = {path.stem: path for path in sorted(_folder().glob("*.yaml"))}
    if template is None:
        width = max(map(len, files), default=0)
        for name, path in files.items():
            click.echo(f"{name.ljust(width)}  {_title(path)}")
        return
    _write(_chosen(template, files), Path(output or f"{template}.yaml"))


def _folder() -> Path:
    import blockrun

    return Path(blockrun.__file__).parent / "configs"


def _title(path: Path) -> str:
    first = path.read_text(encoding="utf-8").partition("\n")[0]
    return first.removeprefix("#").strip() if first.startswith("#") else ""


def _chosen(template: str, files: dict[str, Path]) -> Path:
    from blockrun.plugins.errors import UsageError
    from blockrun.plugins.network.diagnostics import did_you_mean

    if template not in files:
        raise UsageError(f"there is no template `{template}`", help=did_you_mean(template, files, "templates"))
    return files[template]


def _write(source: Path, target: Path) -> None:
    from blockrun.plugins.errors import UsageError

    try:
        with target.open("xb") as file:
            file.write(source.read_bytes())
    except FileExistsError:
        raise UsageError(f"{target} is there already", help="give another name with --output FILE") from None
    except OSError as error:
        raise UsageError(f"{target} cannot be written: {error.strerror or error}") from None
    click.echo(f"{target} written; `blockrun train {target}` trains it")
