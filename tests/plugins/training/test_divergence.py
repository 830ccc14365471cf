"""What is not finite is found at once, named rightly, and can be seen again; a block that raises is named too."""

import numpy as np
import pytest
from click.testing import CliRunner

from blockrun.plugins.commands.main import main
from blockrun.plugins.errors import Diverged, PluginError, RunError
from blockrun.plugins.network import load
from blockrun.plugins.training.checkpoint import load_latest
from blockrun.plugins.training.divergence import FILE, replay
from blockrun.plugins.training.folder import LAST, find_folder
from blockrun.plugins.training.run import resume, train

PLUGIN = '''\
from typing import Literal

import numpy as np

from blockrun.core import Block, Param

HUGE = 1e6


class Gate(Block):
    """y = x + b, until something huge comes by: then it fails in the way that it is told to."""

    fails: Literal["no", "forward", "backward", "inf", "raises"] = "no"

    batchwise = True

    def params(self, x):
        return {"b": Param(x.shape[1:], init="zeros")}

    def forward(self, ctx, x, *, b):
        y, huge = x + b, bool(np.abs(x).max(initial=0) > HUGE)
        if huge and self.fails == "raises":
            raise KeyError("lost")
        if huge and self.fails in ("forward", "inf"):
            y[0, 0] = np.nan if self.fails == "forward" else -np.inf
        return y, huge

    def backward(self, ctx, saved, dy):
        dx, db = dy.copy(), dy.sum(axis=0)
        if saved and self.fails == "backward":
            db[0] = np.nan
        return dx, db
'''
NODES = 20


def network(tmp_path, number, fails, more=""):
    """A chain of twenty gates, of which one fails on the third batch, where an input is huge."""
    x = np.ones((12, 3))
    x[9, 1] = 1e7
    np.savez(tmp_path / "data.npz", x=x, y=x)
    (tmp_path / "gate.py").write_text(PLUGIN)
    gates = [f"  g{i}: {{block: gate, fails: {fails if i == number else 'no'}}}\n" for i in range(NODES)]
    text = "blockrun: 1\nplugins: {local: [gate.py]}\ninputs: {x: [3], y: [3]}\nnet:\n" + "".join(gates)
    text += f"  J: {{block: sum_of_squares, in: [g{NODES - 1}, y]}}\n"
    text += "data: {train: {source: npz, path: data.npz, batch: 4, shuffle: false}}\n"
    text += f"train: {{epochs: 2, evaluate: {{steps: 1}}, optimizer: {{name: sgd, lr: 1e-20}}{more}}}\n"
    (tmp_path / "net.yaml").write_text(text)
    return load(tmp_path / "net.yaml", f"run.dir={tmp_path / 'runs'}")


def diverged(made):
    with pytest.raises(Diverged) as caught:
        train(made)
    return caught.value


@pytest.mark.parametrize("fails", ["forward", "backward", "inf"])
@pytest.mark.parametrize("number", range(NODES))
def test_the_node_that_makes_something_not_finite_is_named_with_the_value_and_the_step(tmp_path, number, fails):
    """At each of twenty nodes, forward and backward (promise 12)."""
    error = diverged(network(tmp_path, number, fails))
    value = f"the gradient of `g{number}.b`" if fails == "backward" else f"`g{number}`"
    kind = "-inf" if fails == "inf" else "nan"
    place = f"{tmp_path}/net.yaml:{5 + number}:3"
    assert error.message.startswith(f"{value} is {kind} at step 3, in node `g{number}` ({place}), Gate(")
    assert error.exit_code == 5
    if fails != "backward":
        assert "given values of 1 to 1e+07, 0 to 0" in error.message


def test_the_checkpoint_of_the_step_before_is_kept(tmp_path):
    diverged(network(tmp_path, 7, "forward"))
    run = find_folder("latest", tmp_path / "runs")
    assert run.info["status"] == "diverged"
    assert load_latest(run.checkpoints, LAST).about["progress"]["step"] == 2
    assert [row["step"] for row in run.rows()] == [1, 2]


@pytest.mark.parametrize("more", ["", ", accumulate: 2", ", parallel: 2"])
def test_the_batch_is_kept_and_diverges_again_when_it_is_replayed(tmp_path, more):
    error = diverged(network(tmp_path, 7, "backward", more))
    run = find_folder("latest", tmp_path / "runs")
    assert error.help.endswith(f"`blockrun resume {run.path} --replay` runs the batch again")
    with pytest.raises(Diverged) as again:
        replay(run)
    said = error.message.replace(f"{tmp_path}/net.yaml", f"{run.config}")
    assert again.value.message == said
    result = CliRunner().invoke(main, ["resume", str(run.path), "--replay"])
    assert (result.exit_code, result.stdout) == (5, "")
    assert said in result.stderr


def test_what_is_not_finite_only_the_first_time_ends_the_run_all_the_same(tmp_path):
    made = network(tmp_path, 7, "forward")
    (gate,) = {type(node.block) for node in made.graph.nodes if node.name == "g7"}
    forward, failed = gate.forward, []

    def once(self, ctx, x, *, b):
        y, huge = forward(self, ctx, x, b=b)
        if not np.isnan(y).any():
            return y, huge
        failed.append(y)
        return (y if len(failed) == 1 else x + b), huge

    gate.forward = once
    error = diverged(made)
    assert error.message.startswith("`J`, or its gradient, is not finite at step 3, and is when the batch is run again")


def test_a_batch_that_is_finite_after_all_says_so(tmp_path):
    diverged(network(tmp_path, 7, "forward"))
    run = find_folder("latest", tmp_path / "runs")
    run.config.write_text(run.config.read_text().replace("fails: forward", "fails: no"))
    assert "is finite now" in CliRunner().invoke(main, ["resume", str(run.path), "--replay"]).stdout


def test_without_a_batch_there_is_nothing_to_replay(tmp_path):
    run = train(network(tmp_path, 7, "no")).folder
    with pytest.raises(RunError, match=f"{FILE}: there is no such file"):
        replay(run)


def test_a_block_that_raises_is_named_with_what_it_was_given_and_the_run_is_saved_where_it_was(tmp_path):
    """Promise 23; the step before was not measured, and is not lost all the same."""
    network(tmp_path, 7, "raises")
    made = load(tmp_path / "net.yaml", f"run.dir={tmp_path / 'runs'}", "train.evaluate.steps=9")
    with pytest.raises(PluginError) as caught:
        train(made)
    place = f"{tmp_path}/net.yaml:12:3"
    assert caught.value.message == (
        f"KeyError: 'lost', in node `g7` ({place}), Gate(fails='raises'), given x (4, 3) float32, b (3,) float32"
    )
    assert caught.value.help == f"this is a bug in block gate, of {tmp_path}/gate.py"
    run = find_folder("latest", tmp_path / "runs")
    assert run.info["status"] == "failed"
    assert load_latest(run.checkpoints, LAST).about["progress"]["step"] == 2
    (tmp_path / "gate.py").write_text(PLUGIN.replace('raise KeyError("lost")', "pass"))
    assert [row["step"] for row in resume(run, allow=("code",)).folder.rows()] == [6]
