"""`blockrun`: the command line, whose sub-commands are offered by plugins and imported when they are used."""

from __future__ import annotations

import os
import sys
from functools import partial
from typing import Any

import click

from blockrun import __version__
from blockrun.plugins.errors import UserError
from blockrun.plugins.host import Host, load_host

from .guard import Bug, drop_output, guard

SECTIONS = {
    "Train": ("init", "train", "resume", "eval", "predict", "runs", "report", "export"),
    "Look inside": ("check", "summary", "graph", "show", "diff", "trace", "profile", "test", "explain"),
    "Plugins": ("blocks", "plugins", "new", "schema"),
}
EXPECTED = (UserError, click.ClickException, click.Abort, click.exceptions.Exit)


class Shell(click.Group):
    """A group whose commands are looked up in the plugin host, which is loaded when the first one is asked for."""

    def main(self, *args: Any, standalone_mode: bool = True, **extra: Any) -> Any:
        run: Any = partial(super().main, *args, standalone_mode=False, **extra)
        return sys.exit(guard(run)) if standalone_mode else run()

    def list_commands(self, ctx: click.Context) -> list[str]:
        return host_of(ctx).names("commands")

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        host = host_of(ctx)
        return host.find("commands", cmd_name) if cmd_name in host.offers("commands") else None

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args[0].startswith("-"):
            return super().resolve_command(ctx, args)
        return args[0], host_of(ctx).find("commands", args[0]), args[1:]

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except EXPECTED:
            raise
        except BrokenPipeError:
            ctx.exit(drop_output())
        except Exception as error:
            name = ctx.invoked_subcommand
            raise Bug(host_of(ctx).provider("commands", name) if name else "blockrun") from error

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        names = self.list_commands(ctx)
        placed = {name for section in SECTIONS.values() for name in section}
        sections = {**SECTIONS, "More": tuple(name for name in names if name not in placed)}
        for title, members in sections.items():
            rows = [(name, self._summary(ctx, name)) for name in members if name in names]
            if rows:
                with formatter.section(title):
                    formatter.write_dl(rows, col_max=20)

    def _summary(self, ctx: click.Context, name: str) -> str:
        host = host_of(ctx)
        try:
            text = host.find("commands", name).get_short_help_str(68)
        except UserError:
            return "(cannot be loaded; try it to see why)"
        plugin = host.offers("commands")[name].plugin
        return str(text) if plugin.own else f"{text} ({plugin})"


def host_of(ctx: click.Context) -> Host:
    """The host of this command line: without `--no-plugin`, and only `BLOCKRUN_PLUGINS` if that is set."""
    root = ctx.find_root()
    if root.obj is None:
        allowed = os.environ.get("BLOCKRUN_PLUGINS")
        only = None if allowed is None else [name.strip() for name in allowed.split(",") if name.strip()]
        root.obj = load_host(disable=root.params.get("no_plugin") or (), only=only)
    host: Host = root.obj
    return host


@click.group(
    "blockrun",
    cls=Shell,
    invoke_without_command=True,
    subcommand_metavar="COMMAND ...",
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 80},
    epilog="BLOCKRUN_PLUGINS=a,b loads only these plugins. BLOCKRUN_DEBUG=1 shows tracebacks.",
)
@click.option("--no-plugin", multiple=True, metavar="NAME", is_eager=True, help="Leave a plugin out; may be repeated.")
@click.version_option(__version__, message="blockrun %(version)s")
@click.pass_context
def main(ctx: click.Context, no_plugin: tuple[str, ...]) -> None:
    """Networks of blocks, each with a forward and a backward, declared in YAML.

    \b
    blockrun train configs/digits.yaml
    blockrun blocks conv2d
    """
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())
    ctx.obj = host_of(ctx)
