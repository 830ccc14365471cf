"""The scoreboard trains what is missing and nothing else, goes on where it stopped, and says what was not reached."""

import importlib
import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "benchmarks" / "scoreboard.py"
TASK = """\
blockrun: 1
inputs: {x: [3], t: [2]}
net:
  y:    {block: linear, units: 2}
  loss: {block: mean_squared_error, in: [y, t]}
data: {train: {source: synthetic, fields: {x: [3], t: [2]}, examples: 64, batch: 8}}
train: {steps: 20, evaluate: {steps: 20}, optimizer: sgd}
"""


class Board:
    """A scoreboard of its own with a small task."""

    def __init__(self, folder):
        self.folder, self.task = folder, folder / "small.yaml"
        self.task.write_text(TASK)

    def start(self, *arguments, into="a"):
        where = ["--results", self.folder / f"{into}.jsonl", "--runs", self.folder / into]
        command = [sys.executable, SCRIPT, *arguments, *where]
        return subprocess.Popen(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def run(self, *arguments, code=0, into="a"):
        process = self.start(*arguments, into=into)
        out, err = process.communicate(timeout=60)
        assert process.returncode == code, err
        return out, err

    def lines(self, into="a"):
        file = self.folder / f"{into}.jsonl"
        return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []

    def runs(self, into="a"):
        return sorted(path.parent for path in (self.folder / into).glob("*/*/run.json"))


@pytest.fixture
def board(tmp_path):
    return Board(tmp_path)


def test_what_is_finished_is_not_trained_again_and_what_is_missing_is(board):
    board.run(board.task, "--seeds", "1")
    first = board.lines()
    assert [line["seed"] for line in first] == [0]
    assert first[0]["results"]["loss"] > 0
    assert {"blockrun", "numpy", "python", "blas", "threads"} <= first[0]["environment"].keys()
    board.run(board.task, "--seeds", "2")
    assert board.lines()[0] == first[0]
    assert [line["seed"] for line in board.lines()] == [0, 1]
    assert len(board.runs()) == 2
    assert board.lines()[0]["results"] != board.lines()[1]["results"]


def test_results_of_another_network_file_do_not_count_unless_only_a_comment_is_different(board):
    board.run(board.task, "--seeds", "1")
    board.task.write_text("# The same.\n" + TASK)
    assert "trained again" not in board.run(board.task, "--seeds", "1")[1]
    board.task.write_text(TASK.replace("batch: 8", "batch: 4"))
    out, err = board.run(board.task, "--seeds", "1")
    assert "small, seed 0: its result is of another network file or other data; trained again" in err
    old, new = board.lines()
    assert old["network"] != new["network"]
    assert f"{new['results']['loss']:.2f} " in out


def test_a_run_that_was_stopped_goes_on_and_comes_to_what_it_would_have_come_to(board):
    board.task.write_text(TASK.replace("steps: 20, ", "steps: 6000, "))
    stopped = board.start(board.task, "--seeds", "1")
    while not any((run / "metrics.jsonl").exists() for run in board.runs()):
        assert stopped.poll() is None, stopped.communicate()
        time.sleep(0.002)
    stopped.send_signal(signal.SIGTERM)
    assert "interrupted at step" in stopped.communicate(timeout=60)[1]
    assert stopped.returncode == 143
    assert board.lines() == []
    board.run(board.task, "--seeds", "1")
    assert len(board.runs()) == 1
    assert len(json.loads((board.runs()[0] / "run.json").read_text())["resumed"]) == 1
    board.run(board.task, "--seeds", "1", into="b")
    assert board.lines("b")[0]["results"] == board.lines()[0]["results"]


def test_a_run_that_ended_without_its_line_is_written_down_and_not_trained_again(board):
    board.run(board.task, "--seeds", "1")
    lines = board.lines()
    (board.folder / "a.jsonl").unlink()
    board.run(board.task, "--seeds", "1")
    assert board.lines() == lines
    assert len(board.runs()) == 1


def test_files_that_are_not_there_are_named_with_the_way_to_them_and_the_other_tasks_are_run(board):
    _, err = board.run("gpt", board.task, "--seeds", "1", "--data", board.folder, code=6)
    assert f"{board.folder}/tinyshakespeare.txt is not there; save https://" in err
    assert [line["task"] for line in board.lines()] == ["small"]


def test_a_slip_in_the_name_of_a_task_is_put_right(board):
    assert "did you mean `digits`?" in board.run("digit", code=2)[1]


def test_results_stay_where_the_data_are_not_and_do_not_count_for_other_data(board):
    """Of the sunspots, with a table of 244 years that are made up."""
    header = ",".join(["year", *(f"lag{i}" for i in range(12, 0, -1)), "spots"])
    table = "\n".join([header, *(f"{1712 + i}" + ",50,60" * 6 + ",40" for i in range(244))])
    data = board.folder / "data"
    data.mkdir()
    (data / "sunspots.csv").write_text(table + "\n")
    board.run("sunspots", "--seeds", "1", "--data", data)
    assert "1 of 5" in board.run("sunspots", "--seeds", "1", "--data", data)[0]
    assert "sunspots.csv is not there" in board.run("sunspots", "--data", board.folder, code=6)[1]
    (data / "sunspots.csv").write_text(table.replace("40", "41") + "\n")
    assert "other data; trained again" in board.run("sunspots", "--seeds", "1", "--data", data)[1]
    old, new = board.lines()
    assert old["network"] == new["network"]
    assert old["data"] != new["data"]


@pytest.fixture
def modules(monkeypatch):
    monkeypatch.syspath_prepend(str(SCRIPT.parent))
    return [importlib.import_module(f"scoreboard_{name}") for name in ("tasks", "page")]


def results(*accuracies):
    environment = dict.fromkeys(("blockrun", "python", "numpy", "system", "machine"), "?") | {"blas": [], "threads": 1}
    line = {"parameters": 5, "seconds": 2.0, "environment": environment, "date": "2026-01-01"}
    return [line | {"seed": seed, "results": {"loss": 0, "accuracy": x}} for seed, x in enumerate(accuracies)]


def test_the_page_gives_mean_and_deviation_and_says_what_was_not_reached(modules):
    """The mean of 0.97, 0.98 and 0.99 is 0.98 and their deviation, over n − 1, 0.01."""
    tasks, page = modules
    digits = next(task for task in tasks.TASKS if task.name == "digits")
    text = page.page([(digits, results(0.97, 0.98, 0.99))])
    assert "| 98.00 ± 1.00 % | 3 of 5 |" in text
    assert "`digits` reached 98.00 ± 1.00 %, not ≥ 98.5 %." in text
    assert "`digits` was run with 3 of 5 seeds." in text
    assert "Everything was reached" in page.page([(digits, results(*[0.985] * 5))])
    assert "`digits` was not measured." in page.page([(digits, [])])


def test_a_loss_is_to_be_at_most_its_target(modules):
    tasks, _ = modules
    gpt = next(task for task in tasks.TASKS if task.name == "gpt")
    assert gpt.reached(1.88)
    assert not gpt.reached(1.89)


def test_every_task_has_its_network_file(modules):
    tasks, _ = modules
    assert {task.config for task in tasks.TASKS} - {ROOT / "configs/digits.yaml"} == {
        *(ROOT / "configs" / "scoreboard").glob("*.yaml")
    }
