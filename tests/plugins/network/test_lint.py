"""Warnings: each said where it is due, and none about the networks that ship."""

from pathlib import Path

import pytest

from blockrun.plugins.host import load_host
from blockrun.plugins.network import load
from blockrun.plugins.network.lint import lint

HOST = load_host(entry_points=False)
CONFIGS = sorted((Path(__file__).parents[3] / "configs").glob("*.yaml"))
FILE = """\
blockrun: 1
inputs: {x: [3], u: [2], y: [4]}
net:
  a: {block: linear, units: 4, in: x}
  side: {block: linear, units: 2, in: x}
  end: relu
  other: {block: sum_of_squares, in: [a, y]}
  loss: {block: sum_of_squares, in: [a, y]}
"""
STOP = """\
from blockrun.core import Block


class Stop(Block):
    def forward(self, ctx, x):
        return x, None
"""


@pytest.fixture
def warnings(tmp_path):
    """warnings(text, *overrides) -> [(code, line, name)] of the warnings about a network file."""

    def find(text, *overrides):
        (tmp_path / "net.yaml").write_text(text)
        found = lint(load(tmp_path / "net.yaml", *overrides, host=HOST))
        return [(w.code, w.mark.line, w.mark.text[w.mark.column - 1 :][: w.mark.length]) for w in found]

    return find


@pytest.mark.parametrize("file", CONFIGS, ids=lambda file: file.stem)
def test_the_networks_that_ship_have_no_warning(file):
    assert lint(load(file, host=HOST)) == []


def test_what_is_not_used_is_named_at_its_place_a_dead_branch_by_its_end(warnings):
    assert warnings(FILE) == [("W101", 2, "u"), ("W102", 6, "end"), ("W103", 7, "other")]


def test_what_a_metric_reads_is_not_dead(warnings):
    metric = "metrics:\n  m: {block: sum_of_squares, in: [end, u]}\n"
    assert warnings(FILE + metric) == [("W103", 7, "other")]


def test_a_loss_counts_as_minimised_only_where_it_is_named(warnings):
    """Without `train.minimize` it is the last node."""
    train = "train: {minimize: {loss: 1, other: 0.5}, epochs: 1, optimizer: sgd}\n"
    assert [code for code, _, _ in warnings(FILE + train)] == ["W101", "W102"]


def test_a_parameter_behind_a_block_without_backward_is_never_learned(warnings, tmp_path):
    (tmp_path / "mine.py").write_text(STOP)
    first = "plugins: {local: [mine.py]}\nnet:\n  first: {block: linear, units: 3, in: x}\n  s: stop\n"
    text = FILE.replace("net:\n", first)
    found = warnings(text.replace("linear, units: 4, in: x", "linear, units: 4, in: s"))
    assert [(code, name) for code, _, name in found if code == "W104"] == [("W104", "first"), ("W104", "first")]


def test_an_argument_that_its_template_does_not_say_is_named(warnings):
    """One that an expression says, a default of another or what the template gives out, is used."""
    text = FILE.replace("net:\n", """\
templates:
  t:
    args: {a: 1, b: "${a + 1}", c: 3, d-d: 4}
    out: fc
    net: {fc: {block: linear, units: "${2*b}"}, act: relu}
net:
  use: {use: t}
""", 1)  # fmt: skip
    assert [(line, name) for code, line, name in warnings(text) if code == "W107"] == [(5, "c"), (5, "d-d")]
