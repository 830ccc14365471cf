"""`blockrun diff`: what differs, whatever the layout of the files."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from blockrun.plugins.commands.main import main
from blockrun.plugins.reports.differences import ABSENT, differences

A = """\
blockrun: 1
vars: {width: 8}
inputs: {x: [3], y: [8]}
net:
  fc: {block: linear, units: $width}
  act: relu
  loss: {block: sum_of_squares, in: [act, y]}
data: {train: {source: synthetic, fields: {x: [3], y: [8]}, examples: 20, batch: 10}}
train: {minimize: loss, epochs: 1, optimizer: {name: sgd, lr: 0.01}}
"""
keys = st.text("abc", min_size=1)
values = st.recursive(st.integers(0, 3) | st.text("ab", max_size=2), lambda x: st.dictionaries(keys, x))
maps = st.dictionaries(keys, values, max_size=4)


@pytest.fixture
def diff(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("a.yaml").write_text(A)
    return lambda *arguments: CliRunner().invoke(main, ["diff", *arguments])


def test_values_put_in_are_compared_and_layout_is_not(diff):
    text = A.replace("{width: 8}", "\n  width: 8").replace("act: relu", "act: {block: tanh}")
    Path("b.yaml").write_text(text.replace("lr: 0.01", "lr: 0.03").replace("units: $width", "units: 8, bias: false"))
    assert diff("a.yaml", "b.yaml").stdout.splitlines() == [
        "+ net.fc.bias: false",
        "~ net.act.block: relu -> tanh",
        "~ train.optimizer.lr: 0.01 -> 0.03  (+0.02)",
    ]
    assert diff("b.yaml", "a.yaml").stdout.splitlines()[-2:] == [
        "~ net.act.block: tanh -> relu",
        "~ train.optimizer.lr: 0.03 -> 0.01  (-0.02)",
    ]
    assert diff("a.yaml", "a.yaml").stdout == "nothing differs\n"


def test_results_of_runs_are_compared_as_well(diff):
    for rate in ("0.01", "0.02"):
        done = CliRunner().invoke(main, ["train", "a.yaml", f"train.optimizer.lr={rate}", "-q"])
        assert done.exit_code == 0, done.output
    first, second = sorted(str(path.parent) for path in Path("runs").glob("*/*/run.json"))
    found = {row["path"]: row for row in json.loads(diff(first, second, "--json").stdout)}
    assert set(found) == {"train.optimizer.lr", "results.loss"}
    assert {found["train.optimizer.lr"][side] for side in ("before", "after")} == {0.01, 0.02}


@given(maps, maps)
def test_the_differences_make_the_one_of_the_other(before, after):
    """Applied to a flat picture of the first they give the second."""
    found = list(differences(before, after))
    assert (not found) == (before == after)
    flat = {d.path for d in found}
    assert len(flat) == len(found)
    assert all(d.before is not ABSENT or d.after is not ABSENT for d in found)
    back = [(d.path, d.after, d.before) for d in differences(after, before)]
    assert sorted(map(repr, back)) == sorted(repr((d.path, d.before, d.after)) for d in found)
