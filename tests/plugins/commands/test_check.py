"""`blockrun check`: what it says of a file, that it writes nothing, and that its figures are those of training."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from blockrun.plugins.commands.main import main

DIGITS = str(Path(__file__).parents[3] / "configs" / "digits.yaml")
NET = """\
blockrun: 1
inputs: {x: [3], u: [2], y: [4]}
net:
  a: {block: linear, units: 4, in: x}
  loss: {block: sum_of_squares, in: [a, y]}
"""


@pytest.fixture
def check(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "net.yaml").write_text(NET)
    return lambda *arguments: CliRunner().invoke(main, ["check", *arguments])


def peak(arguments, folder):
    """The most memory that a command took, in bytes, as the operating system counts it."""
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    process = subprocess.Popen([sys.executable, "-m", "blockrun", *arguments], cwd=folder, **quiet)
    _, process.returncode, usage = os.wait4(process.pid, 0)
    assert process.returncode == 0
    return 1024 * usage.ru_maxrss


def test_warnings_shapes_and_where_the_loss_starts_are_shown(check):
    found = check("net.yaml")
    assert found.exit_code == 0
    assert "warning[W101]: input `u` is read by no node" in found.stdout
    assert "(N, 4)" in found.stdout
    assert "net.yaml: no errors, 1 warning\nstart    loss is " in found.stdout


def test_errors_are_those_of_the_file(check):
    found = check("net.yaml", "net.a.unit=3", "net.loss.in=x")
    assert found.exit_code == 2
    assert "E012" in found.stderr
    assert "E031" in found.stderr


def test_editors_get_a_line_for_each_finding_and_nothing_else(check):
    assert check("net.yaml", "--format", "gcc").stdout == (
        "net.yaml:2:18: warning: input `u` is read by no node; remove it, or wire it with `in` [W101]\n"
    )
    found = check("net.yaml", "net.a.unit=3", "--format", "gcc")
    assert found.exit_code == 2
    assert found.stdout == "command line:1:7: error: linear has no option `unit`; did you mean `units`? [E012]\n"
    rows = json.loads(check("net.yaml", "--format", "json").stdout)
    assert [(row["severity"], row["code"], row["line"], row["column"]) for row in rows] == [("warning", "W101", 2, 18)]


def test_nothing_is_written(check, tmp_path):
    assert check(DIGITS).exit_code == 0
    assert [path.name for path in tmp_path.iterdir()] == ["net.yaml"]


def test_the_loss_is_near_what_guessing_costs(check):
    """ln 10 = 2.303 for ten classes; the head starts small."""
    [start] = json.loads(check(DIGITS, "--json").stdout)["dry_run"]["starts"]
    assert start["chance"] == pytest.approx(2.302585, abs=1e-6)
    assert start["value"] == pytest.approx(start["chance"], rel=0.5)


@pytest.mark.parametrize("batch", [64, 1000])
def test_the_memory_is_what_training_takes_to_a_tenth(tmp_path, batch):
    override = f"data.train.batch={batch}"
    told = subprocess.run(
        [sys.executable, "-m", "blockrun", "check", DIGITS, override, "--json"],
        cwd=tmp_path, check=True, capture_output=True, text=True,
    )  # fmt: skip
    taken = peak(["train", DIGITS, override, "train.epochs=1"], tmp_path)
    assert json.loads(told.stdout)["dry_run"]["bytes"] == pytest.approx(taken, rel=0.1)


def test_a_batch_that_does_not_fit_in_memory_is_refused_before_it_is_tried(check, monkeypatch):
    from blockrun.plugins.reports import dry_run

    monkeypatch.setattr(dry_run, "_available", lambda: 1e6)
    found = check(DIGITS, "data.train.batch=3000")
    assert found.exit_code == 2
    assert "a step on a batch of 3000 would take about 0." in found.stderr
