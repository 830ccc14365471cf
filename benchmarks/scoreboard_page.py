"""The scoreboard as lines for a terminal and as a page: means, deviations, what was not reached, and where it ran."""

from __future__ import annotations

import statistics
from collections.abc import Iterable
from typing import Any

from scoreboard_tasks import ROOT, Task

Line = dict[str, Any]
Row = tuple[Task, list[Line]]

HEAD = """\
# Scoreboard

Written by `make scoreboard`, which trains what is not yet in `scoreboard.jsonl`; `python benchmarks/scoreboard.py
--results mine.jsonl` trains everything anew, and `--help` says what else there is. Each result is that of the test part
after the last step, measured once; the deviation is that of a sample (n − 1). Seconds are the median, on a machine that
others may use too. `arv` is the mean squared error divided by 1535, the variance of the sunspots from 1700 to 1979.
`python benchmarks/baselines.py` computes the nearest neighbours, the year before and the linear regression.

| task | network file | target | result | seeds | parameters | seconds a run | beside it |
| --- | --- | --- | --- | --- | --- | --- | --- |
"""


def summary(task: Task, lines: list[Line]) -> str:
    """One task in a line."""
    if not lines:
        return f"{task.name:<20} no result"
    verdict = f", {_verdict(task, lines)}" if task.target is not None else ""
    return f"{task.name:<20} {_result(task, lines)}  ({_seeds(task, lines)}{verdict}; {_seconds(lines)} s a run)"


def page(rows: list[Row]) -> str:
    """The whole of `scoreboard.md`."""
    return HEAD + "".join(map(_row, rows)) + "\n" + _shortfalls(rows) + "\n" + _where(rows)


def _row(row: Row) -> str:
    task, lines = row
    config = task.config.relative_to(ROOT).as_posix()
    result = _result(task, lines) if lines else "not measured"
    parameters = f"{lines[-1]['parameters']:,}" if lines else ""
    cells = (
        task.title, f"[{task.name}](../{config})", _target(task), result, _seeds(task, lines), parameters,
        _seconds(lines), task.beside,
    )  # fmt: skip
    return f"| {' | '.join(cells)} |\n"


def _values(task: Task, lines: list[Line]) -> list[float]:
    """What was measured: that which the task names, or the last of the results."""
    return [task.scale * line["results"][task.measure or list(line["results"])[-1]] for line in lines]


def _number(task: Task, value: float) -> str:
    return f"{value:.{task.digits}f}"


def _result(task: Task, lines: list[Line]) -> str:
    values = _values(task, lines)
    deviation = f" ± {_number(task, statistics.stdev(values))}" if len(values) > 1 else ""
    return f"{_number(task, statistics.mean(values))}{deviation}{task.unit}"


def _target(task: Task) -> str:
    if task.target is None:
        return "none"
    return f"{'≤' if task.low else '≥'} {task.target:g}{task.unit}"


def _seeds(task: Task, lines: list[Line]) -> str:
    return f"{len(lines)} of {task.seeds}" if len(lines) < task.seeds else str(len(lines))


def _seconds(lines: list[Line]) -> str:
    return f"{statistics.median(line['seconds'] for line in lines):.0f}" if lines else ""


def _verdict(task: Task, lines: list[Line]) -> str:
    return "reached" if task.reached(statistics.mean(_values(task, lines))) else f"not reached, target {_target(task)}"


def _shortfalls(rows: list[Row]) -> str:
    """What was not reached, and what was not measured, or not as often as it should be."""
    found = []
    for task, lines in rows:
        if not lines:
            found.append(f"- `{task.name}` was not measured.")
        elif not task.reached(statistics.mean(_values(task, lines))):
            found.append(f"- `{task.name}` reached {_result(task, lines)}, not {_target(task)}.")
        if 0 < len(lines) < task.seeds:
            found.append(f"- `{task.name}` was run with {len(lines)} of {task.seeds} seeds.")
    return "## Not reached\n\n" + ("\n".join(found) or "Everything was reached, with all seeds.") + "\n"


def _where(rows: list[Row]) -> str:
    """What the runs depend on besides their files: each thing with all that it was."""
    lines = [line for _, results in rows for line in results]
    seen = [line["environment"] | {"date": line["date"]} for line in lines]
    names = ("date", "blockrun", "python", "numpy", "blas", "threads", "system", "machine")
    cells = [f"| {name} | {', '.join(_different(e[name] for e in seen))} |" for name in names]
    return "## Where\n\n| what | found |\n| --- | --- |\n" + "\n".join(cells) + "\n"


def _different(values: Iterable[Any]) -> list[str]:
    return sorted({", ".join(value) if isinstance(value, list) else str(value) for value in values})
