"""`train --init-from`: what another run learned goes where it fits, the rest is said, and resuming stays exact."""

import json
import os
import signal
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from blockrun.plugins.commands.main import main
from blockrun.plugins.errors import RunError, UsageError
from blockrun.plugins.network import load
from blockrun.plugins.training.checkpoint import load_checkpoint, load_latest
from blockrun.plugins.training.folder import LAST, find_folder
from blockrun.plugins.training.interrupt import Interrupted
from blockrun.plugins.training.progress import Progress
from blockrun.plugins.training.run import resume, train
from blockrun.plugins.training.start import start_from

REST = """\
  {out}: {{block: linear, units: {units}}}
  loss: {{block: softmax_cross_entropy, in: [{out}, label]}}
data:
  train: {{source: synthetic, fields: {{x: [6], label: {{below: 3}}}}, examples: 48, batch: 8}}
train: {{minimize: loss, epochs: {epochs}, average: 0.9, optimizer: {{name: adam, lr: 0.01}}}}
callbacks: {{best: {{callback: keep_best, monitor: train.loss}}}}
"""
OLD = """\
blockrun: 1
inputs: {x: [6], label: {shape: [], dtype: int64}}
templates: {half: {net: {fc: {block: linear, units: 5}, norm: batch_norm, act: relu}}}
net:
  encoder: {use: half}
""" + REST.format(out="logits", units=3, epochs=2)
NEW = """\
blockrun: 1
inputs: {x: [6], label: {shape: [], dtype: int64}}
templates: {half: {net: {fc: {block: linear, units: 5}, norm: batch_norm, act: relu, drop: dropout}}}
net:
  features: {use: half}
""" + REST.format(out="logits", units=4, epochs=3)


@pytest.fixture(scope="module")
def old(tmp_path_factory):
    folder = tmp_path_factory.mktemp("old")
    (folder / "old.yaml").write_text(OLD)
    return train(load(folder / "old.yaml", f"run.dir={folder}/runs")).folder


@pytest.fixture
def new(tmp_path):
    (tmp_path / "new.yaml").write_text(NEW)
    return lambda *overrides: load(tmp_path / "new.yaml", f"run.dir={tmp_path}/runs", *overrides)


MAP = "encoder/*=features/*"


def test_what_fits_is_loaded_and_the_rest_is_said(old, new):
    network = new()
    drawn = {**network.params, **network.state}
    start = start_from(network, str(old.path), [MAP])
    tensors, _ = load_checkpoint(old.checkpoints / "last.safetensors")
    names = ["fc.W", "fc.b", "norm.gamma", "norm.beta", "norm.mean", "norm.var"]
    assert start.loaded == {f"features/{name}": f"encoder/{name}" for name in names}
    for name in names:  # the average, as `eval` has it, and so not what the last step came to
        now = (network.params | network.state)[f"features/{name}"]
        assert now.tobytes() == tensors[f"average/encoder/{name}"].tobytes()
    assert start.averaged
    assert start.initial == ["logits.W", "logits.b"]
    assert all(network.params[name] is drawn[name] for name in start.initial)
    assert start.misfits == {"logits.W": ("logits.W", (3, 5), (4, 5)), "logits.b": ("logits.b", (3,), (4,))}
    assert start.unused == []


@pytest.mark.parametrize(
    ("maps", "loaded", "unused"),
    [
        (["encoder/fc.*=features/fc.*"], {"features/fc.W", "features/fc.b"}, 4),
        (["encoder/fc.W=features/fc.W"], {"features/fc.W"}, 5),
        (["encoder/norm.*=", MAP], {"features/fc.W", "features/fc.b"}, 4),
        (["*/fc.*=features/*.*"], set(), None),
        (["enc*/f*.W=feature*/*c.W"], set(), None),
    ],
)
def test_stars_stand_for_the_same_on_both_sides_and_the_first_map_counts(old, new, maps, loaded, unused):
    if unused is None:
        with pytest.raises(UsageError):
            start_from(new(), str(old.path), maps)
        return
    start = start_from(new(), str(old.path), maps)
    assert start.loaded.keys() == loaded
    assert len(start.unused) == unused


@pytest.mark.parametrize(
    ("maps", "words"),
    [
        ([], "nothing of .* fits .*new.yaml"),
        (["encodr/*=features/*"], r"`encodr/\*` fits nothing there"),
        (["encoder/*=features"], r"`encoder/\*` has 1 stars, `features` has 0"),
        (["encoder"], "must read old=new"),
        (["=a"], "must read old=new"),
        ([MAP, "logits.W=features/fc.W"], "would both be `features/fc.W`"),
    ],
)
def test_a_map_that_is_wrong_is_refused(old, new, maps, words):
    network = new()
    before = dict(network.params)
    with pytest.raises(UsageError, match=words) as error:
        start_from(network, str(old.path), maps)
    assert error.value.exit_code == 2
    assert all(network.params[name] is before[name] for name in before)


class Kill(Progress):
    def __init__(self, at):
        self.at = at

    def step(self, trainer, examples):
        if trainer.step == self.at:
            os.kill(os.getpid(), signal.SIGINT)


def everything(folder):
    return {name: x.tobytes() for name, x in load_latest(folder.checkpoints, LAST).tensors.items()}


@pytest.mark.parametrize("at", [1, 7])
def test_a_run_that_started_so_is_resumed_exactly(old, new, tmp_path, at):
    def begun(where, progress=None):
        network = new(f"run.dir={tmp_path / where}")
        return train(network, progress, start_from(network, f"{old.path}:best", [MAP]))

    whole = begun("whole").folder
    with pytest.raises(Interrupted):
        begun("cut", Kill(at))
    cut = resume(find_folder("latest", tmp_path / "cut")).folder
    assert everything(cut) == everything(whole)
    assert cut.metrics.read_bytes() == whole.metrics.read_bytes()


class Dies(Progress):
    """As if the process was killed as soon as training was to begin."""

    def start(self, trainer, folder):
        raise KeyboardInterrupt


def test_before_its_first_step_it_has_what_it_starts_from(old, new, tmp_path):
    """Although the run that it starts from is gone by then."""
    network = new(f"run.dir={tmp_path / 'whole'}")
    whole = train(network, None, start_from(network, str(old.path), [MAP])).folder
    network = new(f"run.dir={tmp_path / 'cut'}")
    with pytest.raises(KeyboardInterrupt):
        train(network, Dies(), start_from(network, str(old.path), [MAP]))
    cut = find_folder("latest", tmp_path / "cut")
    assert load_checkpoint(cut.checkpoints / "last.safetensors")[1]["progress"]["step"] == 0
    assert everything(resume(cut).folder) == everything(whole)


def test_if_even_that_was_not_written_it_is_not_begun_from_something_else(old, new, tmp_path):
    network = new()
    with pytest.raises(KeyboardInterrupt):
        train(network, Dies(), start_from(network, str(old.path), [MAP]))
    cut = find_folder("latest", tmp_path / "runs")
    (cut.checkpoints / "last.safetensors").unlink()
    with pytest.raises(RunError, match="before what it starts from was written"):
        resume(cut)


@pytest.mark.parametrize("name", ["{old}", "{old}:best", "{old}/checkpoints/best.safetensors", "latest", "old:best"])
def test_the_command_takes_every_name_and_writes_down_what_it_did(old, name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("runs").symlink_to(old.path.parents[1])
    Path("new.yaml").write_text(NEW)
    name = name.format(old=old.path) if name != "latest" else old.path.name  # there are others by now
    done = CliRunner().invoke(main, ["train", "new.yaml", "--init-from", name, "--map", MAP])
    assert done.exit_code == 0, done.output
    assert "loaded 6: features/fc.W from encoder/fc.W, features/fc.b from encoder/fc.b," in " ".join(
        done.stderr.split()
    )
    assert "initial 2: logits.W, logits.b" in done.stderr
    assert "other shape 2: logits.W (4, 5), there (3, 5), logits.b (4,), there (3,)" in " ".join(done.stderr.split())
    info = find_folder("new").info["init_from"]
    assert info["origin"].endswith("best.safetensors" if "best" in name else "last.safetensors")
    assert info["other_shape"]["logits.b"] == {"here": [4], "there": [3]}
    assert (info["map"], len(info["loaded"])) == ([MAP], 6)


def test_the_command_says_what_is_wrong_before_there_is_a_folder(old, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("new.yaml").write_text(NEW)
    for arguments, code, words in [
        (["--init-from", str(old.path)], 2, "nothing of"),
        (["--map", "a=b"], 2, "it goes with --init-from RUN"),
        (["--init-from", "nope"], 7, "there is no run `nope`"),
        (["--init-from", f"{old.path}:bst"], 7, "did you mean `best`?"),
        (["--init-from", "new.yaml"], 7, "new.yaml: "),
    ]:
        done = CliRunner().invoke(main, ["train", "new.yaml", *arguments])
        assert done.exit_code == code, done.output
        assert words in done.stderr
        assert not Path("runs").exists()


def test_events_have_it_too(old, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("new.yaml").write_text(NEW)
    done = CliRunner().invoke(main, ["train", "new.yaml", "--init-from", str(old.path), "--map", MAP, "--json"])
    first = json.loads(done.stdout.splitlines()[0])
    assert (first["event"], first["initial"]) == ("init_from", ["logits.W", "logits.b"])
    assert np.all([json.loads(line) for line in done.stdout.splitlines()])
