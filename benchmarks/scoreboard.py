"""The scoreboard: tasks trained from their network files over several seeds, and a page of what was reached.

A run that is finished is a line in a file of results and is not trained again; one that was interrupted is resumed. A
line counts as long as the network file and the data are what they were. With --results FILE, all is measured anew.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from scoreboard_page import page, summary
from scoreboard_tasks import ROOT, TASKS, Task

from blockrun.plugins.commands.guard import guard
from blockrun.plugins.errors import DataError, Diverged, RunError, UsageError
from blockrun.plugins.network import load
from blockrun.plugins.network.extends import read_file
from blockrun.plugins.suggest import did_you_mean
from blockrun.plugins.training.folder import RunFolder, open_folder
from blockrun.plugins.training.lines import append_line
from blockrun.plugins.training.progress import for_terminal
from blockrun.plugins.training.run import resume

RESULTS, PAGE = ROOT / "benchmarks/scoreboard.jsonl", ROOT / "benchmarks/scoreboard.md"

Line = dict[str, Any]


def main() -> int:
    options = _parser().parse_args()
    if options.list:
        for task in TASKS:
            print(f"{task.name:<20} {task.title}")
        return 0
    board = Board(options)
    chosen = [_task(name) for name in options.tasks] or list(TASKS)
    absent = []
    for task in chosen:
        if task.folder(options.data) is None:
            absent.append(task.missing(options.data))
            continue
        for seed in range(options.seeds or task.seeds):
            board.train(task, seed)
        print(summary(task, board.results(task)), flush=True)
    if options.write:
        PAGE.write_text(page([(task, board.results(task)) for task in TASKS]), encoding="utf-8")
        print(f"{PAGE} written")
    if absent:
        raise DataError("\n       ".join(absent), help="--data FOLDER looks for files in another folder")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tasks", nargs="*", metavar="TASK", help="a task, or a network file; all tasks unless given")
    parser.add_argument("--list", action="store_true", help="list the tasks")
    parser.add_argument("--seeds", type=int, help="how many seeds, from 0; those of the task unless given")
    parser.add_argument("--write", action="store_true", help=f"write {PAGE.relative_to(ROOT)}")
    parser.add_argument("--data", type=Path, default=ROOT / "data", metavar="FOLDER", help="where the data are")
    parser.add_argument("--results", type=Path, default=RESULTS, metavar="FILE", help="where results are kept")
    parser.add_argument("--runs", type=Path, default=ROOT / "runs/scoreboard", metavar="FOLDER", help="where runs are")
    parser.add_argument("--threads", type=int, help="BLAS threads; what blockrun chooses unless given")
    return parser


def _task(name: str) -> Task:
    """The task of that name; a network file is one without a target."""
    if name.endswith(".yaml"):
        return Task(Path(name).stem, Path(name).resolve(), seeds=5)
    known = {task.name: task for task in TASKS}
    if name not in known:
        raise UsageError(f"there is no task `{name}`", help=did_you_mean(name, known, "there are"))
    return known[name]


class Board:
    """The runs that are finished, and how to come by the others."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options
        self.lines: list[Line] = list(_read(options.results))
        self.digests: dict[str, tuple[str, str]] = {}

    def results(self, task: Task) -> list[Line]:
        """The finished runs of the task as its file and data are now, by seed; of any data where they are not here."""
        network, data = self.experiment(task)
        mine = [line for line in self.lines if line["task"] == task.name and line["network"] == network]
        found = {line["seed"]: line for line in mine if data in ("", line["data"])}
        return [found[seed] for seed in sorted(found)]

    def experiment(self, task: Task) -> tuple[str, str]:
        """What says which experiment a result is of: digests of its network file, without comments, and of its data."""
        if task.name not in self.digests:
            network = json.dumps(read_file(task.config).data, sort_keys=True, default=str).encode()
            folder = task.folder(self.options.data)
            files = [] if folder is None else [folder / file for file in task.files]
            data = b"".join(hashlib.sha256(file.read_bytes()).digest() for file in files)
            self.digests[task.name] = _short(network), _short(data) if files else ""
        return self.digests[task.name]

    def train(self, task: Task, seed: int) -> None:
        """Come by the result of one seed, if it is not there yet."""
        if any(line["seed"] == seed for line in self.results(task)):
            return
        if any(line["task"] == task.name and line["seed"] == seed for line in self.lines):
            _say(f"{task.name}, seed {seed}: its result is of another network file or other data; trained again")
        try:
            folder = self._begun(task, seed) or self._trained(task, seed)
        except Diverged as error:
            _say(f"{task.name}, seed {seed}: {error.message}")
            return
        line = self._line(task, seed, folder)
        append_line(self.options.results, line)
        self.lines.append(line)

    def _begun(self, task: Task, seed: int) -> RunFolder | None:
        """The run of this seed that was begun before, gone on with to its end; None if there is none, or it cannot."""
        for path in sorted((self.options.runs / self._name(task, seed)).glob("*/run.json"), reverse=True):
            folder = open_folder(path.parent)
            if folder.info["status"] == "finished":
                return folder
            _say(f"{task.name}, seed {seed}: goes on in {folder.path}")
            try:
                return resume(folder, progress=for_terminal()).folder
            except RunError as error:
                _say(f"{error.message}; begun anew")
        return None

    def _trained(self, task: Task, seed: int) -> RunFolder:
        where = [f"vars.folder={task.folder(self.options.data).resolve()}"] if task.files else []
        threads = [f"run.threads={self.options.threads}"] if self.options.threads else []
        run = [f"run.seed={seed}", f"run.dir={self.options.runs}", f"run.name={self._name(task, seed)}"]
        _say(f"{task.name}, seed {seed}")
        return load(task.config, *where, *threads, *run).fit(progress=for_terminal()).folder

    def _name(self, task: Task, seed: int) -> str:
        """Of runs of another file or other data the name is another, so that they are never gone on with."""
        return f"{task.name}-{seed}-{''.join(digest[:6] for digest in self.experiment(task))}"

    def _line(self, task: Task, seed: int, folder: RunFolder) -> Line:
        info = open_folder(folder.path).info
        kept = ("part", "results", "steps", "parameters", "seconds", "environment")
        network, data = self.experiment(task)
        about = {"task": task.name, "seed": seed, "network": network, "data": data, "date": time.strftime("%Y-%m-%d")}
        return about | {key: info[key] for key in kept}


def _read(path: Path) -> Iterator[Line]:
    for number, text in enumerate(path.read_text().splitlines() if path.exists() else (), start=1):
        try:
            yield json.loads(text)
        except ValueError:
            raise RunError(f"{path}, line {number}: is not JSON", help="delete the line; its run is kept") from None


def _short(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:16]


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(guard(main))
