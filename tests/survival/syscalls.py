"""Every system call that touches a run folder, made to kill the process or to fail, one at a time (SQLite's method)."""

from __future__ import annotations

import shutil
import subprocess
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from .scene import Scene, blockrun, resume_command

STRACE = shutil.which("strace")
FILES = ("", "run.json", "metrics.jsonl", "times.jsonl", "lock", "cfg.yaml", "checkpoints",
         "checkpoints/last.safetensors", "checkpoints/last.previous.safetensors")  # fmt: skip
FAILING = ("openat", "write", "fsync", "rename", "ftruncate", "unlink")


class Point(NamedTuple):
    """The `number`th time that a process makes the system call `name` on a file of the run."""

    name: str
    number: int


def why_not() -> str:
    """Why strace cannot be used here; "" if it can."""
    if STRACE is None:
        return "strace is not installed"
    tried = subprocess.run([STRACE, "-f", "-o", "/dev/null", "true"], capture_output=True, text=True, check=False)
    return "" if tried.returncode == 0 else f"strace does not work here: {tried.stderr.strip()[:200]}"


def _strace(run: Path, *options: str) -> list[str]:
    names = [name for file in FILES for name in (file, f"{file}.tmp")]
    return [str(STRACE), "-f", "-o", "/dev/null", *(f"-P{run / name}" for name in names), *options]


def points(scene: Scene) -> list[Point]:
    """All of them, of a run that goes on to its end, in no particular order."""
    run, log = scene.copy(), scene.folder / "strace.log"
    done = blockrun(*resume_command(run), before=[*_strace(run.path, "-e", "trace=all"), "-o", str(log)])
    assert done.returncode == 0, done.stderr
    lines = [line.split(maxsplit=1)[1] for line in log.read_text().splitlines()]
    counts = Counter(line.partition("(")[0] for line in lines if "(" in line)
    return [Point(name, number) for name in sorted(counts) for number in range(1, counts[name] + 1)]


def kill(scene: Scene, point: Point) -> str:
    """Kill a process that goes on with the run at `point`; what is wrong afterwards."""
    run = scene.copy()
    inject = f"inject={point.name}:signal=SIGKILL:when={point.number}"
    done = blockrun(*resume_command(run), before=_strace(run.path, "-e", f"trace={point.name}", "-e", inject))
    if done.returncode == 0:
        return "it was not killed"
    return scene.wrong_with(run)


def fail(scene: Scene, point: Point, error: str) -> str:
    """Let the system call at `point` fail with `error`; what is wrong with what is said, or afterwards."""
    run = scene.copy()
    inject = f"inject={point.name}:error={error}:when={point.number}"
    done = blockrun(*resume_command(run), before=_strace(run.path, "-e", f"trace={point.name}", "-e", inject))
    if "Traceback" in done.stderr or "internal error" in done.stderr or done.returncode not in (0, 2, 7):
        return f"exit code {done.returncode}: {done.stderr.strip()[-300:]}"
    litter = [path.name for path in run.path.rglob("*.tmp")]
    if litter and point.name != "unlink":
        return f"left over: {litter}"
    return scene.wrong_with(run)


def kills(scene: Scene, every: int = 1) -> Iterator[tuple[str, str]]:
    """What each kill was, and what was wrong after it, "" if nothing."""
    for point in points(scene)[::every]:
        yield f"SIGKILL at {point.name} {point.number}", kill(scene, point)


def faults(scene: Scene, every: int = 1) -> Iterator[tuple[str, str]]:
    """What each fault was, and what was wrong after it, "" if nothing."""
    chosen = [point for point in points(scene) if point.name in FAILING]
    cases = [(point, error) for point in chosen for error in ("ENOSPC", "EIO")]
    for point, error in cases[::every]:
        yield f"{error} at {point.name} {point.number}", fail(scene, point, error)
