"""What `train` and `resume` say before and after: the network in a line, the result, and what to try next."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from blockrun.plugins.training.groups import report
from blockrun.plugins.training.progress import Events, Progress, for_terminal

from .text import WIDTH, hanging

if TYPE_CHECKING:
    from blockrun.plugins.network.network import Network
    from blockrun.plugins.training.run import Run
    from blockrun.plugins.training.start import Start


def announce(network: Network, quiet: bool) -> None:
    """Say on standard error what is about to be trained on what, and what is different for groups of parameters."""
    training = network.sections.training
    if quiet or training is None or "train" not in network.sections.data:
        return
    counts = [f"{part.description.examples:,} {name}" for name, part in network.sections.data.items()]
    parameters = sum(p.size for p in network.params.values())
    nodes = len(network.graph.nodes)
    click.echo(
        f"{network.document.file}: {nodes} nodes, {parameters:,} parameters; examples: {', '.join(counts)}", err=True
    )
    sizes = {name: p.size for name, p in network.params.items()}
    for line in report(sizes, training.rule, training.groups, network.frozen):
        click.echo(f"  {line}", err=True)


def announce_start(start: Start, quiet: bool, as_json: bool) -> None:
    """Say on standard error what was loaded and what was not, or as an event."""
    progress_for(quiet, as_json).note(start.warning)
    if as_json:
        Events().tell("init_from", **start.as_data())
    elif not quiet:
        click.echo(f"starts from {start.origin}" + (", moving averages" if start.averaged else ""), err=True)
        for what, names in start.rows():
            click.echo(hanging(f"  {what} ", names), err=True)


def progress_for(quiet: bool, as_json: bool) -> Progress:
    """What is shown while training runs."""
    if as_json:
        return Events()
    return Progress() if quiet else for_terminal()


def show_run(run: Run, as_json: bool = False) -> None:
    """The result on standard output, then the run folder and the next commands; or all of it as one event."""
    if as_json:
        where, seconds = str(run.folder.path), round(run.seconds, 3)
        Events().tell("end", run=where, part=run.part, results=run.results, reason=run.reason, seconds=seconds)
        return
    if run.reason:
        click.echo(f"ended early, {run.reason}")
    numbers = {name: value for name, value in run.results.items() if not isinstance(value, list)}
    shown = ", ".join(f"{name} {format_value(name, value)}" for name, value in numbers.items())
    click.echo(f"{run.part}: {shown}  (trained in {run.seconds:.1f} s)")
    for name, value in run.results.items():
        if name not in numbers:
            click.echo(result_line(run.part, name, value))
    click.echo(f"run: {run.folder.path}")
    click.echo("\ntry next:")
    commands = next_commands(run)
    width = max(len(command) for command, _ in commands)
    for command, what in commands:
        click.echo(f"  {command:<{width}}  # {what}")


def next_commands(run: Run) -> list[tuple[str, str]]:
    """The commands worth trying after a run, and what each shows."""
    return [
        ("blockrun eval latest", "the same figures from the checkpoint"),
        (f"blockrun train {run.folder.info['file']} run.seed=1", "another seed"),
        ("blockrun test", "check the gradient of every block"),
    ]


def result_line(part: str, name: str, value: Any) -> str:
    """A result on a line; the rows of a matrix on lines beneath."""
    shown = format_value(name, value)
    return f"{part} {name}:{shown}" if shown.startswith("\n") else f"{part} {name}: {shown}"


def format_value(name: str, value: Any) -> str:
    """A result for reading: proportions of `accuracy` as percentages, each row of a matrix on a line."""
    if isinstance(value, list):
        return _matrix([row if isinstance(row, list) else [row] for row in value])
    return f"{100 * value:.2f} %" if name.endswith("accuracy") else f"{value:.4g}"


def _matrix(rows: list[list[float]]) -> str:
    """The rows on lines beneath what comes before; their number alone if they are too wide."""
    cells = [[f"{x:g}" for x in row] for row in rows]
    width = max((len(cell) for row in cells for cell in row), default=0)
    lines = ["  " + " ".join(cell.rjust(width) for cell in row) for row in cells]
    if max(map(len, lines), default=0) > WIDTH:
        return f"{len(rows)} × {len(rows[0])}, too wide to show; `blockrun eval --json` prints it"
    return "\n".join(["", *lines])
