"""Too little memory, too many processes at once, and very many steps."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from blockrun.plugins.network import load
from blockrun.plugins.training.folder import open_folder
from blockrun.plugins.training.loop import Trainer

from .resume import HOST, digests, write_data, write_network
from .scene import Scene, resume_command

WITHIN = """
import resource, sys
from blockrun.plugins.commands.main import main
from blockrun.plugins.training import run

def limited(session):
    size = next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmSize"))
    resource.setrlimit(resource.RLIMIT_AS, ((size + int(sys.argv[1])) * 1024,) * 2)
    return go_on(session)

go_on, run._go_on = run._go_on, limited
main(["resume", sys.argv[2], "-q"])
"""


def memory_ladder(folder: Path, rungs: int = 20) -> Iterator[tuple[str, str]]:
    """Go on with a run that takes some megabytes a step, when it may take ever less: it says so, or it manages."""
    scene = Scene(folder, units=20_000)
    for rung in range(rungs):
        run, room = scene.copy(), 1000 * rung
        done = subprocess.run(
            [sys.executable, "-c", WITHIN, str(room), run.path],
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        said = "there is not enough memory" in done.stderr if done.returncode else not done.stderr
        wrong = (
            "" if said and done.returncode in (0, 7) else f"exit code {done.returncode}: {done.stderr.strip()[-300:]}"
        )
        yield f"{room} kB left, exit code {done.returncode}", wrong or scene.wrong_with(run)


def starts(scene: Scene, count: int) -> Iterator[tuple[str, str]]:
    """So many processes go on with one run at once: one does, the others say which, and its bytes are right."""
    run = scene.copy()
    command = [sys.executable, "-m", "blockrun", *resume_command(run)]
    processes = [
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(count)
    ]
    ended = [(*process.communicate(), process.returncode) for process in processes]
    winners = [code for _, _, code in ended if code == 0]
    for _, err, code in ended:
        refused = code == 7 and ("is being trained by process" in err or "is finished" in err)
        yield f"exit code {code}", "" if code == 0 or refused else err.strip()[-300:]
    yield f"{count} starts", "" if len(winners) == 1 else f"{len(winners)} of them trained"
    yield "the run they left", "" if digests(open_folder(run.path)) == scene.expected else "other bytes"


def folders(folder: Path, count: int) -> Iterator[tuple[str, str]]:
    """So many runs begin at once: each has a folder of its own."""
    folder.mkdir(parents=True, exist_ok=True)
    write_data(folder)
    file = write_network(folder, "sgd", "plain", 2)
    command = [sys.executable, "-m", "blockrun", "train", str(file), f"run.dir={folder / 'many'}", "-q"]
    processes = [subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) for _ in range(count)]
    for process in processes:
        _, err = process.communicate()
        yield "a start", "" if process.returncode == 0 else err.decode()[-300:]
    made = list((folder / "many").glob("*/*/run.json"))
    yield f"{count} starts", "" if len(made) == count else f"{len(made)} folders"


def soak(folder: Path, steps: int) -> Iterator[tuple[str, str]]:
    """So many steps of a tiny net: memory, open files and threads stay as they are over the second half.

    The thread that reads ahead takes some two thousand steps until the arena of its allocator is as large as it gets.
    """
    folder.mkdir(parents=True, exist_ok=True)
    write_data(folder)
    trainer = Trainer(load(write_network(folder, "adam", "average", steps), host=HOST))
    half, last = steps // 2, steps - 1  # after the last one there is no thread any more
    before, after = (_resources() for _ in trainer.walk() if trainer.step in (half, last))
    per_thousand = (after[0] - before[0]) / (0.5 * steps / 1000)
    yield f"{steps} steps: {per_thousand:.3f} kB per 1000", "" if per_thousand <= 1 else f"{before} then {after}"
    yield "open files and threads", "" if before[1:] == after[1:] else f"{before} then {after}"


def _resources() -> tuple[int, int, int]:
    """Kilobytes in memory, open files, threads."""
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return int(status["VmRSS"].split()[0]), len(os.listdir("/proc/self/fd")), int(status["Threads"])
