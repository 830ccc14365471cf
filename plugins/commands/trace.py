"""`blockrun trace`: both passes over a network, line by line, with values."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from blockrun.plugins.reports.trace import Line, Perturbation, Trace

SHOWN_IN_FULL = 8  # entries of an array


@click.command("trace")
@click.argument("config", metavar="CFG")
@click.argument("overrides", nargs=-1, metavar="[KEY=VALUE ...]")
@click.option("--perturb", metavar="NAME=AMOUNT", help="Also show what adding AMOUNT to an input or parameter does.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="For inputs that are drawn.")
@click.option("--json", "as_json", is_flag=True, help="Print an object.")
@click.pass_obj
def trace(host: Any, config: str, overrides: tuple[str, ...], perturb: str | None, seed: int, as_json: bool) -> None:
    """Print every operation and every gradient of CFG.

    The operations forward, then the gradients in exactly the reverse order, with values. Computed in float64.
    Inputs without a value are drawn: two examples of the training data, or random numbers.

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
    from blockrun.plugins.suggest import did_you_mean

    name, equals, amount = text.partition("=")
    if not equals:
        raise UsageError(f"--perturb {text}: it does not say by how much", help=f"for example --perturb {name}=1e-3")
    if name not in known:
        raise UsageError(f"--perturb {text}: `{name}` cannot be perturbed", help=did_you_mean(name, known))
    try:
        value = float(amount)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise UsageError(f"--perturb {text}: `{amount}` is not a number", help=f"for example --perturb {name}=1e-3")
    return name, value


def _as_text(traced: Trace, moved: Perturbation | None) -> str:
    parts = [_start(traced.inputs), _start(traced.parameters), _listing(traced.forward), _listing(traced.backward)]
    if moved is not None:
        parts += [_changes(moved), _comparison(moved)]
    return "\n\n".join(part for part in parts if part)


def _start(arrays: Mapping[str, Any]) -> str:
    width = max((len(name) for name in arrays), default=0)
    return "\n".join(f"{name.ljust(width)} = {show_value(array)}" for name, array in arrays.items())


def _listing(lines: list[Line]) -> str:
    return _table([(line.code, f"# ({line.number})" if line.number else "", show_value(line.value)) for line in lines])


def _table(rows: list[tuple[str, ...]]) -> str:
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    return "\n".join("   ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)).rstrip() for row in rows)


def _changes(moved: Perturbation) -> str:
    """How far every variable really moved."""
    rows = [(c.variable, show_value(c.before), show_value(c.after), show_value(c.moved)) for c in moved.changes]
    return _table([("variable", "before", "after", "moved by"), *rows])


def _comparison(moved: Perturbation) -> str:
    """What the gradient says beside what happened, the two numbers beneath one another."""
    gradient = f"delta_{moved.variable}"
    if getattr(moved.changes[0].before, "ndim", 0):
        gradient = f"sum({gradient})"
    heads = f"{gradient} * {moved.amount:g} =", f"{moved.objective} moved by"
    says = show_value(moved.predicted), show_value(moved.moved)
    remarks = "# what the gradient says", "# what happened"
    head, width = max(map(len, heads)), max(len(s.lstrip("-")) for s in says) + 1
    return "\n".join(
        f"{h.ljust(head)} {'' if s.startswith('-') else ' '}{s}".ljust(head + width + 4) + r
        for h, s, r in zip(heads, says, remarks, strict=True)
    )


def show_value(value: Any) -> str:
    """A number to nine digits; an array in full if it is small, else by its shape and range."""
    import numpy as np

    array = np.asarray(value)
    if array.ndim == 0:
        return f"{array[()]:.9g}"
    if array.size <= SHOWN_IN_FULL:
        digits: Any = {"float_kind": lambda x: f"{x:.6g}"}
        return np.array2string(array, separator=", ", max_line_width=10_000, formatter=digits).replace("\n", "")
    return f"shape {array.shape}, {float(array.min()):.4g} to {float(array.max()):.4g}"


def _as_data(traced: Trace, moved: Perturbation | None) -> dict[str, Any]:
    data: dict[str, Any] = {
        "inputs": {name: _plain(value) for name, value in traced.inputs.items()},
        "parameters": {name: _plain(value) for name, value in traced.parameters.items()},
        "forward": [_line(line) for line in traced.forward],
        "backward": [_line(line) for line in traced.backward],
        "gradients": {name: _plain(value) for name, value in traced.gradients.items()},
    }
    if moved is not None:
        data["perturbation"] = {
            "variable": moved.variable,
            "amount": moved.amount,
            "changes": {c.variable: _plain(c.moved) for c in moved.changes},
            "predicted": moved.predicted,
            "moved": moved.moved,
        }
    return data


def _line(line: Line) -> dict[str, Any]:
    return {"code": line.code, "operation": line.number, "variable": line.variable, "value": _plain(line.value)}


def _plain(value: Any) -> Any:
    import numpy as np

    return np.asarray(value).tolist()
