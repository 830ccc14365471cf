"""What checking a block found: plain data that turns into JSON, and the words in which it is shown."""

from __future__ import annotations

import math
from dataclasses import KW_ONLY, asdict, dataclass, field, replace
from typing import Any


@dataclass(frozen=True)
class Failure:
    """One broken promise of a block.

    `fact` is what was seen; `tensor` is the input, output or gradient concerned, `index` its worst entry with the
    value `got` and the value `expected`, and `guess` a likely cause. The rest is filled in by the kit: `check` is the
    check that found it, `case` the number of the first case that fails this way, `given` its inputs and mode, `also`
    the other cases; `reproduce` is the command that repeats it; `jacobian` shows both Jacobians.
    """

    fact: str
    tensor: str = ""
    guess: str = ""
    _: KW_ONLY
    check: str = ""
    index: tuple[int, ...] | None = None
    got: float | None = None
    expected: float | None = None
    block: str = ""
    case: int | None = None
    given: str = ""
    reproduce: str = ""
    jacobian: str = ""
    also: tuple[int, ...] = ()

    @property
    def ratio(self) -> float | None:
        """`got / expected`, None if there are no two numbers or the second is zero."""
        return None if self.got is None or not self.expected else self.got / self.expected + 0.0

    @property
    def kind(self) -> tuple[str, str]:
        """What makes two failures the same finding in two cases."""
        return (self.check, self.tensor)

    def as_dict(self) -> dict[str, Any]:
        """Only lists, strings, finite numbers and None, for JSON."""
        return {name: _finite(value) for name, value in {**asdict(self), "ratio": self.ratio}.items()}

    def __str__(self) -> str:
        case = "" if self.case is None else f"{self.case}: {self.given}"
        also = f"cases {', '.join(map(str, self.also))} fail too" if self.also else ""
        lines = {"block": self.block, "case": case, "": also, "worst": self.numbers()}
        lines |= {"guess": self.guess, "repeat": self.reproduce}
        table = [f"    {line}" for line in self.jacobian.splitlines()]
        return "\n".join([f"{self.check}: {self.fact}", *(f"  {k:<8}{v}" for k, v in lines.items() if v), *table])

    def numbers(self) -> str:
        """The worst entry, both numbers and their ratio in one line."""
        if self.got is None or self.expected is None:
            return ""
        at = f"{self.tensor}[{', '.join(map(str, self.index))}]" if self.index else self.tensor
        ratio = "" if self.ratio is None else f", ratio {self.ratio:.4g}"
        return f"{at}: {self.got:.6g}, but it should be {self.expected:.6g}{ratio}"


@dataclass
class Report:
    """The outcome for one block.

    `target` is what `blockrun test` is told to find it, `cases` how many were run, `worst_error` the largest relative
    error of a gradient that was found right, and `seen` the gradients that were compared, each with whether it was
    other than zero in some case.
    """

    block: str
    cases: int = 0
    failures: list[Failure] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    worst_error: float = 0.0
    seconds: float = 0.0
    seen: dict[str, bool] = field(default_factory=dict)
    target: str = ""

    @property
    def ok(self) -> bool:
        return not self.failures

    def add(self, failure: Failure) -> None:
        """Take in a failure; the same one in another case is only counted."""
        for i, known in enumerate(self.failures):
            if known.kind == failure.kind:
                self.failures[i] = replace(known, also=(*known.also, failure.case or 0))
                return
        self.failures.append(failure)

    def note(self, text: str) -> None:
        """Something worth knowing that is no failure, said once."""
        if text not in self.notes:
            self.notes.append(text)

    def measure(self, tensor: str, error: float, vanishes: bool) -> None:
        """Take in a gradient that agrees with differences to the relative error `error`."""
        self.worst_error = max(self.worst_error, error)
        self.seen[tensor] = self.seen.get(tensor, False) or not vanishes

    def as_dict(self) -> dict[str, Any]:
        """Only lists, maps, strings, finite numbers and None, for JSON."""
        return {**asdict(self), "ok": self.ok, "failures": [failure.as_dict() for failure in self.failures]}

    def __str__(self) -> str:
        return "\n".join(str(failure) for failure in self.failures)


def _finite(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value
