"""Measures the kit: how many of the mutants of every block it kills, and which live. Run by `make mutants`."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before NumPy is imported: many small arrays, a process per mutant

import numpy as np

from blockrun.plugins.builtin import blockrun_blocks
from blockrun.plugins.testing import check_block, gradients

from . import document, pool, report
from .breaches import Breached, breached
from .build import build
from .equivalents import Equivalent, proof, read_all
from .generate import Mutant, mutants

Job = Mutant | Breached

KILLED, SURVIVED, STILLBORN = "killed", "survived", "stillborn"


@dataclass(frozen=True)
class Outcome:
    """What became of one mutant, by which check of the kit, and the proof if it is said to be equivalent."""

    job: Job
    result: str
    check: str = ""
    proof: Equivalent | None = None


def judge(job: Job) -> tuple[str, str]:
    """The result for one mutant, and the check that killed it."""
    try:
        cls = build(job) if isinstance(job, Mutant) else job.build()
    except Exception as error:
        return STILLBORN, repr(error)
    gradients.JACOBIAN_SIDE = 1  # no one reads the verdicts
    checked = check_block(cls, name=job.block, stop=True)
    return (SURVIVED, "") if checked.ok else (KILLED, checked.failures[0].check)


def jobs(names: Sequence[str]) -> list[Job]:
    """All mutants of the blocks `names`."""
    found: list[Job] = []
    for name in names:
        target = blockrun_blocks()[name]
        found += [*mutants(name, target), *breached(name, target)]
    return found


def sampled(found: list[Job], sample: int | None, seed: int) -> list[Job]:
    """A random sample of so many, or all."""
    if sample is None or sample >= len(found):
        return found
    chosen = np.random.default_rng(seed).choice(len(found), sample, replace=False)
    return [found[i] for i in sorted(chosen)]


def run(todo: Sequence[Job], workers: int) -> list[Outcome]:
    """The outcome for each job, in their order; shows how far it is."""
    known = read_all()
    outcomes: list[Any] = [None] * len(todo)
    began = time.monotonic()
    for count, (i, answer) in enumerate(pool.run_all(todo, judge, workers), 1):
        result, check = answer if isinstance(answer, tuple) else (answer, "")
        job = todo[i]
        outcomes[i] = Outcome(job, result, check, proof(job, known) if isinstance(job, Mutant) else None)
        if report.status(outcomes[i]) not in ("killed", "equivalent"):
            print(report.shown(outcomes[i]), file=sys.stderr)
        if count % 100 == 0 or count == len(todo):
            alive = sum(o is not None and o.result == SURVIVED and not o.proof for o in outcomes)
            left = (time.monotonic() - began) * (len(todo) / count - 1)
            print(f"{count}/{len(todo)} mutants, {alive} unexplained, about {left:.0f} s left", file=sys.stderr)
    return outcomes


def main(arguments: list[str] | None = None) -> int:
    """Exit code 0 if at least 99 % of what is not equivalent was killed, every breach among it, and all proofs hold."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("blocks", nargs="*", help="names of blocks; all unless given")
    parser.add_argument("--sample", type=int, help="a random sample of so many mutants")
    parser.add_argument("--seed", type=int, default=0, help="of the sample")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--write", action="store_true", help="write docs/mutants.md, for a run over all blocks")
    given = parser.parse_args(arguments)
    if given.write and given.blocks:
        parser.error("--write is for a run over all blocks")
    began = time.monotonic()
    names = given.blocks or list(blockrun_blocks())
    every = jobs(names)
    outcomes = run(sampled(every, given.sample, given.seed), given.workers)
    seconds = time.monotonic() - began
    print(report.summary(outcomes, seconds))
    if given.write:
        document.write(outcomes, seconds, len(every))
    return 0 if report.passes(outcomes) else 1


if __name__ == "__main__":
    sys.exit(main())
