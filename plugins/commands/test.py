"""`blockrun test`: every promise of the block contract, checked on every block that is installed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from blockrun.plugins.host import Host
    from blockrun.plugins.testing import Report


@click.command("test")
@click.argument("names", nargs=-1, metavar="[BLOCK ...]")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Seed of all random numbers.")
@click.option("--case", type=click.IntRange(min=0), help="Only this case, of the one BLOCK given.")
@click.option("--json", "as_json", is_flag=True, help="Print a list of objects.")
@click.pass_obj
def test(host: Host, names: tuple[str, ...], seed: int, case: int | None, as_json: bool) -> None:
    """Check gradients and contract of blocks; of all that are installed if none is named.

    A BLOCK that ends in .py is a file, whose blocks are checked. Exits with 4 if a block fails.

    \b
    blockrun test
    blockrun test linear softmax --seed 7
    blockrun test ./swish.py
    """
    import json

    from blockrun.plugins.errors import CheckFailed, UsageError

    if any(name.endswith(".py") for name in names):
        host, names = _with_files(host, names)
    if case is not None and len(names) != 1:
        raise UsageError(f"--case needs exactly one block, not {len(names)}", help="blockrun test BLOCK --case N")
    providers = {name: host.provider("blocks", name) for name in names or host.names("blocks")}
    width = max(map(len, providers), default=0)
    reports = []
    for name, provider in providers.items():
        reports.append(_check(host, name, seed, case))
        if not as_json:
            click.echo(_row(reports[-1], provider, width))
    if as_json:
        rows = [{**r.as_dict(), "provider": providers[r.block]} for r in reports]
        click.echo(json.dumps(rows, indent=2, ensure_ascii=False))
    else:
        click.echo(_summary(reports))
    if not all(report.ok for report in reports):
        click.get_current_context().exit(CheckFailed.exit_code)


def _with_files(host: Host, names: tuple[str, ...]) -> tuple[Host, tuple[str, ...]]:
    """A host that has loaded the files among `names`, and the other names or, if there are none, the files' blocks."""
    from pathlib import Path

    from blockrun.plugins.errors import UsageError
    from blockrun.plugins.host import load_host

    files = [Path(name) for name in names if name.endswith(".py")]
    host = load_host(disable=host.disable, only=host.only, local=files)
    found = [name for name, offer in host.offers("blocks").items() if offer.plugin.file]
    if not found:
        raise UsageError(f"there is no block in {', '.join(map(str, files))}")
    return host, tuple(name for name in names if not name.endswith(".py")) or tuple(found)


def _check(host: Host, name: str, seed: int, case: int | None) -> Report:
    """The report on one block; one that cannot be imported fails like any other."""
    from blockrun.plugins.errors import UsageError, UserError
    from blockrun.plugins.testing import Failure, NoSuchCase, Report, check_block

    try:
        cls: Any = host.find("blocks", name)
    except UserError as error:
        return Report(name, failures=[Failure(error.message, guess=error.help, check="import")])
    try:
        file = host.offer("blocks", name).plugin.file
        return check_block(cls, seed, case, name, f"{file} {name}".strip())
    except NoSuchCase as error:
        raise UsageError(str(error)) from None


def _row(report: Report, provider: str, width: int) -> str:
    """One line, and below it the failures in full and what else is worth knowing."""
    verdict = "ok" if report.ok else "FAILED"
    cases = f"{report.cases:4} case{'s' if report.cases != 1 else ' '}"
    lines = [f"{report.block:<{width}}  {provider}  {cases}  worst error {report.worst_error:.1e}  {verdict}"]
    details = "\n".join([*map(str, report.failures), *(f"note: {note}" for note in report.notes)])
    return "\n".join([*lines, *(f"  {line}".rstrip() for line in details.splitlines())])


def _summary(reports: list[Report]) -> str:
    failed = sum(not report.ok for report in reports)
    cases, seconds = sum(report.cases for report in reports), sum(report.seconds for report in reports)
    verdict = f"{failed} of {len(reports)} blocks FAILED" if failed else f"{len(reports)} blocks ok"
    return f"{verdict}, {cases} cases in {seconds:.1f} s"
