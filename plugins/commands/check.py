"""`blockrun check`: everything that can be known about a network without training it."""

from __future__ import annotations

import json
from typing import Any

import click


@click.command("check")
@click.argument("config", metavar="CFG")
@click.argument("overrides", nargs=-1, metavar="[KEY=VALUE ...]")
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "gcc", "json"]),
    default="text",
    show_default=True,
    help="How errors and warnings are written; gcc and json are for editors, and say nothing else.",
)
@click.option("--json", "as_json", is_flag=True, help="Print all that is found as an object.")
@click.pass_obj
def check(host: Any, config: str, overrides: tuple[str, ...], form: str, as_json: bool) -> None:
    """Say what is wrong with CFG, without training it.

    All errors of the file, or else its warnings and the shape of every variable; then one real step, forward and
    backward: where the loss starts and, if the file says how it is trained, the time of a step and the memory at the
    peak. Nothing is written.

    \b
    blockrun check configs/digits.yaml
    blockrun check configs/digits.yaml data.train.batch=512
    blockrun check configs/digits.yaml --format gcc
    """
    from blockrun.plugins.network.build import load
    from blockrun.plugins.network.diagnostics import ConfigError
    from blockrun.plugins.network.lint import lint

    try:
        network = load(config, *overrides, host=host)
    except ConfigError as error:
        if form == "text":
            raise
        click.echo(_for_editors(error.diagnostics, form))
        click.get_current_context().exit(error.exit_code)
    warnings = lint(network)
    if as_json:
        click.echo(json.dumps(_as_data(network, warnings), indent=2, ensure_ascii=False))
    elif form == "text":
        click.echo(_page(network, warnings))
    elif warnings or form == "json":
        click.echo(_for_editors(warnings, form))


def _page(network: Any, warnings: Any) -> str:
    from blockrun.plugins.reports.dry_run import dry_run
    from blockrun.plugins.reports.summary import summarise

    from .text import counted

    found = f"{network.document.file}: no errors, {counted(len(warnings), 'warning')}"
    parts = [*(warning.render() for warning in warnings), str(summarise(network)), f"{found}\n{dry_run(network)}"]
    return "\n\n".join(parts)


def _as_data(network: Any, warnings: Any) -> dict[str, Any]:
    from blockrun.plugins.reports.dry_run import dry_run
    from blockrun.plugins.reports.summary import summarise

    found = {"warnings": [warning.as_data() for warning in warnings], "summary": summarise(network).as_data()}
    return {**found, "dry_run": dry_run(network).as_data()}


def _for_editors(diagnostics: Any, form: str) -> str:
    if form == "json":
        return json.dumps([diagnostic.as_data() for diagnostic in diagnostics], indent=2, ensure_ascii=False)
    return "\n".join(diagnostic.one_line() for diagnostic in diagnostics)
