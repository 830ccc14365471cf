"""The precision lint: a block in float32 beside the same block in extended precision, at ordinary and extreme points.

Both runs are given exactly the same numbers, so that whatever they differ by was lost on the way. An error is counted
in units in the last place (ULP): the step between float32 numbers as large as the largest entry of the tensor, plus
what such a step in the inputs, and storing in float32 what forward saves, does to the tensor. That second part is the
problem's own, and no algorithm's fault (Higham 2002, Accuracy and Stability of Numerical Algorithms, §1.5 and 1.6).
Both runs follow the same formulas: what is wrong in exact arithmetic too is for the gradient check to find.
"""

from __future__ import annotations

import warnings
from dataclasses import asdict, dataclass, field
from typing import Any, NamedTuple

import numpy as np

from blockrun.core import Block

from .cases import Array, Arrays, Case, is_float
from .examples import find_cases, in_both_modes
from .kit import random_for

WIDE = (np.longdouble, np.float64)  # the first in which the block runs; the functions of LAPACK know only the second
DRAWS = 5  # examples for each point; their median counts, since in one a result may happen to vanish
MOVES = 2  # times that the inputs are moved by a step, to see what that does
LIMIT = 2.0**8  # ULP; above it 8 of the 24 bits of float32 are lost for no good reason
HALVINGS = 40
FLOAT32 = np.finfo(np.float32)


class Point(NamedTuple):
    """Where a block is looked at: its differentiable data inputs are `scale` times the example's plus `offset`."""

    scale: float = 1.0
    offset: float = 0.0

    def of(self, case: Case) -> Case:
        """The case there, in float32."""
        return _cast(case.changed(lambda x: self.scale * x + self.offset, _moving(case)), np.float32)

    def __str__(self) -> str:
        scale = f" times {self.scale:g}" if self.scale != 1 else ""
        return f"the example{scale}" + (f" {self.offset:+g}" if self.offset else "")


SCALES = (1.0, 1e-4, 1e-2, 1e2, 1e4)
OFFSETS = (1e3, -1e3, 1e4, -1e4)  # with the example as noise on top: there a difference of squares loses its digits
POINTS = (*(Point(scale=s) for s in SCALES), *(Point(offset=b) for b in OFFSETS))


@dataclass(frozen=True)
class PrecisionFinding:
    """Where float32 fails although the right number fits into it.

    `kind` is "overflow" (infinite, or not a number) or "cancellation" (digits lost). `tensor` is an output, or a
    gradient after a "d", and `index` its worst entry, with the number `got` there in float32 and the one `expected`
    from extended precision; `ulp` is the error as the module counts it, `inputs` the input entries that it comes
    from, and `point` where it was seen. An overflow is traced to where it begins on the way from 0 to that point.
    """

    kind: str
    tensor: str
    index: tuple[int, ...]
    got: float
    expected: float
    ulp: float
    inputs: str
    point: str
    block: str

    def __str__(self) -> str:
        numbers = f"{_entry(self.tensor, self.index)} is {self.got:.6g}, it should be {self.expected:.6g}"
        if self.kind == "overflow":
            return f"overflow: {numbers}; from {self.inputs} on, in {self.block}"
        return f"cancellation: {numbers}, {self.ulp:.1e} ULP; at {self.point}, {self.inputs}, in {self.block}"


@dataclass
class PrecisionReport:
    """How one block fares in float32.

    `forward` and `backward` are the errors of outputs and gradients in ULP at the worst point, each the median of a
    few draws, infinite for an overflow; `bits` is the length of the significand of the numbers compared with, and
    `points` how many points were compared, 0 for a block without examples.
    """

    block: str
    forward: float = 0.0
    backward: float = 0.0
    findings: list[PrecisionFinding] = field(default_factory=list)
    points: int = 0
    bits: int = 0

    @property
    def ok(self) -> bool:
        return not self.findings

    def knows(self, kind: str, tensor: str) -> bool:
        """Whether there is a finding of this kind about this tensor."""
        return any((f.kind, f.tensor) == (kind, tensor) for f in self.findings)

    def add(self, finding: PrecisionFinding) -> None:
        """Take in a finding; of those of one kind about one tensor the worst is kept."""
        for i, known in enumerate(self.findings):
            if (known.kind, known.tensor) == (finding.kind, finding.tensor):
                self.findings[i] = max(known, finding, key=lambda f: f.ulp)
                return
        self.findings.append(finding)

    def row(self, width: int) -> str:
        """A line of the table whose first column is `width` wide, and below it the findings."""
        verdict = ("ok" if self.ok else "FAILED") if self.points else "nothing to compare"
        line = f"{self.block:<{width}}  {self.forward:7.2f}  {self.backward:8.2f}  {self.points:6}  {verdict}"
        return "\n".join([line, *(f"  {finding}" for finding in self.findings)])

    def as_dict(self) -> dict[str, Any]:
        """Only lists, maps, strings, finite numbers and None, for JSON."""
        return _plain({**asdict(self), "ok": self.ok, "findings": [_plain(asdict(f)) for f in self.findings]})


@dataclass(frozen=True)
class Error:
    """How far one tensor is off at one draw, in ULP, infinite for an overflow; both numbers at its worst entry."""

    tensor: str
    ulp: float
    index: tuple[int, ...]
    got: float
    expected: float


Drawn = tuple[Error, Case]  # with the case in float32


def precision_report(cls: type[Block], seed: int = 0, name: str = "") -> PrecisionReport:
    """Compare a block class in float32 with extended precision, on its examples and on points made from them.

    What a block refuses at a point is left out. `name` is what the report calls the block, if not by its own name.
    """
    report = PrecisionReport(name or cls.name)
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            draws = [in_both_modes(find_cases(cls, random_for(cls, seed, i)).cases, seed) for i in range(DRAWS)]
        except Exception:
            return report  # `check_block` says what is wrong with the examples
        rng = random_for(cls, seed, DRAWS)
        for cases in zip(*draws, strict=False):
            wide = _widest(cases[0])
            report.bits = int(np.finfo(wide).nmant) + 1
            for point in POINTS:
                _look_at(point, cases, wide, rng, report)
    return report


def _widest(case: Case) -> Any:
    for dtype in WIDE:
        try:
            _run(_cast(case, dtype), {})
        except Exception:
            continue
        return dtype
    return WIDE[-1]


def _look_at(point: Point, cases: tuple[Case, ...], wide: Any, rng: np.random.Generator, to: PrecisionReport) -> None:
    """One point, at several draws of one case."""
    found: dict[str, list[Drawn]] = {}
    for case in map(point.of, cases):
        for error in errors(case, wide, rng):
            found.setdefault(error.tensor, []).append((error, case))
    to.points += bool(found)
    for drawn in found.values():
        error, case = _typical(drawn)
        if error.tensor in case.block.outputs:
            to.forward = max(to.forward, error.ulp)
        else:
            to.backward = max(to.backward, error.ulp)
        if error.ulp == np.inf and not to.knows("overflow", error.tensor):
            error, case = _onset(error, case, wide, rng)
            to.add(_finding("overflow", error, case, point))
        elif LIMIT < error.ulp < np.inf:
            to.add(_finding("cancellation", error, case, point))


def _finding(kind: str, error: Error, case: Case, point: Point) -> PrecisionFinding:
    numbers = (error.index, error.got, error.expected, error.ulp)
    return PrecisionFinding(kind, error.tensor, *numbers, _inputs(error, case), str(point), repr(case.block))


def _typical(drawn: list[Drawn]) -> Drawn:
    """The median error, or an overflow if there is one."""
    drawn = sorted(drawn, key=lambda pair: pair[0].ulp)
    return drawn[-1] if drawn[-1][0].ulp == np.inf else drawn[len(drawn) // 2]


def errors(case: Case, wide: Any, rng: np.random.Generator) -> list[Error]:
    """The error of every floating output and gradient of a case in float32; none if the block refuses its inputs.

    Where an output is rightly too large for float32 the gradients are not judged: what follows from it is lost.
    """
    try:
        exact = _cast(case, wide)
        outputs = exact.outputs()
        dy = {name: v.astype(np.float32) for name, v in exact.cotangents(rng, outputs).items()}
        got, right = _run(case, dy), _run(exact, dy)
        moved = [_run(_moved(exact, rng), dy, stored=True) for _ in range(MOVES)]
    except Exception:
        return []
    judged = outputs if any(_too_large(y).any() for y in outputs.values()) else right
    return [_error(name, got[name], right[name], [m[name] for m in moved]) for name in judged if is_float(right[name])]


def _error(tensor: str, got: Array, right: Array, moved: list[Array]) -> Error:
    fits = np.isfinite(right) & ~_too_large(right)
    gap = np.where(fits, np.where(np.isfinite(got), np.abs(got - right), np.inf), 0)
    if not gap.size:
        return Error(tensor, 0.0, (), 0.0, 0.0)
    largest = np.float32(np.abs(right).max(initial=0, where=fits))
    drift = [np.abs(m - right).max(initial=0, where=fits & np.isfinite(m)) for m in moved]
    step = max(np.spacing(largest), FLOAT32.tiny) + max(drift)  # below `tiny` float32 has fewer digits by design
    index = tuple(int(i) for i in np.unravel_index(np.argmax(gap), gap.shape))
    return Error(tensor, float(gap[index] / step), index, float(got[index]), float(right[index]))


def _too_large(x: Array) -> Array:
    return np.isfinite(x) & (np.abs(x) > FLOAT32.max)


def _run(case: Case, dy: Arrays, stored: bool = False) -> Arrays:
    """Outputs, and gradients after a "d"; with `stored`, backward gets what forward saved as float32 would hold it."""
    outputs, tape = case.start(check=False)
    if stored:
        tape.records = {k: record._replace(saved=_rounded(record.saved)) for k, record in tape.records.items()}
    gradients = case.finish(tape, {name: v.astype(outputs[name].dtype) for name, v in dy.items()})
    return {**outputs, **{f"d{name}": dx for name, dx in gradients.items()}}


def _rounded(saved: Any) -> Any:
    if isinstance(saved, tuple):
        return tuple(_rounded(part) for part in saved)
    return saved.astype(np.float32).astype(saved.dtype) if hasattr(saved, "dtype") and is_float(saved) else saved


def _cast(case: Case, dtype: Any) -> Case:
    return case.changed(lambda x: x.astype(dtype) if is_float(x) else x)


def _moved(case: Case, rng: np.random.Generator) -> Case:
    """Every floating input one step of float32 up or down."""
    return case.changed(lambda x: x * (1 + rng.choice((-1, 1), x.shape) * FLOAT32.eps) if is_float(x) else x)


def _moving(case: Case) -> tuple[str, ...]:
    return tuple(name for name in case.data if name in case.wrt)


def _onset(error: Error, case: Case, wide: Any, rng: np.random.Generator) -> Drawn:
    """The overflow of a tensor where it begins: as close to 0 as halving the way from there to `case` finds it."""
    low, high, first = 0.0, 1.0, (error, case)
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        at = Point(scale=middle).of(case)
        found = [e for e in errors(at, wide, rng) if e.tensor == error.tensor and e.ulp == np.inf]
        if found:
            high, first = middle, (found[0], at)
        else:
            low = middle
    return first


def _inputs(error: Error, case: Case) -> str:
    """The entry of each moving input that belongs to the worst entry of a tensor of its shape, or else its largest."""
    shown = []
    for name in _moving(case):
        x = case.arrays[name]
        same = x.ndim == len(error.index) and all(i < n for i, n in zip(error.index, x.shape, strict=True))
        index = error.index if same else tuple(int(i) for i in np.unravel_index(np.argmax(np.abs(x)), x.shape))
        shown.append(f"{_entry(name, index)} = {x[index]:.6g}")
    return ", ".join(shown)


def _entry(tensor: str, index: tuple[int, ...]) -> str:
    return f"{tensor}[{', '.join(map(str, index))}]" if index else tensor


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    return {k: None if isinstance(v, float) and not np.isfinite(v) else v for k, v in row.items()}
