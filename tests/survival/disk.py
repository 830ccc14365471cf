"""Disks that are full, and power that fails between what is written and what is safe."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain, combinations
from pathlib import Path
from typing import Any

import numpy as np

from blockrun.plugins.training.checkpoint import load_latest, save_rotating

from .scene import Scene, blockrun, resume_command

PAGE = 4096
SMALL, LARGE = "64k", "4m"


def why_not(folder: Path) -> str:
    """Why no small disk can be made here; "" if one can."""
    try:
        with small_disk(folder / "tried"):
            return ""
    except (OSError, subprocess.CalledProcessError) as error:
        return f"a tmpfs cannot be mounted here: {error}"


@contextmanager
def small_disk(folder: Path) -> Iterator[Path]:
    """A disk of 64 kB at `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    mount(folder, SMALL)
    try:
        yield folder
    finally:
        subprocess.run(["umount", folder], check=True)


def mount(folder: Path, size: str, remount: bool = False) -> None:
    options = f"size={size}" + (",remount" if remount else "")
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", folder], check=True, capture_output=True)


def full_disks(scene: Scene) -> Iterator[tuple[str, str]]:
    """Go on with a run on a disk with so many pages taken by something else, and again when there is room."""
    for pages in range(12):
        with small_disk(scene.folder / "disk") as disk:
            try:
                run = scene.copy(disk)
                (disk / "filler").write_bytes(bytes(pages * PAGE))
            except (OSError, shutil.Error):
                return  # the run itself does not fit any more
            done = blockrun(*resume_command(run))
            said = "" if done.returncode in (0, 7) else f"exit code {done.returncode}: {done.stderr.strip()[-300:]}"
            if done.returncode == 7 and "No space left on device" not in done.stderr:
                said = f"not what is wrong: {done.stderr.strip()[-300:]}"
            litter = [path.name for path in run.path.rglob("*.tmp")]
            said = said or (f"left over: {litter}" if litter else "")
            mount(disk, LARGE, remount=True)
            yield f"{pages} pages of 16 taken, exit code {done.returncode}", said or scene.wrong_with(run)


class Recorder:
    """What a save does to a folder: `operations` as tuples, a pending rename before the next sync of the folder."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.operations, self.files = folder, [], {}  # type: ignore[var-annotated]
        self.real = {name: getattr(os, name) for name in ("open", "replace", "fsync")}

    def __enter__(self) -> Recorder:
        for name in self.real:
            setattr(os, name, getattr(self, name))
        return self

    def __exit__(self, *exception: object) -> None:
        for name, function in self.real.items():
            setattr(os, name, function)

    def open(self, path: Any, flags: int, *mode: int) -> int:
        descriptor: int = self.real["open"](path, flags, *mode)
        self.files[descriptor] = Path(path)
        if flags & os.O_CREAT:
            self.operations.append(("create", Path(path).name))
        return descriptor

    def fsync(self, descriptor: int) -> None:
        self.real["fsync"](descriptor)
        path = self.files[descriptor]
        kind = ("sync folder",) if path == self.folder else ("sync", path.name, path.read_bytes())
        self.operations.append(kind)

    def replace(self, source: Any, target: Any) -> None:
        self.real["replace"](source, target)
        self.operations.append(("rename", Path(source).name, Path(target).name))


def power_losses(folder: Path) -> Iterator[tuple[str, str]]:
    """After each operation of a save, every set of those not yet safe lost, and torn data that are not yet safe."""
    disk, seen = folder / "disk", folder / "seen"
    disk.mkdir(parents=True)
    for step in (1, 2):
        save_rotating(disk, "last", {"w": np.full(99, step)}, {"step": step})
    before = {path.name: path.read_bytes() for path in disk.iterdir()}
    with Recorder(disk) as recorder:
        save_rotating(disk, "last", {"w": np.full(99, 3)}, {"step": 3})
    for end in range(len(recorder.operations) + 1):
        for lost, state in _states(before, recorder.operations[:end]):
            shutil.rmtree(seen, ignore_errors=True)
            seen.mkdir()
            for name, data in state.items():
                (seen / name).write_bytes(data)
            found = load_latest(seen, "last").about["step"]
            safe = 3 if ("sync folder",) in recorder.operations[:end] else 2
            yield f"after {end} operations, {lost}", "" if found >= safe else f"step {found}, {safe} was safe"


def _states(before: dict[str, bytes], operations: list[Any]) -> Iterator[tuple[str, dict[str, bytes]]]:
    """What may be found on the disk: the folder as last synced, with any of the changes to it since."""
    synced = max((i + 1 for i, operation in enumerate(operations) if operation[0] == "sync folder"), default=0)
    contents = {operation[1]: operation[2] for operation in operations if operation[0] == "sync"}
    pending = [i for i in range(synced, len(operations)) if operations[i][0] in ("create", "rename")]
    kept_sets = chain.from_iterable(combinations(pending, size) for size in range(len(pending) + 1))
    for kept in kept_sets:
        for torn in (b"", b"half a file", None):
            state = dict(before)
            for i, operation in enumerate(operations):
                if i < synced or i in kept:
                    _apply(state, operation, contents, torn)
            yield f"lost {[operations[i] for i in pending if i not in kept]}", state


def _apply(state: dict[str, bytes], operation: Any, contents: dict[str, bytes], torn: bytes | None) -> None:
    if operation[0] == "create":
        safe = contents.get(operation[1])
        state[operation[1]] = safe if safe is not None else torn if torn is not None else b""
    elif operation[0] == "rename" and operation[1] in state:
        state[operation[2]] = state.pop(operation[1])
