"""How long the command line takes to answer: `blockrun --help`, `blocks` and `plugins`, as whole processes."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time

COMMANDS = (["--help"], ["blocks"], ["plugins"])
RUNS = 20


def seconds(arguments: list[str]) -> float:
    began = time.perf_counter()
    subprocess.run([sys.executable, "-m", "blockrun", *arguments], check=True, capture_output=True)
    return time.perf_counter() - began


def main() -> None:
    bare = statistics.median(_empty() for _ in range(RUNS))
    print(f"{'python -c pass':<20} {bare * 1000:6.0f} ms")
    for arguments in COMMANDS:
        times = sorted(seconds(arguments) for _ in range(RUNS))
        name = " ".join(["blockrun", *arguments])
        print(f"{name:<20} {statistics.median(times) * 1000:6.0f} ms (worst {times[-1] * 1000:.0f})")


def _empty() -> float:
    began = time.perf_counter()
    subprocess.run([sys.executable, "-c", "pass"], check=True)
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
