"""What schedules and callbacks watch: that it is measured, and whether more of it is better."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from blockrun.core import Node
from blockrun.plugins.suggest import did_you_mean

from .experiment import Sections
from .reader import Cursor


def check_monitors(root: Cursor, sections: Sections, objective: dict[str, float], metrics: dict[str, Node]) -> None:
    """Complain about a `monitor` that nothing is measured as, and about one of a metric without a `mode`."""
    if any(found.code < "E050" for found in root.problems.found):
        return  # nodes may be missing, and with them what is watched
    known = _known(sections, objective, metrics)
    for cursor, component in _components(root, sections):
        if "monitor" not in getattr(component, "option_types", {}):
            continue
        name = component.monitor
        metric = known.get(name) or known.get(name.rpartition(".")[0])
        if metric is None or (name not in known and not hasattr(metrics[metric].block, "result")):
            _unknown(cursor, name, known)
        elif metric in metrics and getattr(component, "mode", "min") is None:
            fact = f"{component.name} watches `{name}`, a metric, and does not say whether more of it is better"
            cursor.nearest("monitor").error("E013", fact, "better how?", "add `mode: max`, or `mode: min`")


def _known(sections: Sections, objective: dict[str, float], metrics: dict[str, Node]) -> dict[str, str]:
    """What is measured, and the metric it is of; "objective" for all that is minimised."""
    minimised = dict.fromkeys([*objective, *(["objective"] if len(objective) > 1 else [])], "objective")
    found = {"objective": "objective", **{f"train.{name}": part for name, part in minimised.items()}}
    if "val" in sections.data:
        found |= {f"val.{name}": part for name, part in {**minimised, **{name: name for name in metrics}}.items()}
    return found


def _components(root: Cursor, sections: Sections) -> Iterator[tuple[Cursor, Any]]:
    if sections.training is not None:
        optimizer = root["train"]["optimizer"]
        yield optimizer.nearest("lr"), sections.training.rule.schedule
        for i, group in enumerate(sections.training.groups):
            yield optimizer["groups"][i].nearest("lr"), group.changes.get("schedule")
    for name, callback in sections.callbacks.items():
        yield root["callbacks"][name], callback


def _unknown(cursor: Cursor, name: str, known: dict[str, str]) -> None:
    at = cursor.nearest("monitor")
    help = did_you_mean(name, known, "there are")
    at.error("E064", f"`{name}` is not measured", "not measured", help, key=at is cursor)
