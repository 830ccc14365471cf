"""What a run promises: a folder that says what happened, exact resumption, and figures that can be had again."""

import json
import os
import shutil
import signal
import time

import numpy as np
import pytest
import yaml
from click.testing import CliRunner

from blockrun.plugins.commands.main import main
from blockrun.plugins.errors import Diverged, OlderCheckpoint, RunError, UserError
from blockrun.plugins.network import load
from blockrun.plugins.training.checkpoint import load_latest
from blockrun.plugins.training.evaluation import evaluate
from blockrun.plugins.training.folder import LAST, find_folder
from blockrun.plugins.training.interrupt import Interrupted
from blockrun.plugins.training.lines import read_lines
from blockrun.plugins.training.progress import Progress
from blockrun.plugins.training.run import load_run, resume, train

STEPS = 2 * 12  # of ⌈3441 / 300⌉ batches


@pytest.fixture
def network(config, tmp_path):
    return load(config, f"run.dir={tmp_path / 'runs'}")


class StopAt(Progress):
    """Sends this process a signal after a number of steps."""

    def __init__(self, step, signum=signal.SIGINT):
        self.at, self.signum = step, signum

    def step(self, trainer, examples):
        if trainer.step == self.at:
            os.kill(os.getpid(), self.signum)


def final_bytes(folder):
    """Every tensor of the last checkpoint, bit for bit."""
    return {name: tensor.tobytes() for name, tensor in load_latest(folder.checkpoints, LAST).tensors.items()}


def without_times(rows):
    return [{k: v for k, v in row.items() if k not in ("examples_per_second", "seconds_left")} for row in rows]


def test_a_run_folder_says_what_was_run_and_what_came_of_it(network, config, tmp_path):
    run = train(network)
    folder = run.folder.path
    assert folder.parent == tmp_path / "runs" / "small"
    assert (folder / "cfg.yaml").read_bytes() == config.read_bytes()
    resolved = yaml.safe_load((folder / "cfg.resolved.yaml").read_text())
    assert resolved["net"]["logits"]["units"] == 10
    info = json.loads((folder / "run.json").read_text())
    assert (info["status"], info["steps"], info["part"]) == ("finished", STEPS, "val")
    assert info["overrides"] == [f"run.dir={tmp_path / 'runs'}"]
    assert info["environment"]["numpy"] == np.__version__
    rows = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    assert [row["step"] for row in rows] == [12, 24]
    assert rows[1]["val"]["accuracy"] > 0.5  # chance is 0.1
    assert info["results"] == rows[1]["val"]


def test_the_same_seed_gives_the_same_bits_and_another_seed_others(config, tmp_path):
    def run(seed):
        return final_bytes(train(load(config, f"run.dir={tmp_path / 'runs'}", f"run.seed={seed}")).folder)

    assert run(1) == run(1)
    assert run(1) != run(2)


@pytest.mark.parametrize("step", [1, 7, 12, 13, 23])
def test_a_run_interrupted_at_any_step_and_resumed_equals_one_that_was_not(config, tmp_path, step):
    """With dropout, batch norm and a schedule: parameters, optimizer state and metric rows are the same bits."""
    whole = train(load(config, f"run.dir={tmp_path / 'whole'}")).folder
    with pytest.raises(Interrupted) as stop:
        train(load(config, f"run.dir={tmp_path / 'halved'}"), StopAt(step))
    assert stop.value.exit_code == 130
    halved = find_folder("latest", tmp_path / "halved")
    assert halved.info["status"] == "interrupted"
    resume(halved)
    assert final_bytes(halved) == final_bytes(whole)
    assert without_times(halved.rows()) == without_times(whole.rows())


def test_a_terminated_run_ends_with_143_and_says_how_to_go_on(network):
    with pytest.raises(Interrupted) as stop:
        train(network, StopAt(3, signal.SIGTERM))
    assert stop.value.exit_code == 143
    assert stop.value.message == "interrupted at step 3 of 24; the checkpoint is written"
    assert "blockrun resume" in stop.value.help


@pytest.mark.parametrize(("signum", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_second_signal_stops_at_once_and_the_run_goes_on_from_its_last_checkpoint(network, tmp_path, signum, code):
    class Twice(StopAt):
        def step(self, trainer, examples):
            super().step(trainer, examples)
            super().step(trainer, examples)

    with pytest.raises(Interrupted) as stop:
        train(network, Twice(14, signum))
    assert stop.value.exit_code == code
    assert stop.value.message == "interrupted at step 14 of 24, at once"
    folder = find_folder("latest", tmp_path / "runs")
    assert folder.info["status"] == "interrupted"
    assert load_latest(folder.checkpoints, LAST).about["progress"]["step"] == 12
    assert resume(folder).folder.info["steps"] == 24


def test_the_time_that_is_left_of_a_resumed_run_is_that_of_the_steps_it_takes_itself(config, tmp_path):
    """Two steps of a tenth of a second are left after two such steps, and not a fraction of that for 20 done before."""

    class Slow(Progress):
        def step(self, trainer, examples):
            time.sleep(0.1)

    with pytest.raises(Interrupted):
        train(load(config, f"run.dir={tmp_path}", "+train.evaluate={steps: 2}"), StopAt(20))
    folder = find_folder("latest", tmp_path)
    resume(folder, progress=Slow())
    times = {line["step"]: line for line in read_lines(folder.times)}
    assert times[22]["seconds_left"] >= 0.2


def test_a_finished_run_is_not_resumed(network):
    with pytest.raises(RunError, match="is finished; there is nothing to resume"):
        resume(train(network).folder)


def test_a_run_that_dies_is_never_marked_finished_and_resumes_from_its_last_checkpoint(network, tmp_path):
    class Dies(Progress):
        def row(self, row):
            raise MemoryError("no more")

    with pytest.raises(MemoryError):
        train(network, Dies())
    folder = find_folder("latest", tmp_path / "runs")
    assert folder.info["status"] == "failed"
    assert resume(folder).folder.info["status"] == "finished"


def test_metrics_after_the_last_checkpoint_are_not_written_twice(network, tmp_path):
    with pytest.raises(Interrupted):
        train(network, StopAt(14))
    folder = find_folder("latest", tmp_path / "runs")
    folder.append({"step": 24, "epoch": 2})
    with folder.metrics.open("a") as file:
        file.write('{"step": 36, "ep')  # cut off by a crash
    resume(folder)
    assert [row["step"] for row in folder.rows()] == [12, 24]


def test_a_damaged_checkpoint_falls_back_to_the_one_before_and_says_so(network, tmp_path):
    with pytest.raises(Interrupted):
        train(network, StopAt(14))
    folder = find_folder("latest", tmp_path / "runs")
    newest = folder.checkpoints / f"{LAST}.safetensors"
    data = bytearray(newest.read_bytes())
    data[-5] ^= 1
    newest.write_bytes(data)
    said = []

    class Listens(Progress):
        def note(self, text):
            said.append(text)

    assert resume(folder, progress=Listens()).folder.info["status"] == "finished"
    assert "took last.previous.safetensors instead" in said[0]
    assert [row["step"] for row in folder.rows()] == [12, 24]


def test_whoever_loads_a_run_is_warned_of_a_damaged_checkpoint(network):
    run = train(network)
    newest = run.folder.checkpoints / f"{LAST}.safetensors"
    shutil.copyfile(newest, newest.with_name(f"{LAST}.previous.safetensors"))
    newest.write_bytes(newest.read_bytes()[:-1])
    with pytest.warns(OlderCheckpoint, match=r"took last\.previous\.safetensors instead"):
        load_run(run.folder)
    done = CliRunner().invoke(main, ["eval", str(run.folder.path)])
    assert done.exit_code == 0
    assert done.stderr.startswith("warning: ")
    assert "took last.previous.safetensors instead" in done.stderr.splitlines()[0]


def test_a_trained_network_measures_the_same_from_its_folder(network):
    run = train(network)
    again = load_run(run.folder)
    assert evaluate(again, again.sections.data["val"]) == run.results


def test_divergence_names_the_value_the_node_and_the_step(config, tmp_path):
    network = load(config, f"run.dir={tmp_path / 'runs'}")
    network.params["fc.W"][3, 5] = np.nan
    with pytest.raises(Diverged, match=r"`fc` is nan at step 1, in node `fc` \(.*small.yaml:5:3\), Linear"):
        train(network)
    assert find_folder("latest", tmp_path / "runs").info["status"] == "diverged"


def test_without_data_there_is_nothing_to_train(tmp_path):
    file = tmp_path / "net.yaml"
    file.write_text("blockrun: 1\ninputs: {x: {value: 3.0}}\nnet: {y: square}\n")
    with pytest.raises(UserError, match="has no `train` section, so there is nothing to train"):
        train(load(file))


def test_a_folder_that_cannot_be_made_is_one_line(network, tmp_path):
    (tmp_path / "runs").write_text("in the way")
    with pytest.raises(RunError, match=r"the run folder .* cannot be made"):
        train(network)


def test_runs_are_found_by_path_latest_and_the_beginning_of_their_id(network, tmp_path):
    root = tmp_path / "runs"
    path = train(network).folder.path
    assert find_folder(str(path)).path == path
    assert find_folder("latest", root).path == path
    assert find_folder(path.name.partition("_")[2][:3], root).path == path
    with pytest.raises(RunError, match="there is no run `zzz`"):
        find_folder("zzz", root)
    with pytest.raises(RunError, match=r"is not a run folder: it has no run\.json"):
        find_folder(str(tmp_path), root)
