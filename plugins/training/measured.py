"""What is measured of a run, and the names it goes by: `objective`, `train.loss`, `val.accuracy`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from blockrun.plugins.errors import UserError
from blockrun.plugins.suggest import did_you_mean

PARTS = ("train", "val")


def with_objective(parts: dict[str, float], weights: Mapping[str, float]) -> dict[str, float]:
    """`parts` of an objective, and their weighted sum as `objective` where there are several."""
    if len(weights) < 2:
        return parts
    return {**parts, "objective": sum(weight * parts[name] for name, weight in weights.items())}


def objective_of(measured: Mapping[str, float], weights: Mapping[str, float]) -> float:
    """The objective among `measured`, which `with_objective` completed; a part may not be measured in evaluation."""
    if "objective" in measured and len(weights) > 1:
        return measured["objective"]
    return sum(weight * measured[name] for name, weight in weights.items() if name in measured)


def by_name(row: Mapping[str, Any], weights: Mapping[str, float]) -> dict[str, float]:
    """A row of the metrics under the names that a `monitor` may say: numbers, and no matrices.

    `objective` is what is minimised, on the validation part or, without one, on the training part.
    """
    found = {f"{part}.{name}": value for part in PARTS for name, value in row.get(part, {}).items()}
    found = {name: value for name, value in found.items() if not isinstance(value, list)}
    val = row.get("val", {})
    return {**found, "objective": objective_of(val if any(name in val for name in weights) else row["train"], weights)}


def value_of(values: Mapping[str, float], monitor: str) -> float:
    """What was measured as `monitor`; raises `UserError` if nothing was, which only a metric of several figures can."""
    if monitor not in values:
        raise UserError(f"`{monitor}` is not measured", help=did_you_mean(monitor, values, "there are"))
    return values[monitor]


def better(value: float, best: float | None, mode: str | None, by: float = 0.0) -> bool:
    """Whether `value` is better than `best`, the best so far, by more than `by`: lower, or higher where `mode` is max.

    What is not a number is never better; anything else is better than nothing.
    """
    if value != value:
        return False
    if best is None:
        return True
    return value - best > by if mode == "max" else best - value > by
