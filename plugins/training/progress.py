"""What is shown while training runs: one row per epoch, and on a terminal a bar that moves beneath them."""

from __future__ import annotations

import math
import sys
import time
from typing import TYPE_CHECKING, Any, TextIO

from .measured import PARTS

if TYPE_CHECKING:
    from .loop import Trainer


class Progress:
    """What the training loop tells; this one shows nothing."""

    def start(self, trainer: Trainer) -> None:
        """The first step is about to be taken."""

    def step(self, trainer: Trainer, examples: int) -> None:
        """A step was taken on a batch of `examples`."""

    def row(self, row: dict[str, Any]) -> None:
        """The run was measured; `row` is what the metrics record, and how fast it was."""

    def note(self, text: str) -> None:
        """Something worth knowing happened; nothing if `text` is empty."""

    def stop(self) -> None:
        """There is nothing more to come, whatever the reason."""


class Rows(Progress):
    """One row per epoch, as text."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self.stream = stream or sys.stderr
        self.headed = False

    def row(self, row: dict[str, Any]) -> None:
        cells = cells_of(row)
        if not self.headed:
            self.write("  ".join(name.rjust(width) for name, _, width in cells))
            self.headed = True
        self.write("  ".join(text.rjust(width) for _, text, width in cells))

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

    def start(self, trainer: Trainer) -> None:
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


def cells_of(row: dict[str, Any]) -> list[tuple[str, str, int]]:
    """The columns of one row: heading, text, width."""
    cells = [("epoch", f"{row['epoch']}/{row['epochs']}", 9)]
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
