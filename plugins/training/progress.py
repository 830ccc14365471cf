"""What is shown while training runs: rows of figures, on a terminal with a bar that moves beneath, or lines of JSON."""

from __future__ import annotations

import math
import sys
import time
from typing import TYPE_CHECKING, Any, TextIO

from .lines import as_json
from .measured import PARTS, objective_of

if TYPE_CHECKING:
    from .folder import RunFolder
    from .loop import Trainer

LEVELS, WIDTH = "▁▂▃▄▅▆▇█", 12


class Progress:
    """What the training loop tells; this one shows nothing."""

    def start(self, trainer: Trainer, folder: RunFolder) -> None:
        """The first step, or the next of a run that goes on, is about to be taken."""

    def step(self, trainer: Trainer, examples: int) -> None:
        """A step was taken on a batch of `examples`."""

    def row(self, row: dict[str, Any]) -> None:
        """The run was measured; `row` is what the metrics record, and how fast it was."""

    def note(self, text: str) -> None:
        """Something worth knowing happened; nothing if `text` is empty."""

    def stop(self) -> None:
        """There is nothing more to come, whatever the reason."""


class Rows(Progress):
    """One row per measurement, as text, with the way that the objective has gone lately."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self.stream = stream or sys.stderr
        self.headed = False
        self.steps = 0  # where rows are counted in steps: how many there are in all
        self.weights: dict[str, float] = {}
        self.way: list[float] = []

    def start(self, trainer: Trainer, folder: RunFolder) -> None:
        self.weights = trainer.network.objective
        self.steps = trainer.steps if trainer.interval % trainer.per_epoch else 0
        self.way = [self._objective(row) for row in folder.rows()]

    def row(self, row: dict[str, Any]) -> None:
        self.way.append(self._objective(row))
        cells = [*cells_of(row, self.steps), *self._trend()]
        if not self.headed:
            self.write("  ".join(name.rjust(width) for name, _, width in cells))
            self.headed = True
        self.write("  ".join(text.rjust(width) for _, text, width in cells).rstrip())

    def _objective(self, row: dict[str, Any]) -> float:
        """What is minimised, as in `by_name`; files have null where it is not a number."""
        part = row["val" if "val" in row else "train"]
        return objective_of({name: math.nan if x is None else x for name, x in part.items()}, self.weights)

    def _trend(self) -> list[tuple[str, str, int]]:
        """The column of the sparkline, if the stream can show one."""
        encoding = getattr(self.stream, "encoding", None) or "ascii"
        try:
            LEVELS.encode(encoding)
        except (UnicodeEncodeError, LookupError):
            return []
        return [("trend", sparkline(self.way[-WIDTH:]).ljust(WIDTH), WIDTH)]

    def note(self, text: str) -> None:
        if text:
            self.write(f"note: {text}")

    def write(self, line: str) -> None:
        print(line, file=self.stream, flush=True)


class Bar(Rows):
    """Rows, with a live bar beneath them; for a terminal only."""

    REFRESH = 0.1  # seconds

    def __init__(self) -> None:
        super().__init__()
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

        self.console = Console(file=self.stream, highlight=False)
        columns = (
            TextColumn("{task.description}"),
            BarColumn(bar_width=None),
            TextColumn("loss {task.fields[loss]:.4f}"),
            TextColumn("lr {task.fields[lr]:.1e}"),
            TextColumn("{task.fields[speed]:,.0f} ex/s"),
            TimeRemainingColumn(compact=True),
        )
        self.bar = Progress(*columns, console=self.console, transient=True, refresh_per_second=5)
        self.task: Any = None
        self.shown = 0.0
        self.examples, self.since = 0, time.monotonic()

    def start(self, trainer: Trainer, folder: RunFolder) -> None:
        super().start(trainer, folder)
        self.task = self.bar.add_task("", total=trainer.steps, completed=trainer.step, loss=0.0, lr=0.0, speed=0.0)
        self.bar.start()

    def step(self, trainer: Trainer, examples: int) -> None:
        self.examples += examples
        now = time.monotonic()
        if now - self.shown < self.REFRESH:
            return
        self.shown = now
        speed = self.examples / max(now - self.since, 1e-9)
        self.bar.update(
            self.task, completed=trainer.step, loss=trainer.loss, lr=trainer.rate_of(trainer.step), speed=speed,
            description=f"epoch {min(trainer.epoch + 1, trainer.epochs)}/{trainer.epochs}",
        )  # fmt: skip

    def write(self, line: str) -> None:
        self.console.print(line, markup=False, soft_wrap=True)

    def stop(self) -> None:
        self.bar.stop()


class Events(Progress):
    """A line of JSON for each thing that happens, for scripts."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self.stream = stream or sys.stdout

    def start(self, trainer: Trainer, folder: RunFolder) -> None:
        parameters = sum(p.size for p in trainer.network.params.values())
        self.tell("start", run=str(folder.path), step=trainer.step, steps=trainer.steps, parameters=parameters)

    def row(self, row: dict[str, Any]) -> None:
        self.tell("row", **row)

    def note(self, text: str) -> None:
        if text:
            self.tell("note", text=text)

    def tell(self, event: str, **what: Any) -> None:
        print(as_json({"event": event, **what}), file=self.stream, flush=True)


def sparkline(values: list[float]) -> str:
    """Values as heights between their least and greatest; a blank where one is not finite."""
    finite = [value for value in values if math.isfinite(value)]
    low, high = min(finite, default=0.0), max(finite, default=0.0)
    return "".join(_level(value, low, high) for value in values)


def _level(value: float, low: float, high: float) -> str:
    if not math.isfinite(value):
        return " "
    return LEVELS[round((value - low) / (high - low) * (len(LEVELS) - 1))] if high > low else LEVELS[0]


def cells_of(row: dict[str, Any], steps: int = 0) -> list[tuple[str, str, int]]:
    """The columns of one row: heading, text, width; counted in steps, of so many, where these are given."""
    cells = [("epoch", f"{row['epoch']}/{row['epochs']}", 9)]
    if steps:
        cells = [("step", f"{row['step']}/{steps}", max(9, 2 * len(str(steps)) + 1))]
    for part in PARTS:
        for name, value in row.get(part, {}).items():
            if not isinstance(value, list):  # a matrix is for the end
                cells.append((f"{part}.{name}", _number(value), max(9, len(part) + len(name) + 1)))
    cells.append(("lr", f"{row['lr']:.1e}", 8))
    cells.append(("examples/s", f"{row['examples_per_second']:,.0f}", 10))
    cells.append(("left", clock(row["seconds_left"]), 7))
    return cells


def _number(value: float) -> str:
    return f"{value:.4f}" if math.isfinite(value) and abs(value) < 1e4 else f"{value:.3e}"


def clock(seconds: float) -> str:
    """Seconds as m:ss or h:mm:ss."""
    minutes, second = divmod(round(seconds), 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours}:{minute:02}:{second:02}" if hours else f"{minute}:{second:02}"


def for_terminal() -> Progress:
    """A bar on a terminal, otherwise rows."""
    return Bar() if sys.stderr.isatty() else Rows()
