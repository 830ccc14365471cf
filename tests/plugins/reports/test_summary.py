"""The summary: its counts against hand computation, its receptive fields against what really reaches an output."""

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

import blockrun
from blockrun.plugins.commands.main import main
from blockrun.plugins.network.network import Network
from blockrun.plugins.reports.summary import Row, Summary, summarise

CONFIGS = Path(__file__).parents[3] / "configs"

WINDOWS = """\
inputs: {image: [31, 29, 1]}
net:
  a: {block: conv2d, channels: 1, kernel: [3, 2], dilation: [2, 3]}
  b: {block: average_pool2d, size: 2, stride: [2, 1]}
  c: {block: conv2d, channels: 1, kernel: 3, stride: 2}
  d: {block: add, in: [c, c]}
  e: {block: average_pool2d, size: [1, 2]}
  f: flatten
"""


def net(folder: Path, text: str) -> Network:
    (folder / "net.yaml").write_text(f"blockrun: 1\n{text}")
    return blockrun.load(folder / "net.yaml")


def rows(summary: Summary) -> dict[str, Row]:
    return {row.node: row for row in summary.rows}


def test_the_digits_net_is_counted_as_by_hand():
    """3·3·C·M weights a convolution, each used at H'·W' places; 2 C numbers learned and 2 C carried a normalisation."""
    summary = summarise(blockrun.load(CONFIGS / "digits.yaml"))
    learned = {
        "conv1": 3 * 3 * 1 * 16, "norm1": 2 * 16, "conv2": 3 * 3 * 16 * 32, "norm2": 2 * 32,
        "conv3": 3 * 3 * 32 * 64, "norm3": 2 * 64, "logits": 10 * (2 * 2 * 64) + 10,
    }  # fmt: skip
    products = {"conv1": 64 * 144, "conv2": 64 * 4608, "conv3": 16 * 18432, "logits": 2560}
    state = 2 * (16 + 32 + 64)
    assert {name: row.parameters for name, row in rows(summary).items() if row.parameters} == learned
    assert {name: row.multiply_adds for name, row in rows(summary).items() if row.multiply_adds} == products
    assert (summary.parameters, summary.state) == (sum(learned.values()), state)
    assert summary.multiply_adds == sum(products.values())
    assert summary.bytes == 4 * (sum(learned.values()) + state)


def test_a_layer_that_runs_at_every_step_multiplies_at_every_step(tmp_path):
    """z (N, 5, 2) from a (N, 5, 3): five products with a matrix of 2 × 3."""
    summary = summarise(net(tmp_path, "inputs: {a: [5, 3]}\nnet:\n  z: {block: linear, units: 2}\n"))
    assert rows(summary)["z"].multiply_adds == 5 * 2 * 3


def test_a_sequence_and_a_volume_are_counted_at_their_places(tmp_path):
    """3 places of 2·4·5 products each; 1·2·1 places of 2·2·2·3·4."""
    text = """
inputs: {a: [4, 5], v: [2, 3, 2, 3]}
net:
  a1: {block: conv1d, in: a, channels: 4, kernel: 2}
  v1: {block: conv3d, in: v, channels: 4, kernel: 2}
"""
    found = rows(summarise(net(tmp_path, text)))
    assert (found["a1"].multiply_adds, found["v1"].multiply_adds) == (3 * 40, 2 * 96)


UP = """
inputs: {image: [4, 5, 3]}
net:
  down: {block: conv2d, in: image, channels: 6, kernel: 2, stride: 2, pad: same}
  up: {block: conv_transpose2d, channels: 3, kernel: 4, stride: 2, pad: same}
  again: {block: conv_transpose2d, channels: 3, kernel: 3, pad: same}
"""


def test_a_transposed_convolution_multiplies_at_every_place_it_reads(tmp_path):
    """2·3 places of 3·4·4·6 products, though it makes 4·6."""
    found = rows(summarise(net(tmp_path, UP)))
    assert found["up"].shape == (None, 4, 6, 3)
    assert found["up"].multiply_adds == 2 * 3 * 3 * 4 * 4 * 6


def test_there_is_no_receptive_field_after_windows_that_write(tmp_path):
    found = rows(summarise(net(tmp_path, UP)))
    assert found["down"].receptive_field == (2, 2)
    assert found["up"].receptive_field is found["again"].receptive_field is None


def test_recurrent_and_attention_blocks_count_all_their_matrices_and_tables_none(tmp_path):
    """5 steps with 4·2 rows of 3 + 2 numbers; 5 places with four matrices of 4 × 4; looking rows up is no product."""
    text = "inputs: {x: [5, 3], t: {shape: [5], dtype: int64}}\nnet:\n"
    text += "  z: {block: lstm, units: 2, in: x}\n  e: {block: embedding, vocab: 4, units: 4, in: t}\n"
    text += "  p: {block: positions, length: 8}\n  a: {block: multi_head_attention, heads: 2}\n"
    found = {name: row.multiply_adds for name, row in rows(summarise(net(tmp_path, text))).items()}
    assert found == {"z": 5 * 8 * 5, "e": None, "p": None, "a": 5 * 4 * 16}


def test_shared_parameters_are_counted_once_and_name_their_owner():
    text = blockrun.load(CONFIGS / "kamper_shared.yaml").summary().splitlines()
    assert [line.split()[-2:] for line in text[1:3]] == [["4", "4"], ["=first.W", "4"]]
    assert text[-1] == "4 parameters, 0 state, 16 bytes; 8 multiply-adds per example"


def test_shared_state_is_counted_once_and_named_after_its_owner(tmp_path):
    found = summarise(net(tmp_path, "inputs: {x: [3]}\nnet:\n  a: batch_norm\n  b: {block: batch_norm, share: a}\n"))
    a, b = found.rows
    assert (a.parameters, a.state, a.shared) == (6, 6, {})
    assert (b.parameters, b.state) == (0, 0)
    assert b.shared == {"gamma": "a.gamma", "beta": "a.beta", "mean": "a.mean", "var": "a.var"}
    assert (found.parameters, found.state) == (6, 6)


@pytest.mark.parametrize("name", ["a", "b", "c", "d", "e"])
def test_the_receptive_field_is_what_can_reach_one_output(name, tmp_path):
    """Light one pixel after another and see from how far apart they change one number in the middle."""
    network = net(tmp_path, WINDOWS)
    network.params = {key: np.ones_like(array) for key, array in network.params.items()}
    pixels = np.eye(31 * 29, dtype=np.float32).reshape(-1, 31, 29, 1)
    y = network.forward({"image": pixels}, keep=[name])[name]
    seen = y[:, y.shape[1] // 2, y.shape[2] // 2, 0]
    height, width = np.nonzero((seen > seen.min()).reshape(31, 29))
    expected = int(np.ptp(height)) + 1, int(np.ptp(width)) + 1
    assert rows(summarise(network))[name].receptive_field == expected


def test_there_is_no_receptive_field_where_positions_are_lost(tmp_path):
    network = net(tmp_path, WINDOWS)
    assert rows(summarise(network))["f"].receptive_field is None


def test_columns_in_which_nothing_stands_are_left_out():
    head = blockrun.load(CONFIGS / "kamper_scalar.yaml").summary().splitlines()[0]
    assert head.split() == ["node", "block", "reads", "shape"]


def test_the_command_prints_the_summary_of_the_network_with_its_overrides():
    file = str(CONFIGS / "digits.yaml")
    result = CliRunner().invoke(main, ["summary", file, "net.conv1.channels=8"])
    assert result.exit_code == 0
    assert result.stdout == blockrun.load(file, "net.conv1.channels=8").summary() + "\n"


def test_the_object_says_the_same_as_the_table():
    """logits: 256 × 10 weights and 10 biases; None stands for the batch axis."""
    result = CliRunner().invoke(main, ["summary", str(CONFIGS / "digits.yaml"), "--json"])
    data = json.loads(result.stdout)
    logits = next(node for node in data["nodes"] if node["node"] == "logits")
    assert (logits["shape"], logits["parameters"], logits["reads"]) == ([None, 10], 2570, ["drop3"])
    totals = {"parameters": 25978, "state": 224, "multiply_adds": 601600, "bytes": 104808, "frozen": 0}
    assert data["totals"] == totals
