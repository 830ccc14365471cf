"""The precision lint: a block in float32 beside the same block in extended precision, at ordinary and extreme points.

Both runs are given exactly the same numbers, so that whatever they differ by was lost on the way. An error is counted
in units in the last place (ULP): the step between float32 numbers as large as the largest entry of the tensor, plus
what such a step in the inputs, and storing in float32 what forward saves, does to the tensor. The second part is the
problem's own and no algorithm's fault (Higham 2002, Accuracy and Stability of Numerical Algorithms, §1.5-1.6).
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, replace
from typing import Any, NamedTuple

import numpy as np

from blockrun.core import Block

from .cases import Array, Arrays, Case, is_float
from .contract import worst
from .examples import NoExample, find_cases, in_both_modes
from .kit import random_for
from .numbers import as_float32

WIDE = (np.longdouble, np.float64)  # the first in which the block runs: functions of LAPACK know no more than float64
DRAWS = 5  # examples for each point; their median counts, since one may sit where a result happens to vanish
MOVES = 2  # times that the inputs are moved by a step, to see what that does
LIMIT = 2.0**8  # ULP: above it, 8 of the 24 bits of float32 are lost for no good reason
HALVINGS = 40
FLOAT32 = np.finfo(np.float32)


class Point(NamedTuple):
    """Where a block is looked at: its differentiable data inputs become `scale` times the example's plus `offset`."""

    scale: float = 1.0
    offset: float = 0.0

    def of(self, case: Case) -> Case:
        """The case there, in float32."""
        return as_float32(case.changed(lambda x: self.scale * x + self.offset, _moving(case)))

    def __str__(self) -> str:
        shift = f" {self.offset:+g}" if self.offset else ""
        return f"the example{shift}" if self.scale == 1 else f"{self.scale:g} times the example{shift}"


SCALES = (1.0, 1e-4, 1e-2, 1e2, 1e4)
OFFSETS = (1e3, -1e3, 1e4, -1e4)  # with noise of about 1 on top: there a difference of squares loses its digits
POINTS = (*(Point(scale=s) for s in SCALES), *(Point(offset=b) for b in OFFSETS))


@dataclass(frozen=True)
class PrecisionFinding:
    """Where float32 fails although the right number fits it.

    `kind` is "overflow" (infinite or not a number) or "cancellation" (digits lost). `tensor` is an output, or a
    gradient after a "d", `index` its worst entry, `got` and `expected` the number there in float32 and in extended
    precision, `ulp` the error (see the module), `inputs` the entries that matter, and `point` where it was seen.
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
        entry = f"{self.tensor}[{', '.join(map(str, self.index))}]" if self.index else self.tensor
        numbers = f"{entry} is {self.got:.6g}, it should be {self.expected:.6g}"
        if self.kind == "overflow":
            return f"overflow: {numbers}; from {self.inputs} on, in {self.block}"
        return f"cancellation: {numbers}, {self.ulp:.1e} ULP off; at {self.point}, {self.inputs}, in {self.block}"


@dataclass
class PrecisionReport:
    """How one block fares in float32.

    `forward` and `backward` are the worst errors of outputs and gradients in ULP, each the median of a few draws at
    the worst point; `bits` is the length of the significand compared with, and `points` how many points were compared.
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

    def add(self, finding: PrecisionFinding) -> None:
        """Take in a finding; of those of one kind about one tensor the worst is kept."""
        for i, known in enumerate(self.findings):
            if (known.kind, known.tensor) == (finding.kind, finding.tensor):
                self.findings[i] = max(known, finding, key=lambda f: f.ulp)
                return
        self.findings.append(finding)

    def as_dict(self) -> dict[str, Any]:
        """Only lists, maps, strings, finite numbers and None, for JSON."""
        findings = [{k: _finite(v) for k, v in asdict(f).items()} for f in self.findings]
        return {**asdict(self), "findings": findings, "ok": self.ok}


class _Error(NamedTuple):
    """How far one tensor is off at one draw: in ULP, infinite for an overflow, with both numbers at the worst entry."""

    tensor: str
    ulp: float
    index: tuple[int, ...]
    got: float
    expected: float
    case: Case
    dy: Arrays


def precision_report(cls: type[Block], seed: int = 0, name: str = "") -> PrecisionReport:
    """Compare float32 with extended precision on the examples of a block class, and on points made from them.

    What a block refuses at an extreme point is left out; a block without examples has no points.
    """
    report = PrecisionReport(name or cls.name)
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            draws = [find_cases(cls, random_for(cls, seed, i)).cases for i in range(DRAWS)]
        except NoExample:
            return report
        rng = random_for(cls, seed, DRAWS)
        for cases in zip(*(in_both_modes(each, seed) for each in draws), strict=False):
            for point in POINTS:
                _look_at(point, cases, rng, report)
    return report


def _look_at(point: Point, cases: tuple[Case, ...], rng: np.random.Generator, report: PrecisionReport) -> None:
    """One point, at several draws of the same case."""
    found: dict[str, list[_Error]] = {}
    for case in cases:
        wide = _widest(case)
        report.bits = np.finfo(wide).nmant + 1
        for error in _compare(point.of(case), wide, rng):
            found.setdefault(error.tensor, []).append(error)
    report.points += bool(found)
    for errors in found.values():
        errors.sort(key=lambda e: e.ulp)
        error = errors[-1] if errors[-1].ulp == np.inf else errors[len(errors) // 2]
        which = "forward" if error.tensor in error.case.block.outputs else "backward"
        setattr(report, which, max(getattr(report, which), error.ulp))
        if error.ulp > LIMIT:
            report.add(_finding(error, point))


def _widest(case: Case) -> Any:
    for dtype in WIDE:
        try:
            _run(_cast(case, dtype), {})
            return dtype
        except Exception:
            continue
    return WIDE[-1]


def _compare(case: Case, wide: Any, rng: np.random.Generator) -> list[_Error]:
    """The error of every floating output and gradient of a case in float32; none if the block refuses its inputs."""
    try:
        exact = _cast(case, wide)
        outputs = exact.outputs()
        dy = {name: v.astype(np.float32) for name, v in exact.cotangents(rng, outputs).items()}
        right, got = _run(exact, dy), _run(case, dy)
        moved = [_run(_moved(exact, rng), _moved_arrays(dy, rng), stored=True) for _ in range(MOVES)]
    except Exception:
        return []
    judged = outputs if any(_too_large(y) for y in outputs.values()) else right  # what follows an overflow is lost too
    errors = {name: _error(got[name], right[name], [m[name] for m in moved]) for name in judged if is_float(right[name])}
    return [_Error(name, *error, case, dy) for name, error in errors.items()]


def _run(case: Case, dy: Arrays, stored: bool = False) -> Arrays:
    """Outputs, and gradients after a "d"; with `stored`, backward is given what forward saved rounded to float32."""
    outputs, tape = case.start(check=False)
    if stored:
        tape.records = {k: record._replace(saved=_rounded(record.saved)) for k, record in tape.records.items()}
    gradients = case.finish(tape, {name: v.astype(outputs[name].dtype) for name, v in dy.items()})
    return {**outputs, **{f"d{name}": dx for name, dx in gradients.items()}}


def _cast(case: Case, dtype: Any) -> Case:
    return case.changed(lambda x: x.astype(dtype) if is_float(x) else x)


def _rounded(saved: Any) -> Any:
    if isinstance(saved, tuple):
        return tuple(_rounded(part) for part in saved)
    return saved.astype(np.float32).astype(saved.dtype) if hasattr(saved, "dtype") and is_float(saved) else saved


def _moved(x: Array, rng: np.random.Generator) -> Array:
    """`x` with every entry one step up or down, in the steps of float32."""
    return x * (1 + rng.choice((-1, 1), x.shape) * FLOAT32.eps) if is_float(x) else x


def _error(got: Array, right: Array, moved: list[Array]) -> tuple[float, tuple[int, ...], float, float]:
    """In ULP, infinite if a number that fits float32 is not finite in it; the worst index, and both numbers there."""
    fits = np.isfinite(right) & ~_too_large(right)
    failed = fits & ~np.isfinite(got)
    gap = np.where(fits, np.abs(got - right), 0)
    if failed.any() or not gap.size:
        ...
