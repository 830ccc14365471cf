"""`blockrun test`: every promise of the block contract, checked on every installed block; or a whole network."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from blockrun.plugins.errors import CheckFailed, UsageError, UserError

from .text import counted

if TYPE_CHECKING:
    from blockrun.plugins.host import Host
    from blockrun.plugins.offers import Plugin
    from blockrun.plugins.testing import Report


class Wanted(NamedTuple):
    """What the options of the command ask for."""

    seed: int
    case: int | None
    as_json: bool
    certificate: Path | None
    precision: bool


@click.command("test")
@click.argument("names", nargs=-1, metavar="[BLOCK ... | KEY=VALUE ...]")
@click.option("--net", metavar="CFG", help="Check the network of this file; KEY=VALUE changes a value in it.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Seed of all random numbers.")
@click.option("--case", type=click.IntRange(min=0), help="Only this case, of the one BLOCK given.")
@click.option("--json", "as_json", is_flag=True, help="Print a list of objects; with --net an object.")
@click.option("--certificate", type=click.Path(path_type=Path), metavar="FILE", help="Write what was found to FILE.")
@click.option("--precision", is_flag=True, help="Compare float32 with extended precision instead.")
@click.pass_obj
def test(
    host: Host,
    names: tuple[str, ...],
    net: str | None,
    seed: int,
    case: int | None,
    as_json: bool,
    certificate: Path | None,
    precision: bool,
) -> None:
    """Check the gradients and the contract of blocks.

    Of all that are installed if none is named. A BLOCK may be a pattern such as 'conv*' or 'blockrun-swish/*'. One
    that ends in .py is a file, whose blocks are checked. Exits with 4 if something fails. A package that holds its
    certificate as blockrun-certificate.json has it shown by `blockrun blocks NAME`.

    \b
    blockrun test
    blockrun test linear softmax --seed 7
    blockrun test ./swish.py
    blockrun test --net configs/digits.yaml
    """
    wanted = Wanted(seed, case, as_json, certificate, precision)
    ok = _test_blocks(host, names, wanted) if net is None else _test_network(host, net, names, wanted)
    if not ok:
        click.get_current_context().exit(CheckFailed.exit_code)


def _test_network(host: Host, net: str, overrides: tuple[str, ...], wanted: Wanted) -> bool:
    from blockrun.plugins.network.build import load
    from blockrun.plugins.testing.network import check_network

    of_blocks = {"--case": wanted.case, "--certificate": wanted.certificate, "--precision": wanted.precision or None}
    for option, value in of_blocks.items():
        if value is not None:
            raise UsageError(f"{option} is about blocks; it means nothing with --net", help="leave it out")
    network = load(net, *overrides, "run.dtype=float64", host=host)
    command = " ".join(["blockrun test --net", net, *overrides, f"--seed {wanted.seed}"])
    report = check_network(network, wanted.seed, command=command)
    click.echo(json.dumps(report.as_dict(), indent=2, ensure_ascii=False) if wanted.as_json else str(report))
    return report.ok


def _test_blocks(host: Host, names: tuple[str, ...], wanted: Wanted) -> bool:
    if any(name.endswith(".py") for name in names):
        host, names = _with_files(host, names)
    names = _chosen(host, names)
    if wanted.precision:
        return _test_precision(host, names, wanted)
    if wanted.case is not None and (len(names) != 1 or wanted.certificate):
        fact = f"exactly one block, not {len(names)}" if len(names) != 1 else "to be without --certificate"
        raise UsageError(f"--case needs {fact}", help="blockrun test BLOCK --case N")
    plugins = {name: host.offer("blocks", name).plugin for name in names}
    reports = list(_run(host, plugins, wanted))
    if wanted.as_json:
        rows = [{**r.as_dict(), "provider": str(plugins[r.block])} for r in reports]
        click.echo(json.dumps(rows, indent=2, ensure_ascii=False))
    else:
        click.echo(_summary(reports))
    if wanted.certificate:
        _certify(host, reports, plugins, wanted.certificate, wanted.seed)
    return all(report.ok for report in reports)


def _test_precision(host: Host, names: tuple[str, ...], wanted: Wanted) -> bool:
    """The table of the precision lint: the worst errors of float32 in units in the last place, and what it found."""
    from blockrun.plugins.testing.precision import precision_report

    for option, value in (("--case", wanted.case), ("--certificate", wanted.certificate)):
        if value is not None:
            raise UsageError(f"{option} means nothing with --precision", help="leave it out")
    width = max(map(len, names), default=0)
    if not wanted.as_json:
        click.echo(f"{'':<{width}}  forward  backward  points   (worst error in float32, in units in the last place)")
    reports = []
    for name in names:
        reports.append(precision_report(host.find("blocks", name), wanted.seed, name))
        if not wanted.as_json:
            click.echo(reports[-1].row(width))
    if wanted.as_json:
        click.echo(json.dumps([report.as_dict() for report in reports], indent=2, ensure_ascii=False))
    return all(report.ok for report in reports)


def _run(host: Host, plugins: dict[str, Plugin], wanted: Wanted) -> Iterable[Report]:
    """The reports, each with its line on standard output as soon as it is there."""
    width = max(map(len, plugins), default=0)
    for name, plugin in plugins.items():
        report = _check(host, name, wanted.seed, wanted.case)
        if not wanted.as_json:
            click.echo(_row(report, str(plugin), width))
        yield report


def _with_files(host: Host, names: tuple[str, ...]) -> tuple[Host, tuple[str, ...]]:
    """A host that has loaded the files among `names`, and the other names or, if there are none, the files' blocks."""
    from blockrun.plugins.host import load_host

    files = [Path(name) for name in names if name.endswith(".py")]
    host = load_host(disable=host.disable, only=host.only, local=files)
    found = [name for name, offer in host.offers("blocks").items() if offer.plugin.file]
    if not found:
        raise UsageError(f"there is no block in {', '.join(map(str, files))}")
    return host, tuple(name for name in names if not name.endswith(".py")) or tuple(found)


def _chosen(host: Host, names: tuple[str, ...]) -> tuple[str, ...]:
    """The blocks that `names` mean, patterns among them; all if there are none."""
    from fnmatch import fnmatchcase

    offers = host.offers("blocks")
    chosen: list[str] = []
    for name in names:
        pattern = any(letter in name for letter in "*?[")
        found = [
            known for known, offer in offers.items() if fnmatchcase(known, name) or fnmatchcase(offer.full_name, name)
        ]
        if pattern and not found:
            raise UsageError(f"no block matches `{name}`", help="`blockrun blocks` lists the blocks")
        chosen += sorted(found) if pattern else [name]
    return tuple(dict.fromkeys(chosen)) or tuple(sorted(offers))


def _check(host: Host, name: str, seed: int, case: int | None) -> Report:
    """The report on one block; one that cannot be imported fails like any other."""
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


def _certify(host: Host, reports: list[Report], plugins: dict[str, Plugin], path: Path, seed: int) -> None:
    """Write the certificate, of blocks that all pass."""
    from blockrun.plugins.testing.certificate import write_certificate

    if all(report.ok for report in reports):
        write_certificate(path, [(r, host.find("blocks", r.block), plugins[r.block]) for r in reports], seed)
        click.echo(f"{path} written", err=True)
    else:
        click.echo(f"{path} not written: a certificate is for blocks that pass", err=True)


def _row(report: Report, provider: str, width: int) -> str:
    """One line, and below it the failures in full and what else is worth knowing."""
    verdict = "ok" if report.ok else "FAILED"
    cases = f"{report.cases:4} {'case ' if report.cases == 1 else 'cases'}"
    lines = [f"{report.block:<{width}}  {provider}  {cases}  worst error {report.worst_error:.1e}  {verdict}"]
    details = "\n".join([*map(str, report.failures), *(f"note: {note}" for note in report.notes)])
    return "\n".join([*lines, *(f"  {line}".rstrip() for line in details.splitlines())])


def _summary(reports: list[Report]) -> str:
    failed = sum(not report.ok for report in reports)
    cases, seconds = sum(report.cases for report in reports), sum(report.seconds for report in reports)
    blocks = counted(len(reports), "block")
    verdict = f"{failed} of {blocks} FAILED" if failed else f"{blocks} ok"
    return f"{verdict}, {counted(cases, 'case')} in {seconds:.1f} s"
