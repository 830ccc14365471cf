"""What `train` and `resume` say before and after: the network in a line, the result, and what to try next."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from blockrun.plugins.training.groups import report

if TYPE_CHECKING:
    from blockrun.plugins.network.network import Network
    from blockrun.plugins.training.run import Run


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
    for line in report({name: p.size for name, p in network.params.items()}, training.rule, training.groups):
        click.echo(f"  {line}", err=True)


def show_run(run: Run) -> None:
    """The result on standard output, then the run folder and the next commands."""
    shown = ", ".join(f"{name} {format_value(name, value)}" for name, value in run.results.items())
    click.echo(f"{run.part}: {shown}  (trained in {run.seconds:.1f} s)")
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


def format_value(name: str, value: float) -> str:
    """A result for reading: proportions of `accuracy` as percentages."""
    return f"{100 * value:.2f} %" if name.endswith("accuracy") else f"{value:.4g}"
