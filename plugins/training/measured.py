"""What is measured of a run, and the names it goes by: `objective`, `train.loss`, `val.accuracy`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

PARTS = ("train", "val")


def with_objective(parts: dict[str, float], weights: Mapping[str, float]) -> dict[str, float]:
    """`parts` of an objective, and their weighted sum as `objective` where there are several."""
    if len(weights) < 2:
        return parts
    return {**parts, "objective": sum(weight * parts[name] for name, weight in weights.items())}


def objective_of(measured: Mapping[str, float], weights: Mapping[str, float]) -> float:
    """The objective among `measured`, which `with_objective` completed."""
    if len(weights) > 1:
        return measured["objective"]
    ((name, weight),) = weights.items()
    return weight * measured[name]


def by_name(row: Mapping[str, Any], weights: Mapping[str, float]) -> dict[str, float]:
    """A row of the metrics under the names that a `monitor` may say.

    `objective` is what is minimised, on the validation part or, without one, on the training part.
    """
    found = {f"{part}.{name}": value for part in PARTS for name, value in row.get(part, {}).items()}
    return {**found, "objective": objective_of(row["val" if "val" in row else "train"], weights)}
