"""`blockrun runs`: every folder is a row, whatever became of it."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from blockrun.plugins.commands.main import main


def write(name, id, text):
    folder = Path("runs") / name / id
    folder.mkdir(parents=True)
    (folder / "run.json").write_text(text if isinstance(text, str) else json.dumps({"format": 1, **text}))
    return folder


@pytest.fixture
def runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return lambda *arguments: CliRunner().invoke(main, ["runs", *arguments])


@pytest.fixture
def three(runs):
    done = {"status": "finished", "started": "2026-01-02T03:04:05+0000", "steps": 1500, "seconds": 12.34}
    write("b", "20260102-030405_aaaa", {**done, "results": {"loss": 0.123456, "accuracy": 0.5, "confusion": [[1]]}})
    write("a", "20260103-030405_bbbb", "{ cut off")
    late = write("a", "20260104-030405_cccc", {"status": "running"})
    (late / "metrics.jsonl").write_text('{"step": 5}\n{"step": 10}\n{"st')
    return runs


def test_the_newest_is_last_and_what_is_broken_is_a_row(three):
    found = three()
    assert found.exit_code == 0
    heading, first, broken, running = found.stdout.splitlines()
    assert heading.split() == ["id", "name", "status", "started", "steps", "seconds", "results"]
    shown = "20260102-030405_aaaa b finished 2026-01-02 03:04 1,500 12.3 loss 0.1235, accuracy 0.5"
    assert " ".join(first.split()) == shown
    assert broken.split()[:3] == ["20260103-030405_bbbb", "a", "broken"]
    assert "cannot be read" in broken
    assert running.split() == ["20260104-030405_cccc", "a", "running", "10"]


def test_programs_get_full_figures(three):
    first, broken, running = json.loads(three("--json").stdout)
    assert (first["results"], first["steps"]) == ({"loss": 0.123456, "accuracy": 0.5}, 1500)
    assert broken["status"] == "broken"
    assert "run.json" in broken["problem"]
    assert (running["steps"], running["results"]) == (10, {})


def test_a_name_chooses_and_nothing_is_no_error(three):
    assert [row["name"] for row in json.loads(three("a", "--json").stdout)] == ["a", "a"]
    found = three("c")
    assert (found.exit_code, found.stdout) == (0, "no run is called `c` in runs/; `blockrun train CFG` makes one\n")
    assert json.loads(three("c", "--json").stdout) == []
