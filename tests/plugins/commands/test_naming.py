"""A run goes by its folder, its name, its id and `latest`, and a checkpoint after a colon, for every command."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from blockrun.plugins.commands.main import main
from blockrun.plugins.network import load
from blockrun.plugins.training.run import train

NET = """\
blockrun: 1
inputs: {x: [3], y: [1]}
net:
  fc: {block: linear, units: 1, in: x}
  loss: {block: mean_squared_error, in: [fc, y]}
data: {train: {source: synthetic, fields: {x: [3], y: [1]}, examples: 16, batch: 8}}
train: {minimize: loss, epochs: 2, optimizer: {name: sgd, lr: 0.1}}
callbacks: {best: {callback: keep_best, monitor: train.loss}}
"""
COMMANDS = {
    "eval": (), "predict": (), "report": (), "export": ("--to", "npz"), "summary": (), "graph": (), "diff": ("latest",),
}  # fmt: skip


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Two runs of one name, the newer last, and one of another between them."""
    folder = tmp_path_factory.mktemp("names")
    (folder / "first.yaml").write_text(NET)
    (folder / "other.yaml").write_text(NET)
    made = [train(load(folder / f"{n}.yaml", f"run.dir={folder}/runs")).folder for n in ("first", "other", "first")]
    return folder, [run.path for run in made]


@pytest.fixture
def here(runs, monkeypatch):
    monkeypatch.chdir(runs[0])
    return [path.relative_to(runs[0]) for path in runs[1]]


def run(*arguments):
    return CliRunner().invoke(main, arguments)


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("checkpoint", ["", ":best"])
def test_every_command_takes_every_kind_of_name(command, checkpoint, here):
    *_, newest = here
    for name in ("first", "latest", str(newest), newest.name, newest.name.partition("_")[2]):
        done = run(command, f"{name}{checkpoint}", *COMMANDS[command])
        assert done.exit_code == 0, done.output
    done = run(command, str(newest / "checkpoints" / "best.safetensors"), *COMMANDS[command])
    assert done.exit_code == 0, done.output
    assert run(command, f"other{checkpoint}", *COMMANDS[command]).exit_code == 0


def test_a_name_means_the_newest_run_that_is_called_so(here):
    _, other, newest = here
    assert str(newest) in run("eval", "first").stdout
    assert str(other) in run("eval", "other:best").stdout
    assert f"{newest} is finished" in run("resume", "first").stderr
    assert "goes on from its last checkpoint" in run("resume", "first:best").stderr


def test_a_slip_is_told_what_may_be_meant(here):
    wrong = run("eval", "frist")
    assert (wrong.exit_code, "there is no run `frist`" in wrong.stderr) == (7, True)
    assert "did you mean `first`?" in wrong.stderr
    wrong = run("eval", "first:bets")
    assert (wrong.exit_code, "did you mean `best`?" in wrong.stderr) == (7, True)
    wrong = run("eval", "20")
    assert (wrong.exit_code, "`20` could be 3 runs" in wrong.stderr) == (7, True)
    assert run("eval", "").exit_code == 7
    Path("empty").mkdir(exist_ok=True)
    assert "empty is not a run folder" in run("eval", "empty").stderr
