"""The runs of a folder as rows: what each is, how it ended and what it came to."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from blockrun.plugins.errors import RunError
from blockrun.plugins.training.folder import open_folder, run_folders
from blockrun.plugins.training.lines import read_lines

from .tables import aligned

HEADINGS = ("id", "name", "status", "started", "steps", "seconds", "results")
NUMBERS = (4, 5)  # the columns that are set to the right


@dataclass(frozen=True)
class Row:
    """One run folder; `problem` says why it cannot be read, "" if it can."""

    path: Path
    info: dict[str, Any]
    steps: int | None
    problem: str = ""

    @property
    def results(self) -> dict[str, float]:
        """The figures of the result; matrices are left out."""
        found = self.info.get("results")
        return {k: x for k, x in found.items() if not isinstance(x, list)} if isinstance(found, dict) else {}

    def as_data(self) -> dict[str, Any]:
        """The row for a program."""
        status = "broken" if self.problem else self.info.get("status")
        data = {"id": self.path.name, "name": self.path.parent.name, "path": str(self.path), "status": status}
        if self.problem:
            return {**data, "problem": self.problem}
        kept = {key: self.info.get(key) for key in ("started", "seconds", "seed", "part", "reason")}
        return {**data, **kept, "steps": self.steps, "results": self.results}

    def cells(self) -> tuple[str, ...]:
        """The row for a reader."""
        shown = self.as_data()
        started = str(shown.get("started") or "")[:16].replace("T", " ")
        seconds = shown.get("seconds")
        return (
            self.path.name, self.path.parent.name, str(shown["status"]), started,
            "" if self.steps is None else f"{self.steps:,}",
            f"{seconds:,.1f}" if isinstance(seconds, (int, float)) else "",
            self.problem or ", ".join(f"{name} {_figure(x)}" for name, x in self.results.items()),
        )  # fmt: skip


def rows(root: Path) -> list[Row]:
    """Every run folder under `root`, the newest last."""
    return [_row(path) for path in run_folders(root)]


def table(found: list[Row]) -> str:
    """The rows for a terminal."""
    return aligned([HEADINGS, *(row.cells() for row in found)], NUMBERS)


def _row(path: Path) -> Row:
    try:
        folder = open_folder(path)
        steps = folder.info.get("steps")
        if not isinstance(steps, int):  # not finished: as far as the metrics say
            recorded = read_lines(folder.metrics) if folder.metrics.is_file() else []
            steps = recorded[-1]["step"] if recorded else 0
    except RunError as error:
        return Row(path, {}, None, error.message)
    return Row(path, folder.info, steps)


def _figure(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, (int, float)) else str(value)
