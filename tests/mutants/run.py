"""Measures the kit: how many of the mutants of every block it kills, and which live. Run by `make mutants`."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before NumPy is imported: many small arrays, a process per mutant

import numpy as np

from blockrun.plugins.builtin import blockrun_blocks
from blockrun.plugins.testing import check_block, gradients, pieces

from . import document, pool, report
from .breaches import Breached, breached
from .build import build, shorten_pieces
from .equivalents import Equivalent, proof, read_all
from .generate import Mutant, mutants
from .memory import FILE, Known, Memory

Job = Mutant | Breached

SHORTER = (8, 2, 3)  # bits, one after another: pieces of several images, of one, of some rows
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
    pieces.MANY = 20  # examples are many where pieces are short
    for bits in SHORTER:
        shorten_pieces(bits)
        checked = check_block(cls, name=job.block, stop=True)
        if not checked.ok:
            return KILLED, checked.failures[0].check
    return SURVIVED, ""


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


def run(todo: Sequence[Job], workers: int, memory: Memory) -> list[Outcome]:
    """The outcome for each job, in their order; shows how far it is."""
    proofs = read_all()
    outcomes: dict[int, Outcome] = {}
    began = time.monotonic()
    for i, job in enumerate(todo):
        if known := memory.find(job):
            _take(outcomes, i, job, known, proofs)
    before = len(outcomes)
    if before:
        print(f"{before}/{len(todo)} mutants are known from earlier runs: {memory.file}", file=sys.stderr)
    waiting = [i for i in range(len(todo)) if i not in outcomes]
    for count, (at, answer) in enumerate(pool.run_all([todo[i] for i in waiting], judge, workers), 1):
        i = waiting[at]
        known = Known(*(answer if isinstance(answer, tuple) else (answer, "")))
        if isinstance(answer, tuple):
            memory.add(todo[i], known)
        _take(outcomes, i, todo[i], known, proofs)
        if count % 100 == 0 or count == len(waiting):
            alive = sum(o.result == SURVIVED and not o.proof for o in outcomes.values())
            left = (time.monotonic() - began) * (len(waiting) / count - 1)
            print(f"{before + count}/{len(todo)} mutants, {alive} unexplained, {left:.0f} s left", file=sys.stderr)
    return [outcomes[i] for i in range(len(todo))]


def _take(outcomes: dict[int, Outcome], i: int, job: Job, known: Known, proofs: list[Equivalent]) -> None:
    """The outcome for one job, shown if the mutant should not live."""
    outcomes[i] = Outcome(job, *known, proof(job, proofs) if isinstance(job, Mutant) else None)
    if report.status(outcomes[i]) not in ("killed", "equivalent"):
        print(report.shown(outcomes[i]), file=sys.stderr)


def main(arguments: list[str] | None = None) -> int:
    """Exit code 0 if at least 99 % of what is not equivalent was killed, every breach among it, and all proofs hold."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("blocks", nargs="*", help="names of blocks; all unless given")
    parser.add_argument("--sample", type=int, help="a random sample of so many mutants")
    parser.add_argument("--seed", type=int, default=0, help="of the sample")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--fresh", action="store_true", help="forget what is known from earlier runs")
    parser.add_argument("--write", action="store_true", help="write docs/mutants.md, for a run over all blocks")
    given = parser.parse_args(arguments)
    if given.write and given.blocks:
        parser.error("--write is for a run over all blocks")
    began = time.monotonic()
    names = given.blocks or list(blockrun_blocks())
    every = jobs(names)
    if given.fresh:
        FILE.unlink(missing_ok=True)
    outcomes = run(sampled(every, given.sample, given.seed), given.workers, Memory())
    seconds = time.monotonic() - began
    print(report.summary(outcomes, seconds))
    if given.write:
        document.write(outcomes, seconds, len(every))
    return 0 if report.passes(outcomes) else 1


if __name__ == "__main__":
    sys.exit(main())
