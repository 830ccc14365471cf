"""What checking a network found: plain data that turns into JSON, and the words in which it is shown."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from .report import Failure


@dataclass
class Verified:
    """What became of one variable: `error` is the worst relative error of a gradient that was found right.

    `verdict` is "ok", "FAILED", or "kink" where no point was found at which the objective is smooth.
    """

    name: str
    role: str
    shape: tuple[int, ...]
    error: float = 0.0
    verdict: str = "kink"
    zero: bool = True
    failure: Failure | None = None


@dataclass
class NetworkReport:
    """The outcome for one network. `nodes` are the nodes whose own gradient is wrong at the values they were given."""

    file: str
    seed: int
    examples: int
    variables: list[Verified] = field(default_factory=list)
    nodes: list[Failure] = field(default_factory=list)
    errors: list[Failure] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def ok(self) -> bool:
        return not self.errors and all(found.verdict == "ok" for found in self.variables)

    def as_dict(self) -> dict[str, Any]:
        """Only lists, maps, strings, finite numbers and None, for JSON."""
        variables = [{**asdict(v), "failure": v.failure and v.failure.as_dict()} for v in self.variables]
        failures = {key: [f.as_dict() for f in getattr(self, key)] for key in ("nodes", "errors")}
        return {**asdict(self), "ok": self.ok, "variables": variables, **failures}

    def __str__(self) -> str:
        cells = [_cells(found) for found in self.variables]
        widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
        rows = ["  ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)).rstrip() for row in cells]
        failures = [v.failure for v in self.variables if v.failure is not None]
        details = "\n".join(map(str, [*failures, *self.nodes, *self.errors]))
        lines = [*rows, *(f"  {line}".rstrip() for line in details.splitlines())]
        return "\n".join([*lines, *(f"note: {note}" for note in self.notes), self._summary()])

    def _summary(self) -> str:
        count, wrong = len(self.variables), sum(found.verdict != "ok" for found in self.variables)
        verdict = f"{count} gradients ok" if self.ok else f"{wrong} of {count} gradients FAILED"
        drawn = f"{self.examples} examples, seed {self.seed}, float64, training and evaluation"
        return f"{self.file}: {verdict} in {self.seconds:.1f} s ({drawn})"


def _cells(found: Verified) -> tuple[str, ...]:
    shape = ", ".join(map(str, found.shape)) + ("," if len(found.shape) == 1 else "")
    return found.name, found.role, f"({shape})", f"worst error {found.error:.1e}", found.verdict
