"""The run folder: its files, how a run is found again, and what is recorded of where it ran."""

from __future__ import annotations

import json
import secrets
import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from blockrun.plugins.errors import RunError, UsageError
from blockrun.plugins.suggest import closest, did_you_mean

from .files import sync_folder, write_atomic
from .lines import append_line, as_json, forget_after, read_lines

FORMAT = 1
LAST = "last"  # the name of the rolling checkpoint


@dataclass
class RunFolder:
    """One training run on disk. `info` is what `run.json` holds; `save_info` writes it.

    `checkpoint` is the one that is meant where the run is looked at: its last, or that of `RUN:name`.
    """

    path: Path
    info: dict[str, Any] = field(default_factory=dict)
    checkpoint: str = LAST

    @property
    def config(self) -> Path:
        return self.path / "cfg.yaml"

    @property
    def checkpoints(self) -> Path:
        return self.path / "checkpoints"

    @property
    def transforms(self) -> Path:
        """What transforms measured on the training part, where they did."""
        return self.path / "transforms.safetensors"

    @property
    def metrics(self) -> Path:
        return self.path / "metrics.jsonl"

    @property
    def times(self) -> Path:
        return self.path / "times.jsonl"

    def save_info(self, **changes: Any) -> None:
        """Change `run.json`, all or nothing."""
        self.info |= changes
        write_atomic(self.path / "run.json", (as_json(self.info, indent=2) + "\n").encode())

    def rows(self) -> list[dict[str, Any]]:
        """The metrics so far; a last line that was cut off by a crash is left out."""
        return read_lines(self.metrics)

    def append(self, row: dict[str, Any], times: dict[str, Any] | None = None) -> None:
        """Add one line to the metrics, and how long it took to their own file; on the disk when this returns.

        The metrics of two runs that compute the same are then the same bytes.
        """
        append_line(self.times, {"step": row["step"], **(times or {})})
        append_line(self.metrics, row)

    def forget_after(self, step: int) -> None:
        """Drop lines about steps that the checkpoint does not know of, so that none is written twice."""
        for file in (self.metrics, self.times):
            forget_after(file, step)


def create_folder(root: Path, name: str) -> RunFolder:
    """A new, empty run folder `<root>/<name>/<time>_<id>`; raises `RunError` if it cannot be made or written to."""
    stamp = time.strftime("%Y%m%d-%H%M%S")
    try:
        path = _new_folder(root / name, stamp)
        (path / "checkpoints").mkdir()
        for folder in (path, path.parent, root):
            sync_folder(folder)
    except OSError as error:
        fact = f"the run folder {root / name / stamp} cannot be made: {error.strerror or error}"
        raise RunError(fact, help="run.dir=FOLDER writes elsewhere") from None
    return RunFolder(path)


def _new_folder(parent: Path, stamp: str) -> Path:
    """Runs that start within one second differ by their ids, which may meet."""
    parent.mkdir(parents=True, exist_ok=True)
    while True:
        path = parent / f"{stamp}_{secrets.token_hex(2)}"
        try:
            path.mkdir()
        except FileExistsError:
            continue
        return path


def find_folder(run: str, root: Path = Path("runs"), checkpoint: str | None = None) -> RunFolder:
    """The run that `run` names: a folder, `latest`, a name, for the newest run called so, or the beginning of its id or
    time. `:checkpoint` after it, if not given by itself, is one of its checkpoints, and so is the path of its file.

    Raises `RunError` if there is none, or more than one, and `UsageError` if two checkpoints are named.
    """
    name, _, after = run.rpartition(":")
    if name and not Path(run).exists():
        if checkpoint is not None:
            raise UsageError(f"`{run}` and `{checkpoint}` both name a checkpoint", help="leave one of them out")
        run, checkpoint = name, after
    file = Path(run)
    if file.suffix == ".safetensors" and file.is_file() and (file.parents[1] / "run.json").exists():
        return replace(open_folder(file.parents[1]), checkpoint=file.stem)
    folder = _find(run, root)
    if checkpoint is None:
        return folder
    known = [path.stem for path in sorted(folder.checkpoints.glob("*.safetensors")) if "." not in path.stem]
    if checkpoint not in known:
        fact = f"{folder.path} has no checkpoint `{checkpoint}`"
        raise RunError(fact, help=did_you_mean(checkpoint, known, "it has") if known else "none was written yet")
    folder.checkpoint = checkpoint
    return folder


def _find(run: str, root: Path) -> RunFolder:
    if Path(run).is_dir() and (Path(run) / "run.json").exists():
        return open_folder(Path(run))
    known = run_folders(root)
    named = known if run == "latest" else [path for path in known if path.parent.name == run]
    if named:
        return open_folder(named[-1])
    matches = [p for p in known if run and (p.name.startswith(run) or p.name.partition("_")[2].startswith(run))]
    if len(matches) == 1:
        return open_folder(matches[0])
    if matches:
        raise RunError(f"`{run}` could be {len(matches)} runs: {', '.join(p.name for p in matches[:5])}")
    what = f"{run} is not a run folder: it has no run.json" if Path(run).exists() else f"there is no run `{run}`"
    raise RunError(what, help=_those_there_are(run, known, root))


def _those_there_are(run: str, known: list[Path], root: Path) -> str:
    if not known:
        return f"there are no runs in {root}/; `blockrun train` makes one"
    meant = closest(run, [path.parent.name for path in known])
    hint = f"did you mean `{meant}`? " if meant else ""
    return f"{hint}the latest are {', '.join(path.name for path in known[-3:])}"


def run_folders(root: Path) -> list[Path]:
    """The run folders under `root`, the newest last; nothing is said of whether they can be read."""
    return sorted((path.parent for path in root.glob("*/*/run.json")), key=_when)


def _when(path: Path) -> tuple[str, int]:
    """When a run began: the second in its name, and within that when its first file was written."""
    file = path / "cfg.yaml"
    return path.name.partition("_")[0], file.stat().st_mtime_ns if file.exists() else 0


def open_folder(path: Path) -> RunFolder:
    """Read `run.json`; raises `RunError` if it is not what a run folder holds."""
    file = path / "run.json"
    try:
        info = json.loads(file.read_text())
    except (OSError, ValueError) as error:
        raise RunError(f"{file} cannot be read: {error}") from None
    if not isinstance(info, dict) or not isinstance(info.get("format"), int):
        raise RunError(f"{file} does not describe a run")
    if info["format"] > FORMAT:
        raise RunError(f"{path} was written by a newer blockrun (run format {info['format']}; this one reads {FORMAT})")
    return RunFolder(path, info)
