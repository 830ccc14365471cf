"""Inspecting commands take a network file or a run."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from blockrun.plugins.commands.main import main

DIGITS = str(Path(__file__).parents[3] / "configs" / "digits.yaml")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with one short run in it."""
    path = tmp_path_factory.mktemp("runs")
    short = ("train.epochs=1", "data.train.batch=1000")
    done = CliRunner().invoke(main, ["train", DIGITS, *short, f"run.dir={path}/runs", "-q"])
    assert done.exit_code == 0, done.output
    return path


@pytest.mark.parametrize("command", ["summary", "graph"])
def test_a_run_is_shown_as_its_file_is(command, folder, monkeypatch):
    monkeypatch.chdir(folder)
    of_file = CliRunner().invoke(main, [command, DIGITS])
    of_run = CliRunner().invoke(main, [command, "latest"])
    assert of_file.exit_code == of_run.exit_code == 0
    assert of_run.stdout == of_file.stdout


def test_a_run_takes_no_overrides(folder, monkeypatch):
    monkeypatch.chdir(folder)
    done = CliRunner().invoke(main, ["summary", "latest", "net.conv1.channels=3"])
    assert done.exit_code == 2
    assert "a run is as it was" in done.stderr


def test_a_file_that_is_not_there_is_called_a_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert "there is no file nope.yaml" in CliRunner().invoke(main, ["summary", "nope.yaml"]).stderr
    assert "there is no run `nope`" in CliRunner().invoke(main, ["summary", "nope"]).stderr
