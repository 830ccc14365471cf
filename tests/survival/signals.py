"""Signals at random times over a real run: it always goes on, and comes to the same bytes as one left alone."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from blockrun.plugins.training.folder import RunFolder, find_folder

from .resume import digests, write_data, write_network
from .scene import blockrun

CODES = {signal.SIGINT: 130, signal.SIGTERM: 143, signal.SIGKILL: -signal.SIGKILL}


class Campaign:
    """A run of `steps`, sent a signal each time it goes on until it is finished, and then anew."""

    def __init__(self, folder: Path, steps: int = 300, seed: int = 0) -> None:
        self.folder, self.random, self.count = folder, random.Random(seed), 0
        folder.mkdir(parents=True, exist_ok=True)
        write_data(folder)
        self.file = write_network(folder, "adam", "all", steps)
        began = time.monotonic()
        whole = blockrun("train", str(self.file), f"run.dir={folder / 'whole'}", "-q")
        assert whole.returncode == 0, whole.stderr
        self.seconds = time.monotonic() - began
        self.expected = digests(find_folder("latest", folder / "whole"))

    def signals(self, count: int, kinds: tuple[int, ...]) -> Iterator[tuple[str, str]]:
        """What each signal was, and what was wrong with how the process took it or with what the run came to."""
        sent = 0
        while sent < count:
            self.count += 1
            root = self.folder / f"run_{self.count}"
            while sent < count and not self._finished(root):
                found = self._one(root, self.random.choice(kinds), twice=self.random.random() < 0.2)
                if found is not None:
                    sent += 1
                    yield found
            self._to_the_end(root)
            same = digests(find_folder("latest", root)) == self.expected
            yield f"run {self.count} at its end", "" if same else "other bytes than when left alone"

    def _run(self, root: Path) -> RunFolder | None:
        return find_folder("latest", root) if list(root.glob("*/*/run.json")) else None

    def _finished(self, root: Path) -> bool:
        run = self._run(root)
        return run is not None and run.info["status"] == "finished"

    def _command(self, root: Path) -> list[str]:
        run = self._run(root)
        arguments = ["resume", str(run.path)] if run else ["train", str(self.file), f"run.dir={root}"]
        return [sys.executable, "-m", "blockrun", *arguments, "-q"]

    def _to_the_end(self, root: Path) -> None:
        if not self._finished(root):
            done = subprocess.run(self._command(root), capture_output=True, text=True, timeout=300, check=False)
            assert done.returncode == 0, done.stderr

    def _one(self, root: Path, signum: int, twice: bool) -> tuple[str, str] | None:
        """Start or go on, send one signal, or the same again at once, and look at how the process ended.

        None if it was finished before the signal.
        """
        process = subprocess.Popen(self._command(root), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        delay = self.random.uniform(0, self.seconds)
        with suppress(subprocess.TimeoutExpired):
            process.communicate(timeout=delay)
            return None
        started = self._is_training(root, process)
        for _ in range(1 + twice):
            process.send_signal(signum)
        began = time.monotonic()
        _, err = process.communicate(timeout=60)
        took = time.monotonic() - began
        name = f"{signal.Signals(signum).name}{' twice' if twice else ''} after {delay:.2f} s, gone in {took:.2f} s"
        return name, self._judge(process.returncode, err, signum, started)

    def _is_training(self, root: Path, process: subprocess.Popen[str]) -> bool:
        """Whether the process has its handlers: it is in the middle of a run that says so."""
        run = self._run(root)
        if process.poll() is not None or run is None or run.info["status"] != "running":
            return False
        lock = run.path / "lock"
        return lock.exists() and lock.read_text().strip() == str(process.pid)

    def _judge(self, code: int, err: str, signum: int, started: bool) -> str:
        if not started:  # the interpreter may still be loading, and its own handlers are at work
            return ""
        if code not in (0, CODES[signal.Signals(signum)]):
            return f"exit code {code}: {err.strip()[-300:]}"
        return "a traceback was shown" if "Traceback" in err else ""
