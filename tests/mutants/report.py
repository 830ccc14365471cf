"""What a run found, in tables: the mutants by block and by operator, and those that live, line by line."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from .generate import Mutant

if TYPE_CHECKING:
    from .run import Outcome

COLUMNS = ("killed", "equivalent", "survived", "stillborn", "timed out", "crashed", "wrongly explained")
ENOUGH = 0.99  # of the mutants that are not equivalent


def status(outcome: Outcome) -> str:
    """The column that an outcome is counted in; a proof for a mutant that was killed is a mistake of ours."""
    if outcome.proof and outcome.result == "survived":
        return "equivalent"
    return "wrongly explained" if outcome.proof and outcome.proof.after != "*" else outcome.result


def score(outcomes: Sequence[Outcome]) -> float:
    """The share that was killed of the mutants that run and are not equivalent."""
    counts = Counter(map(status, outcomes))
    judged = len(outcomes) - counts["equivalent"] - counts["stillborn"]
    return counts["killed"] / judged if judged else 1.0


def passes(outcomes: Sequence[Outcome]) -> bool:
    """Whether enough were killed, all contract mutants among them, and no proof is wrong."""
    broken = [o for o in outcomes if not isinstance(o.job, Mutant) and status(o) != "killed"]
    return score(outcomes) >= ENOUGH and not broken and not any(status(o) == "wrongly explained" for o in outcomes)


def summary(outcomes: Sequence[Outcome], seconds: float) -> str:
    """All tables, the mutants that should not live, and the figures."""
    return "\n".join([_table("block", outcomes, lambda o: o.job.block), figures(outcomes, seconds)])


def figures(outcomes: Sequence[Outcome], seconds: float) -> str:
    """The mutants by operator and by the check that killed them, those that should not live, and how many do."""
    rewrites = [o for o in outcomes if isinstance(o.job, Mutant)]
    breaches = [o for o in outcomes if not isinstance(o.job, Mutant)]
    distinct = len({o.job.rewrite for o in rewrites if isinstance(o.job, Mutant)})
    parts = [
        _table("operator", rewrites, lambda o: o.job.operator if isinstance(o.job, Mutant) else ""),
        _table("killed by", [o for o in outcomes if o.check], lambda o: o.check),
        *[shown(o) for o in outcomes if status(o) not in ("killed", "equivalent", "stillborn")],
        f"{len(rewrites)} rewrites, {distinct} of them distinct: {_percent(rewrites)}",
        f"{len(breaches)} breaches of the contract: {_percent(breaches)}",
        f"{seconds:.0f} s",
    ]
    return "\n".join(parts)


def _percent(outcomes: Sequence[Outcome]) -> str:
    counts = Counter(map(status, outcomes))
    shown = ", ".join(f"{counts[name]} {name}" for name in COLUMNS if counts[name])
    return f"{shown}; {100 * score(outcomes):.2f} % of those that are not equivalent killed"


def _table(title: str, outcomes: Sequence[Outcome], key: Callable[[Outcome], str]) -> str:
    """A row for each value of `key`, a column for each status that occurs."""
    columns = [name for name in COLUMNS if any(status(o) == name for o in outcomes)]
    counts = Counter((key(o), status(o)) for o in outcomes)
    rows = [[title, "mutants", *columns]]
    for name in sorted({key(o) for o in outcomes}):
        numbers = [counts[name, column] for column in columns]
        rows.append([name, str(sum(numbers)), *(str(n or "") for n in numbers)])
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    padded = [[row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])] for row in rows]
    return "\n".join([*map("  ".join, padded), ""])


def shown(outcome: Outcome) -> str:
    """One mutant as `file:line`, what was there and what is there now, in the words of `proofs/`."""
    job = outcome.job
    if not isinstance(job, Mutant):
        return f"{status(outcome)}: {job.block}, {job.name} {outcome.check}\n"
    where = f"{status(outcome)} {outcome.check}: blocks/{job.file}:{job.line} ({job.operator})"
    return f"{where}\n{job.function}: {job.block}\n- {job.before}\n+ {job.after}\n"
