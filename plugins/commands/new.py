"""`blockrun new`: a block or a plugin project to start from, which passes its checks as it is written."""

from __future__ import annotations

import keyword
import re
import sys
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING

import click

from blockrun.plugins.errors import UsageError

if TYPE_CHECKING:
    from blockrun.plugins.host import Host


@click.group("new", invoke_without_command=True)
@click.pass_context
def new(ctx: click.Context) -> None:
    """Write a block, or a plugin project with one, to start from.

    \b
    blockrun new block swish
    blockrun new plugin blockrun-swish
    """
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())


@new.command("block")
@click.argument("name")
@click.pass_obj
def new_block(host: Host, name: str) -> None:
    """Write NAME.py: a block that passes its checks, to be changed.

    \b
    blockrun new block swish
    """
    from .scaffold import block_file

    cls = class_name(name)
    _refuse_taken(host, name)
    _refuse_module(name)
    write_new(Path(), {f"{name}.py": block_file(name, cls)})
    click.echo(BLOCK_WRITTEN.format(name=name))


@new.command("plugin")
@click.argument("name")
@click.pass_obj
def new_plugin(host: Host, name: str) -> None:
    """Write the folder NAME: a project to install, with one such block.

    \b
    blockrun new plugin blockrun-swish
    """
    from .scaffold import plugin_files

    package = package_name(name)
    block = package.removeprefix("blockrun_")
    cls = class_name(block)
    _refuse_taken(host, block)
    if Path(name).exists():
        raise UsageError(f"{name} is there already", help="choose another name, or work in another folder")
    write_new(Path(name), plugin_files(name, package, block, cls))
    click.echo(PLUGIN_WRITTEN.format(name=name, package=package, block=block))


BLOCK_WRITTEN = """\
{name}.py written; it passes its checks as it is: now change forward and backward

try next:
  blockrun test ./{name}.py      # the gradient check
in a network file beside it:
  plugins: {{local: [./{name}.py]}}
  net:
    {name}1: {name}"""

PLUGIN_WRITTEN = """\
{name} written; change forward and backward in {name}/{package}/{block}.py

try next:
  cd {name} && pip install -e .
  blockrun test {block}
  blockrun train {block}.yaml"""


def class_name(block: str) -> str:
    """`leaky_swish` as `LeakySwish`; raises `UsageError` for what cannot be the name of a block and of a module."""
    from blockrun.core.block import snake_case

    cls = "".join(word.capitalize() for word in block.split("_"))
    good = re.fullmatch(r"[a-z][a-z0-9_]{0,99}", block) and not keyword.iskeyword(block)
    if not good or snake_case(cls) != block:
        help = "a block's name is lower-case words of two letters or more joined by `_`, such as leaky_swish"
        raise UsageError(f"`{block}` cannot be the name of a block", help=help)
    return cls


def package_name(distribution: str) -> str:
    """`blockrun-swish` as `blockrun_swish`; raises `UsageError` for what cannot be installed and imported."""
    package = re.sub(r"[-.]", "_", distribution).lower()
    if not re.fullmatch(r"[A-Za-z]([A-Za-z0-9._-]{0,98}[A-Za-z0-9])?", distribution) or keyword.iskeyword(package):
        help = "a plugin's name is letters, digits and `-`, such as blockrun-swish"
        raise UsageError(f"`{distribution}` cannot be the name of a plugin", help=help)
    _refuse_module(package)
    try:
        installed = version(distribution)
    except PackageNotFoundError:
        return package
    raise UsageError(f"{distribution} {installed} is installed here already", help="choose another name")


def _refuse_module(name: str) -> None:
    """A file of this name would be imported in place of the real one by whatever runs beside it."""
    if name in sys.stdlib_module_names or name in ("numpy", "blockrun"):
        owner = name if name in ("numpy", "blockrun") else "Python"
        raise UsageError(f"`{name}` is a module of {owner} itself", help="choose another name")


def _refuse_taken(host: Host, block: str) -> None:
    """Our own names cannot be taken, and a block that clashes with another plugin's is a nuisance from the start."""
    offer = host.offers("blocks").get(block)
    if offer is not None:
        raise UsageError(f"there is a block `{block}` already, from {offer.plugin}", help="choose another name")


def write_new(folder: Path, files: Mapping[str, str]) -> None:
    """Write `files` into `folder`; raises `UsageError` if one is there already or cannot be written."""
    for name, text in files.items():
        path = folder / name
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("x", encoding="utf-8") as file:
                file.write(text)
        except FileExistsError:
            raise UsageError(
                f"{path} is there already", help="choose another name, or work in another folder"
            ) from None
        except OSError as error:
            raise UsageError(f"{path} cannot be written: {error.strerror or error}") from None
