"""The kit: every check on every case of a block, and the report of it."""

from __future__ import annotations

import sys
import time
import traceback
import warnings
import zlib
from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np

from blockrun.core import Block

from . import contract, declared, kinks, layouts, numbers, pieces, verdicts
from .cases import Case
from .examples import NoExample, find_cases, in_both_modes
from .numbers import Measured
from .report import Failure, Report

Check = Callable[[Case, np.random.Generator], Iterator[Failure | str | Measured]]

# In this order, so that the first one that fails is closest to the cause; a case ends there. To add a check, write
# a generator of findings and name it here.
CHECKS: tuple[Check, ...] = (
    declared.options_round_trip,
    contract.arguments_untouched,
    contract.executor_checks,
    contract.repeatable,
    contract.calls_in_between,
    numbers.gradients,
    contract.linear,
    contract.fewer_needs,
    contract.unused_outputs,
    contract.used_twice,
    layouts.input_layouts,
    layouts.gradient_layouts,
    numbers.float32,
    numbers.float64,
    numbers.dtype_of_the_graph,
    numbers.batch_of_one,
    numbers.empty_batch,
    pieces.pieces,
    pieces.large_batch,
    kinks.ties,
    kinks.zeros,
    numbers.large_inputs,
    declared.additive,
    declared.formula,
    declared.gradient_formulas,
)


class NoSuchCase(IndexError):
    """A block has fewer cases than the one asked for; the message says how many."""


def check_block(
    cls: type[Block], seed: int = 0, case: int | None = None, name: str = "", target: str = "", stop: bool = False
) -> Report:
    """Check a block class on its own examples, or on ones that are found by trying; `case` picks one of them.

    `name` is what the command line calls the block, the name of the class unless given, and `target` what it is told
    to find it, if more; `stop` ends it at the first case that fails. Nothing that the block does raises: it becomes a
    failure in the report. Raises `NoSuchCase`.
    """
    began = time.perf_counter()
    report = Report(name or cls.name, target=target or name or cls.name)
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        cases = _find(cls, seed, report)
        if case is not None and not report.failures and not 0 <= case < len(cases):
            raise NoSuchCase(f"{cls.name} has cases 0 to {len(cases) - 1}; there is no case {case}")
        for each in cases if case is None else cases[case : case + 1]:
            _check_case(each, report)
            if stop and report.failures:
                break
        _remark_on_what_was_not_seen(cases, report)
        if report.ok and (hint := pieces.suggestion(cases, seed)):
            report.note(hint)
    report.seconds = time.perf_counter() - began
    return report


def _find(cls: type[Block], seed: int, report: Report) -> list[Case]:
    try:
        found = find_cases(cls, random_for(cls, seed))
    except NoExample as error:
        fact = str(error)
    except Exception as error:
        fact = f"examples raised {_words(error, cls)}"
    else:
        for text in found.notes:
            report.note(text)
        return in_both_modes(found.cases, seed)
    report.add(Failure(fact, check="examples", reproduce=f"blockrun test {report.target} --seed {seed}"))
    return []


def random_for(cls: type[Block], *seeds: int) -> np.random.Generator:
    """A generator of its own for every block, so that one can be checked alone with the same numbers."""
    return np.random.default_rng([zlib.crc32(cls.name.encode()), *seeds])


def _check_case(case: Case, report: Report) -> None:
    """All checks on one case, up to the first that fails."""
    report.cases += 1
    for number, check in enumerate(CHECKS):
        rng = random_for(type(case.block), case.seed, case.number, number)
        failures = list(_failures(check, case, rng, report))
        for failure in failures:
            report.add(_signed(failure, check, case, report.target))
        if failures:
            return


def _failures(check: Check, case: Case, rng: np.random.Generator, report: Report) -> Iterator[Failure]:
    """The failures that a check finds; remarks and measurements go into the report on the way."""
    try:
        for found in check(case, rng):
            if isinstance(found, Failure):
                yield found
            elif isinstance(found, Measured):
                report.measure(found.tensor, found.error, found.vanishes)
            else:
                report.note(found)
    except Exception as error:
        tensor, guess = verdicts.of_error(error)
        yield Failure(_words(error, type(case.block)), tensor, guess)


def _words(error: Exception, cls: type[Block]) -> str:
    """An exception as a sentence: what a check added to it, what it is, and where in the block's file it was raised."""
    source = getattr(sys.modules.get(cls.__module__), "__file__", None)
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == source]
    circumstances = [note for note in getattr(error, "__notes__", ()) if note.startswith("with ")]
    sentence = " ".join([*circumstances, f"{type(error).__name__}: {error}"])
    return sentence + (f" ({source}:{lines[-1]})" if lines else "")


def _signed(failure: Failure, check: Check, case: Case, target: str) -> Failure:
    """The failure with the name of the check and what is needed to see it again."""
    name = check.__name__.replace("_", " ")
    command = f"blockrun test {target} --seed {case.seed} --case {case.number}"
    return replace(failure, check=name, block=repr(case.block), case=case.number, given=str(case), reproduce=command)


def _remark_on_what_was_not_seen(cases: list[Case], report: Report) -> None:
    """A gradient that is zero in every case says little; one that was never compared is a failure."""
    if report.failures:
        return
    for name in dict.fromkeys(f"d{name}" for case in cases for name in case.wrt):
        if name not in report.seen:
            report.add(Failure(f"{name} was never verified", name, "give examples away from kinks", check="gradients"))
        elif not report.seen[name]:
            report.note(f"{name} is zero in every case, and rightly; give an example where it is not, if there is one")
