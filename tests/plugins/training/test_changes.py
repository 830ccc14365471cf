"""A run goes on only where its numbers will be what they would have been, unless its user says otherwise."""

import json
from contextlib import suppress

import numpy as np
import pytest
from click.testing import CliRunner

from blockrun.plugins.commands.main import main
from blockrun.plugins.errors import RunError
from blockrun.plugins.network import load
from blockrun.plugins.training.environment import CHANGES, environment
from blockrun.plugins.training.folder import find_folder
from blockrun.plugins.training.progress import Progress
from blockrun.plugins.training.run import resume, train

PLUGIN = """\
from blockrun.core import Block


class Same(Block):
    def forward(self, ctx, x):
        return x, None

    def backward(self, ctx, saved, dy):
        return dy
"""
NETWORK = """\
blockrun: 1
plugins: {local: [same.py]}
inputs: {x: [2], y: [1]}
net:
  same: same
  fc: {block: linear, units: 1}
  loss: {block: sum_of_squares, in: [fc, y]}
data: {train: {source: npz, path: data.npz, batch: 4}}
train: {epochs: 2, optimizer: {name: sgd, lr: 0.01}}
"""


class Stop(BaseException):
    pass


class StopAfter(Progress):
    def row(self, row):
        raise Stop


@pytest.fixture
def stopped(tmp_path):
    """A run that was stopped after its first epoch."""
    rng = np.random.default_rng(0)
    np.savez(tmp_path / "data.npz", x=rng.standard_normal((12, 2)), y=rng.standard_normal((12, 1)))
    (tmp_path / "same.py").write_text(PLUGIN)
    (tmp_path / "net.yaml").write_text(NETWORK)
    with suppress(Stop):
        train(load(tmp_path / "net.yaml", f"run.dir={tmp_path / 'runs'}"), StopAfter())
    return find_folder("latest", tmp_path / "runs")


def record(folder, **changes):
    """Let the run have been made somewhere else."""
    info = json.loads((folder.path / "run.json").read_text())
    info["environment"] |= changes
    (folder.path / "run.json").write_text(json.dumps(info))


def refused(folder, key, words):
    with pytest.raises(RunError) as caught:
        resume(folder)
    assert caught.value.exit_code == 7
    assert words in caught.value.message
    assert f"blockrun resume {folder.path} --allow-change {key} goes on" in caught.value.help.replace("`", "")
    assert find_folder(str(folder.path)).info["status"] == "failed"  # as before: nothing was touched
    run = resume(folder, allow=(key,))
    assert run.folder.info["status"] == "finished"
    assert run.folder.info["resumed"][-1]["changed"] == [key]


@pytest.mark.parametrize(
    ("key", "then"),
    [("numpy", "1.26.4"), ("blas", ["openblas 0.3.1 Haswell"]), ("machine", "sparc"), ("blockrun", "0")],
)
def test_another_library_or_machine_is_refused_and_may_be_allowed(stopped, key, then):
    record(stopped, **{key: then})
    shown = ", ".join(then) if isinstance(then, list) else then
    now = environment()[key]
    refused(stopped, key, f"was {shown} and is {', '.join(now) if isinstance(now, list) else now}")


def test_the_number_of_threads_is_set_to_what_it_was_and_refused_where_that_cannot_be(stopped):
    record(stopped, threads=100_000)
    refused(stopped, "threads", "the number of BLAS threads was 100000 and is ")


def test_a_network_file_that_was_changed_is_refused(stopped):
    stopped.config.write_text(NETWORK.replace("epochs: 2", "epochs: 3"))
    refused(stopped, "config", "the cfg.yaml of the run is not what it was")
    assert [row["step"] for row in stopped.rows()] == [3, 6, 9]


def test_a_local_plugin_that_was_changed_is_refused(stopped, tmp_path):
    (tmp_path / "same.py").write_text(PLUGIN + "\n# another comment\n")
    refused(stopped, "code", "the code of the local plugins is not what it was")


def test_data_of_another_length_are_refused(stopped, tmp_path):
    np.savez(tmp_path / "data.npz", x=np.ones((20, 2)), y=np.ones((20, 1)))
    refused(stopped, "data", "was 3 and 6 and is 5 and 10")


def test_several_changes_are_said_one_by_one_with_what_allows_all(stopped):
    record(stopped, numpy="1.0", machine="sparc")
    with pytest.raises(RunError) as caught:
        resume(stopped, allow=("machine",))
    assert "the version of NumPy" in caught.value.message
    assert "--allow-change machine --allow-change numpy" in caught.value.help


def test_another_python_is_no_change(stopped):
    record(stopped, python="3.99")
    assert resume(stopped).folder.info["resumed"][-1]["changed"] == []


def test_the_command_knows_what_may_change(stopped):
    shell = CliRunner()
    result = shell.invoke(main, ["resume", str(stopped.path), "--allow-change", "nunpy"])
    assert (result.exit_code, result.stdout) == (2, "")
    assert "did you mean `numpy`?" in result.stderr
    assert all(name in shell.invoke(main, ["resume", "--help"]).stdout for name in CHANGES)
    record(stopped, numpy="1.0")
    assert shell.invoke(main, ["resume", str(stopped.path), "-q"]).exit_code == 7
    assert shell.invoke(main, ["resume", str(stopped.path), "-q", "--allow-change", "numpy"]).exit_code == 0
