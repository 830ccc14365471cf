"""A small run that was cut short, to be copied, resumed under bad conditions, and compared with one that was not."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from blockrun.plugins.network import load
from blockrun.plugins.training.checkpoint import load_latest
from blockrun.plugins.training.folder import LAST, RunFolder, find_folder, open_folder
from blockrun.plugins.training.run import resume, train

from .resume import HOST, Killed, StopAt, digests, run_whole, write_data, write_network

STEPS, CUT = 9, 4  # rows after 3, 6 and 9


class Scene:
    """`folder` holds the data and the network; `cut` is a run that ended without notice after `CUT` steps."""

    def __init__(self, folder: Path, steps: int = STEPS, cut: int = CUT, units: int = 7) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self.count = folder, 0
        write_data(folder)
        self.file = write_network(folder, "adam", "all", steps, units)
        self.expected = digests(run_whole(self.file, folder / "whole"))
        with suppress(Killed):
            train(load(self.file, f"run.dir={folder / 'cut'}", host=HOST), StopAt(cut, killed=True))
        self.cut = find_folder("latest", folder / "cut")

    def copy(self, parent: Path | None = None) -> RunFolder:
        """A copy of the run that was cut short, in a folder of its own."""
        self.count += 1
        path = (parent or self.folder / "copies") / f"run_{self.count}"
        shutil.copytree(self.cut.path, path)
        return open_folder(path)

    def wrong_with(self, run: RunFolder) -> str:
        """Resume `run` and say what is not as it would be had nothing happened; "" if nothing is."""
        before = saved_step(self.cut)
        if any(run.checkpoints.glob(f"{LAST}*.safetensors")) and saved_step(run) < before:
            return f"the checkpoint is of step {saved_step(run)}, the one before was of step {before}"
        run = open_folder(run.path)
        if run.info["status"] != "finished":
            resume(run, HOST)
        if (found := digests(open_folder(run.path))) != self.expected:
            return f"other bytes: {[name for name in found if found[name] != self.expected[name]]}"
        litter = [path.name for path in run.path.rglob("*.tmp")]
        return f"left over: {litter}" if litter else ""


def saved_step(run: RunFolder) -> int:
    step: int = load_latest(run.checkpoints, LAST).about["progress"]["step"]
    return step


def blockrun(
    *arguments: str, before: Sequence[str] = (), timeout: float = 600, **options: object
) -> subprocess.CompletedProcess[str]:
    """Run the command line in a process of its own, as an argument of `before` if that is given."""
    command = [*before, sys.executable, "-m", "blockrun", *arguments]
    environment = {**os.environ, "BLOCKRUN_PLUGINS": ""}
    return subprocess.run(  # type: ignore[call-overload, no-any-return]
        command, env=environment, capture_output=True, text=True, timeout=timeout, check=False, **options
    )


def resume_command(run: RunFolder) -> tuple[str, ...]:
    return "resume", str(run.path), "-q"
