"""`python -m tests.diagnostics.run`: how well mistakes in network files are told, with a figure for each promise."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from blockrun.plugins.host import load_host

from . import circles, edges, hostile, mutated, shapes, slips

Cases = Iterable[tuple[str, str]]  # what was tried, and what was wrong then, "" if nothing
NEEDED = {"a word with one slip": 0.95, "a slip in a file": 0.95}  # of the cases; of all others, each


def campaigns(folder: Path, short: bool) -> dict[str, Callable[[], Cases]]:
    """What is tried, by name; a sample if `short`."""
    host = load_host(entry_points=False)
    return {
        "a file damaged at random": lambda: mutated.cases(folder, 60 if short else 1000, host),
        "a word with one slip": lambda: slips.cases(host, 0.02 if short else 1.0),
        "a slip in a file": lambda: slips.in_files(folder, 40 if short else 1000, host),
        "a hostile file": lambda: hostile.cases(host, 12 if short else 1),
        "a wire that leads back": lambda: circles.cases(200 if short else 10_000, host),
        "a node gone or given twice": lambda: edges.cases(host),
        "a wrong shape for a block": lambda: shapes.cases(host, 2 if short else shapes.WRONG),
    }


def tell(name: str, cases: Iterator[tuple[str, str]], show: int) -> bool:
    """Run one campaign and print its figure; returns whether it is good enough."""
    began, count, bad = time.monotonic(), 0, 0
    for what, problem in cases:
        count += 1
        bad += bool(problem)
        if problem and bad <= show:
            print(f"{name}: {what}: {problem}\n", file=sys.stderr, flush=True)
    good = (count - bad) / max(count, 1)
    print(f"{name:<28}{count:>8,} tried{bad:>7,} wrong{good:>9.2%}{time.monotonic() - began:>8.0f} s", flush=True)
    return count > 0 and good >= NEEDED.get(name, 1.0)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help="parts of the names of what to try (default: everything)")
    parser.add_argument("--short", action="store_true", help="a sample of each")
    parser.add_argument("--show", type=int, default=5, metavar="N", help="failures to print of each (default 5)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        chosen = campaigns(Path(folder), options.short).items()
        done = [
            tell(name, iter(cases()), options.show)
            for name, cases in chosen
            if not options.names or any(part in name for part in options.names)
        ]
    return 0 if done and all(done) else 1


if __name__ == "__main__":
    sys.exit(main())
