"""What watches a run: it ends it where it should, keeps what it says, and a run that is resumed does not notice."""

import json
from contextlib import suppress

import numpy as np
import pytest
from click.testing import CliRunner

from blockrun.plugins.commands.main import main
from blockrun.plugins.errors import PluginError, RunError
from blockrun.plugins.network import load
from blockrun.plugins.network.diagnostics import ConfigError
from blockrun.plugins.training import callbacks
from blockrun.plugins.training.callbacks import LR_FILE, EarlyStop, KeepBest, KeepEvery
from blockrun.plugins.training.checkpoint import load_checkpoint
from blockrun.plugins.training.contracts import Callback
from blockrun.plugins.training.folder import find_folder
from blockrun.plugins.training.lines import read_lines
from blockrun.plugins.training.progress import Progress
from blockrun.plugins.training.run import load_run, resume, train

NETWORK = """\
blockrun: 1
plugins: {{local: [own.py]}}
inputs: {{x: [2], y: [1]}}
net:
  fc: {{block: linear, units: 1, in: x}}
  loss: {{block: sum_of_squares, in: [fc, y]}}
data:
  train: {{source: npz, path: data.npz, batch: 4}}
  val: {{source: npz, path: data.npz, batch: 12}}
train: {{{train}, optimizer: {{name: sgd, lr: {lr}, groups: [{{match: "*.b", lr_factor: 2}}]}}}}
callbacks: {{{callbacks}}}
"""
OWN = """\
from blockrun.plugins.training.contracts import Callback


class Scribe(Callback):
    \"\"\"Writes down everything that it is told.\"\"\"

    every: int = 1

    def start(self, run, memory):
        memory.setdefault("told", []).append(["start", run.trainer.step])

    def step(self, run, memory):
        if run.trainer.step % self.every == 0:
            memory["told"].append(["step", run.trainer.step])

    def measured(self, run, memory, values):
        memory["told"].append(["measured", run.trainer.step, sorted(values)])

    def end(self, run, memory, results):
        run.note(f"{memory['told'] + [['end', sorted(results)]]}")


class Faulty(Callback):
    def measured(self, run, memory, values):
        return {}["nothing"]


class Once(Callback):
    def step(self, run, memory):
        if run.trainer.step == 4:
            run.stop("once: that is enough")
"""


class Listens(Progress):
    """Keeps the notes, and stops after a step without notice."""

    def __init__(self, stop_at=None):
        self.notes, self.stop_at = [], stop_at

    def note(self, text):
        self.notes.append(text)

    def step(self, trainer, examples):
        if trainer.step == self.stop_at:
            raise Gone


class Gone(BaseException):
    pass


@pytest.fixture
def network(tmp_path):
    rng = np.random.default_rng(0)
    x = rng.standard_normal((12, 2))
    np.savez(tmp_path / "data.npz", x=x, y=x @ [[1.0], [-2.0]] + 0.1)
    (tmp_path / "own.py").write_text(OWN)

    def make(callbacks, train="epochs: 4", lr=0.02):
        (tmp_path / "net.yaml").write_text(NETWORK.format(callbacks=callbacks, train=train, lr=lr))
        return load(tmp_path / "net.yaml", f"run.dir={tmp_path / 'runs'}")

    return make


def weights(run, name):
    tensors, about = load_checkpoint(run.folder.checkpoints / f"{name}.safetensors")
    return tensors["params/fc.W"], about


class FakeRun:
    """As much of a run as a callback needs that looks at values alone."""

    def __init__(self):
        self.trainer, self.reason, self.kept = self, "", []
        self.step = 0

    def stop(self, reason):
        self.reason = reason

    def save_weights(self, name, about):
        self.kept.append((self.step, name, about))


def measure(callback, values):
    """Hand `values` of the objective over, one after another; the run, and at which of them it ended."""
    run, memory = FakeRun(), {}
    for step, value in enumerate(values, start=1):
        run.step = step
        callback.measured(run, memory, {"objective": value})
        if run.reason:
            return run, step
    return run, None


def test_early_stop_waits_for_so_many_measurements_without_a_gain():
    """By hand: best is 3 at the second; 3, 4 and 3.5 are three without a gain."""
    run, ended = measure(EarlyStop(patience=3), [5, 3, 3, 4, 3.5, 1])
    assert ended == 5
    assert run.reason == "early_stop: objective was best, 3 at step 2, 3 measurements ago"
    assert measure(EarlyStop(patience=3), [5, 4, 4, 4, 3, 3, 3, 2])[1] is None


def test_early_stop_counts_only_gains_of_more_than_min_delta_in_its_direction():
    assert measure(EarlyStop(patience=2, min_delta=1.0), [5, 4.5, 4.1, 3])[1] == 3
    assert measure(EarlyStop(patience=2, mode="max"), [5, 4, 6, 5, 5])[1] == 5


def test_early_stop_ends_a_run_that_was_never_measured_as_a_number():
    run, ended = measure(EarlyStop(patience=2), [float("nan")] * 3)
    assert (ended, run.reason) == (2, "early_stop: objective was best, never a number, 2 measurements ago")


def test_keep_best_keeps_the_first_of_the_best():
    run, _ = measure(KeepBest(to="top"), [3, 2, 2, 4, 1.5])
    assert run.kept == [(step, "top", {"objective": value}) for step, value in ((1, 3), (2, 2), (5, 1.5))]
    assert [step for step, _, _ in measure(KeepBest(mode="max"), [1, 3, 2])[0].kept] == [1, 2]


def test_early_stop_ends_a_run_which_is_then_finished_and_says_why(network):
    """At a rate of 1e-12 nothing is gained."""
    run = train(network("stop: {callback: early_stop, monitor: val.loss, patience: 2, min_delta: 0.1}", lr=1e-12))
    assert run.reason.startswith("early_stop: val.loss was best, ")
    assert [row["step"] for row in run.folder.rows()] == [3, 6, 9]
    info = run.folder.info
    assert (info["status"], info["steps"], info["reason"]) == ("finished", 9, run.reason)
    with pytest.raises(RunError, match="is finished"):
        resume(run.folder)


def test_a_run_that_is_ended_between_measurements_is_measured_once_more(network):
    run = train(network("once: once"))
    assert [row["step"] for row in run.folder.rows()] == [3, 4]
    assert run.reason == "once: that is enough"


def test_a_time_limit_counts_the_time_before_an_interruption(network, monkeypatch):
    """A clock that a step takes a second on: five seconds are four steps and, after the interruption, one more."""
    now = [0.0]

    class Ticks(Listens):
        def step(self, trainer, examples):
            now[0] += 1
            super().step(trainer, examples)

    monkeypatch.setattr(callbacks.time, "monotonic", lambda: now[0])
    limited = network("limit: {callback: time_limit, seconds: 5}", "epochs: 40, evaluate: {steps: 2}")
    with suppress(Gone):
        train(limited, Ticks(stop_at=5))  # the checkpoint is of step 4
    now[0] += 1000
    run = resume(find_folder("latest", limited.sections.run.dir), progress=Ticks())
    assert run.folder.info["steps"] == 5
    assert run.reason == "time_limit: 5.0 s of 5 s are spent"


def test_the_best_is_kept_found_and_measured(network):
    """A rate at which the loss rises again: the best is not the last."""
    progress = Listens()
    run = train(network("best: {callback: keep_best, monitor: val.loss}", lr=0.2), progress)
    losses = [row["val"]["loss"] for row in run.folder.rows()]
    best = int(np.argmin(losses))
    assert best < len(losses) - 1
    _, about = weights(run, "best")
    assert about == {"step": 3 * (best + 1), "val.loss": losses[best]}
    assert f"val.loss was best, {losses[best]:.4g}, at step {3 * (best + 1)}" in progress.notes[-1]
    result = CliRunner().invoke(main, ["eval", f"{run.folder.path}:best", "--json"])
    assert json.loads(result.stdout)["loss"] == losses[best]
    assert json.loads(CliRunner().invoke(main, ["eval", str(run.folder.path), "--json"]).stdout)["loss"] == losses[-1]


def test_a_checkpoint_that_is_not_there_is_said(network):
    run = train(network("best: keep_best"))
    result = CliRunner().invoke(main, ["eval", f"{run.folder.path}:bst"])
    assert result.exit_code == 7
    assert "has no checkpoint `bst`" in result.stderr
    assert "did you mean `best`?" in result.stderr
    with pytest.raises(RunError, match="goes on from its last checkpoint, not from `best`"):
        resume(find_folder(f"{run.folder.path}:best"))
    assert find_folder(f"{run.folder.path}:last").checkpoint == "last"


@pytest.mark.parametrize("written", ["../last", "..", "a/b", ".", "last.previous"])
def test_the_name_of_a_checkpoint_is_no_path(network, written):
    run = train(network(""))
    with pytest.raises(RunError, match="has no checkpoint"):
        find_folder(f"{run.folder.path}:{written}")


def test_the_newest_of_those_of_every_so_many_steps_are_kept(network):
    run = train(network("every: {callback: keep_every, steps: 2, most: 3}"))
    names = sorted(path.stem for path in run.folder.checkpoints.glob("step-*"))
    assert names == ["step-000008", "step-000010", "step-000012"]
    assert [weights(run, name)[1]["step"] for name in names] == [8, 10, 12]
    np.testing.assert_array_equal(weights(run, "step-000012")[0], weights(run, "last")[0])
    assert load_run(find_folder(f"{run.folder.path}:step-000008")).params["fc.W"].shape == (1, 2)


def test_those_of_every_so_many_epochs_are_kept_without_the_optimizer(network):
    run = train(network("every: {callback: keep_every, epochs: 2}"))
    assert sorted(path.stem for path in run.folder.checkpoints.glob("step-*")) == ["step-000006", "step-000012"]
    tensors, _ = load_checkpoint(run.folder.checkpoints / "step-000006.safetensors")
    assert tensors.keys() == {"params/fc.W", "params/fc.b"}


@pytest.mark.parametrize("options", [{}, {"steps": 3, "epochs": 1}])
def test_how_often_is_said_once(options):
    with pytest.raises(ValueError, match=r"says (both|neither) `epochs`"):
        KeepEvery(**options)


def test_the_learning_rate_of_every_so_many_steps_is_recorded_with_that_of_each_group(network):
    run = train(network("log: {callback: lr_log, steps: 5}"))
    lines = read_lines(run.folder.path / LR_FILE)
    assert lines == [{"step": step, "lr": 0.02, "groups": [0.02, 0.04]} for step in (5, 10)]


ALL = "stop: {callback: early_stop, patience: 3}, best: keep_best, log: lr_log, s: {callback: scribe, every: 2}, "
ALL += "every: {callback: keep_every, steps: 2, most: 2}"


@pytest.mark.parametrize("step", [1, 2, 5, 7, 8, 11])
def test_a_run_that_is_resumed_keeps_and_records_what_it_would_have(network, step):
    """Byte for byte, except for what a callback of the user's own makes of being started again."""
    whole = train(network(ALL, lr=0.2), Listens())
    halved = network(ALL, lr=0.2)
    with suppress(Gone):
        train(halved, Listens(stop_at=step))
    again = resume(find_folder("latest", halved.sections.run.dir))
    assert again.folder.path != whole.folder.path
    kept = {path.name for path in whole.folder.checkpoints.iterdir()}
    assert {path.name for path in again.folder.checkpoints.iterdir()} == kept
    for name in kept - {"last.safetensors", "last.previous.safetensors"}:
        assert (again.folder.checkpoints / name).read_bytes() == (whole.folder.checkpoints / name).read_bytes()
    for name in (LR_FILE, "metrics.jsonl"):
        assert (again.folder.path / name).read_bytes() == (whole.folder.path / name).read_bytes()
    assert again.results == whole.results


def test_a_callback_is_told_everything_in_order_and_remembers_it_when_resumed(network):
    made = network("mine: {callback: scribe, every: 2}", "epochs: 2")
    with suppress(Gone):
        train(made, Listens(stop_at=5))
    progress = Listens()
    resume(find_folder("latest", made.sections.run.dir), progress=progress)
    names = ["objective", "train.loss", "val.loss"]
    assert progress.notes[-1] == str(
        [["start", 0], ["step", 2], ["measured", 3, names], ["start", 3], ["step", 4], ["step", 6],
         ["measured", 6, names], ["end", ["loss"]]]
    )  # fmt: skip


def test_a_callback_that_raises_is_named_and_the_run_can_go_on_without_it(network):
    made = network("first: {callback: scribe}, second: faulty")
    with pytest.raises(PluginError, match=r"callback `second` \(faulty\) fails in `measured`: KeyError: 'nothing'"):
        train(made)
    run = find_folder("latest", made.sections.run.dir)
    assert run.info["status"] == "failed"
    assert not list(run.checkpoints.iterdir())  # half told of, the measurement is made again
    run.config.write_text(run.config.read_text().replace("second: faulty", ""))
    assert [row["step"] for row in resume(run, allow=("config",)).folder.rows()] == [3, 6, 9, 12]


def test_an_option_may_not_be_called_callback():
    with pytest.raises(TypeError, match="reserved key"):

        class Odd(Callback):
            callback: str = ""


def test_two_callbacks_do_not_keep_one_file(network):
    with pytest.raises(ConfigError, match=r"`callbacks\.a` keeps its checkpoint as `best` too"):
        network("a: keep_best, b: keep_best")
    network("a: keep_best, b: {callback: keep_best, to: other}")
