"""`blockrun trace`: both passes over a network, line by line, with values."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from blockrun.plugins.reports.trace import Line, Perturbation, Trace


@click.command("trace")
@click.argument("config", metavar="CFG")
@click.argument("overrides", nargs=-1, metavar="[KEY=VALUE ...]")
@click.option("--perturb", metavar="NAME=AMOUNT", help="Also show what changing an input or parameter by AMOUNT does.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="For inputs that are drawn.")
@click.option("--json", "as_json", is_flag=True, help="Print an object.")
@click.pass_obj
def trace(host: Any, config: str, overrides: tuple[str, ...], perturb: str | None, seed: int, as_json: bool) -> None:
    """Print every operation of CFG forward, then every gradient in exactly the reverse order, with values.

    Computed in float64. Inputs without a value are drawn: two examples of the training data, or random numbers.

    \b
    blockrun trace configs/kamper_scalar.yaml
    blockrun trace configs/kamper_scalar.yaml --perturb x=1e-3
    """
    from blockrun.plugins.network.build import load
    from blockrun.plugins.network.draw import draw_inputs
    from blockrun.plugins.reports.trace import perturb as run_perturbed
    from blockrun.plugins.reports.trace import trace as run_trace

    network = load(config, *overrides, "run.dtype=float64", host=host)
    feed = draw_inputs(network, seed=seed)
    traced = run_trace(network, feed)
    moved = None
    if perturb is not None:
        name, amount = _parse(perturb, list(traced.gradients))
        moved = run_perturbed(network, feed, name, amount)
    click.echo(json.dumps(_as_data(traced, moved), indent=2) if as_json else _as_text(traced, moved))


def _parse(text: str, known: list[str]) -> tuple[str, float]:
    from blockrun.plugins.errors import UsageError
    from blockrun.plugins.network.diagnostics import did_you_mean

    name, _, amount = text.partition("=")
    try:
        value = float(amount)
    except ValueError:
        raise UsageError(f"--perturb {text}: {amount!r} is not a number", help="for example --perturb x=1e-3") from None
    if name not in known:
        raise UsageError(f"--perturb {text}: `{name}` cannot be perturbed", help=did_you_mean(name, known))
    return name, value


def _as_text(traced: Trace, moved: Perturbation | None) -> str:
    inputs = [f"{name} = {show_value(traced.values[name])}" for name in traced.gradients]
    parts = ["\n".join(inputs), _listing(traced.forward), _listing(traced.backward)]
    if moved is not None:
        parts.append(_moved(moved))
    return "\n\n".join(part for part in parts if part)


def _listing(lines: list[Line]) -> str:
    code = max(len(line.code) for line in lines)
    number = max(len(_number(line)) for line in lines)
    return "\n".join(
        f"{line.code.ljust(code)}   {_number(line).ljust(number)}   {show_value(line.value)}" for line in lines
    )


def _number(line: Line) -> str:
    return f"# ({line.number})" if line.number else ""


def _moved(moved: Perturbation) -> str:
    rows = [
        (c.variable, show_value(c.before), show_value(c.after), show_value(c.after - c.before)) for c in moved.changes
    ]
    rows.insert(0, ("variable", "before", "after", "moved by"))
    widths = [max(len(row[i]) for row in rows) for i in range(4)]
    table = ["  ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)).rstrip() for row in rows]
    name = moved.variable
    return "\n".join(
        [
            f"{name} + {moved.amount:g}:",
            *table,
            "",
            f"delta_{name} * {moved.amount:g} = {moved.predicted:.9g}   # what the gradient says",
            f"{'':{len(name) + 9 + len(f'{moved.amount:g}')}} {moved.moved:.9g}   # how far the objective moved",
        ]
    )


def show_value(value: Any) -> str:
    """A number to nine digits; an array in full if it is small, else by its shape and range."""
    import numpy as np

    array = np.asarray(value)
    if array.ndim == 0:
        return f"{array[()]:.9g}"
    if array.size <= 8:
        return np.array2string(array, precision=6, separator=", ", max_line_width=10_000).replace("\n", "")
    return f"{array.shape}, {array.min():.4g} to {array.max():.4g}"


def _as_data(traced: Trace, moved: Perturbation | None) -> dict[str, Any]:
    data: dict[str, Any] = {
        "inputs": {name: _plain(traced.values[name]) for name in traced.gradients},
        "forward": [_line(line) for line in traced.forward],
        "backward": [_line(line) for line in traced.backward],
        "gradients": {name: _plain(value) for name, value in traced.gradients.items()},
    }
    if moved is not None:
        data["perturbation"] = {
            "variable": moved.variable,
            "amount": moved.amount,
            "changes": {c.variable: _plain(c.after - c.before) for c in moved.changes},
            "predicted": moved.predicted,
            "moved": moved.moved,
        }
    return data


def _line(line: Line) -> dict[str, Any]:
    return {"code": line.code, "operation": line.number, "variable": line.variable, "value": _plain(line.value)}


def _plain(value: Any) -> Any:
    import numpy as np

    return np.asarray(value).tolist()
