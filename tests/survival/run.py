"""`python -m tests.survival.run`: everything that a run must survive, and a table of how often it did."""

from __future__ import annotations

import argparse
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from . import damage, disk, limits, syscalls
from .resume import FEATURES, OPTIMIZERS, compare, write_data
from .scene import Scene
from .signals import Campaign

Cases = Iterable[tuple[str, str]]  # what was done, and what was wrong then, "" if nothing


def resumed(folder: Path, steps: int) -> Iterator[tuple[str, str]]:
    """Every optimizer with every feature, stopped at every step but the last."""
    folder.mkdir(parents=True)
    write_data(folder)
    for optimizer in OPTIMIZERS:
        for features in FEATURES:
            for what, same in compare(folder, optimizer, features, steps + 1, range(1, steps + 1)):
                yield what, "" if same else "other bytes"


def stopped(folder: Path, count: int, *kinds: int) -> Iterator[tuple[str, str]]:
    """So many signals at random times, and the runs they were sent to."""
    yield from Campaign(folder).signals(count, kinds)


def campaigns(folder: Path, short: bool) -> dict[str, tuple[str, Callable[[], Cases]]]:
    """Name: (why it cannot be had here, what to run)."""
    few, scene = 10 if short else 1, lambda name: Scene(folder / name)
    ask, end = (signal.SIGINT, signal.SIGTERM), (signal.SIGKILL,)
    return {
        "stopped at a step, resumed": ("", lambda: resumed(folder / "resumed", 3 if short else 50)),
        "SIGKILL at a system call": (syscalls.why_not(), lambda: syscalls.kills(scene("kills"), few)),
        "ENOSPC, EIO at a system call": (syscalls.why_not(), lambda: syscalls.faults(scene("faults"), few)),
        "a full disk of 64 kB": (disk.why_not(folder), lambda: disk.full_disks(scene("full"))),
        "power lost during a save": ("", lambda: disk.power_losses(folder / "power")),
        "SIGINT, SIGTERM at random": (
            "",
            lambda: stopped(folder / "signals", 200 // few, *ask),
        ),
        "SIGKILL at random": ("", lambda: stopped(folder / "killed", 500 // few, *end)),
        "a byte flipped": ("", lambda: damage.flips(folder / "flips", few)),
        "a length truncated": ("", lambda: damage.truncations(folder / "cuts", few)),
        "mutated at random": ("", lambda: damage.fuzz(1_000_000 // few**2)),
        "made to mislead": ("", lambda: damage.hostile(folder / "hostile")),
        "too little memory": ("", lambda: limits.memory_ladder(folder / "memory", 20)),
        "processes on one run": ("", lambda: limits.starts(scene("starts"), 100 // few)),
        "runs begun at once": ("", lambda: limits.folders(folder / "folders", 100 // few)),
        "steps of a tiny net": ("", lambda: limits.soak(folder / "soak", 1_000_000 // few**2)),
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--short", action="store_true", help="a tenth of the cases")
    parser.add_argument("--only", default="", help="the campaigns whose names have this in them")
    options = parser.parse_args()
    failed = 0
    with tempfile.TemporaryDirectory() as name:
        for title, (reason, run) in campaigns(Path(name), options.short).items():
            if options.only not in title:
                continue
            if reason:
                print(f"{title:<30} skipped: {reason}", flush=True)
                continue
            began = time.monotonic()
            cases = list(run())
            wrong = [(what, said) for what, said in cases if said]
            failed += len(wrong)
            took = time.monotonic() - began
            print(f"{title:<30} {len(cases):>9,} cases, {len(wrong)} wrong, {took:.0f} s", flush=True)
            for what, said in wrong[:10]:
                print(f"    {what}: {said}", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
