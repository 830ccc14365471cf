"""The profile: its memory against the shapes, its times against those of the whole step."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

import blockrun
from blockrun.plugins.commands.main import main
from blockrun.plugins.errors import UserError
from blockrun.plugins.reports.profile import profile

NET = """\
blockrun: 1
inputs: {x: [300], y: {shape: [], dtype: int64}}
net:
  big: {block: linear, units: 400, in: x}
  act: tanh
  flat: flatten
  logits: {block: linear, units: 10}
  loss: {block: softmax_cross_entropy, in: [logits, y]}
data: {train: {source: synthetic, fields: {x: [300], y: {below: 10}}, batch: 100}}
train: {minimize: loss, steps: 5, optimizer: sgd}
"""
SLOW = """\
import time

from blockrun.core import Block


class Slow(Block):
    def forward(self, ctx, x):
        time.sleep(0.05)
        return x, None

    def backward(self, ctx, saved, dy):
        time.sleep(0.1)
        return dy
"""
COLUMNS = "node block forward ms backward ms share makes MB keeps MB"


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    path = tmp_path_factory.mktemp("profile") / "net.yaml"
    path.write_text(NET)
    return path


def test_memory_is_that_of_the_shapes_and_what_is_there_already_is_not_counted_again(file):
    """float32: 100 × 400 numbers are 160 kB; tanh keeps its output, flatten returns a view, linear its input."""
    found = {cost.node: cost for cost in profile(blockrun.load(file), steps=2).costs}
    assert (found["big"].makes, found["big"].keeps) == (160_000, 0)
    assert (found["act"].makes, found["act"].keeps) == (160_000, 0)
    assert (found["flat"].makes, found["flat"].keeps) == (0, 0)
    assert found["logits"].makes == 4_000
    assert 4_000 <= found["loss"].keeps < 4_100  # the probabilities, and a few numbers


def test_the_time_of_a_node_is_that_of_its_own_passes(tmp_path):
    (tmp_path / "mine.py").write_text(SLOW)
    net = NET.replace("net:", "plugins: {local: [mine.py]}\nnet:", 1).replace("flat: flatten", "flat: slow")
    (tmp_path / "net.yaml").write_text(net)
    found = profile(blockrun.load(tmp_path / "net.yaml"), steps=3)
    [slow] = [cost for cost in found.costs if cost.node == "flat"]
    assert slow.forward >= 0.05
    assert slow.backward >= 0.1
    assert found.step >= 0.15
    assert (found.batch, len(found.costs)) == (100, 5)


def test_the_command_prints_a_table_or_an_object(file):
    shown = CliRunner().invoke(main, ["profile", str(file), "--steps", "2"]).stdout.splitlines()
    assert shown[0].split() == [
        "node",
        "block",
        "forward",
        "ms",
        "backward",
        "ms",
        "share",
        "makes",
        "MB",
        "keeps",
        "MB",
    ]
    assert shown[6].split()[:2] == ["all", "nodes"]
    found = json.loads(CliRunner().invoke(main, ["profile", str(file), "--steps", "2", "--json"]).stdout)
    assert [cost["node"] for cost in found["costs"]] == ["big", "act", "flat", "logits", "loss"]


def test_a_network_without_training_says_what_to_add(tmp_path):
    path = Path(tmp_path) / "net.yaml"
    path.write_text(NET.split("data:")[0])
    with pytest.raises(UserError, match="says nothing of training, so there is no step to measure"):
        profile(blockrun.load(path))
