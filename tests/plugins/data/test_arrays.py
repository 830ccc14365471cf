"""Arrays handed over from a program take the place of the file's data, and stay with the run."""

import re
from contextlib import suppress

import numpy as np
import pytest
from click.testing import CliRunner

import blockrun
from blockrun.plugins.commands.main import main
from blockrun.plugins.errors import DataError
from blockrun.plugins.network.diagnostics import ConfigError
from blockrun.plugins.training.folder import find_folder
from blockrun.plugins.training.run import resume, train
from tests.survival.resume import Killed, StopAt, digests

NET = """blockrun: 1
inputs: {{x: [3], label: {{shape: [], dtype: int64}}}}
net:
  scores: {{block: linear, units: {units}, in: x}}
  loss: {{block: softmax_cross_entropy, in: [scores, label]}}
metrics: {{accuracy: {{block: accuracy, in: [scores, label]}}}}
{data}
train: {{steps: 9, optimizer: adam, evaluate: {{steps: 3}}}}
run: {{dir: runs}}
"""
RNG = np.random.default_rng(0)
X, LABEL = RNG.standard_normal((40, 3)) * 3 + 5, np.arange(40) % 2
DATA = {"x": X, "label": LABEL}


@pytest.fixture
def file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def write(units="2", data=""):
        (tmp_path / "net.yaml").write_text(NET.format(units=units, data=data))
        return "net.yaml"

    return write


def test_arrays_train_as_the_same_numbers_in_a_file_do(file):
    """Bit for bit, with the same batches and transforms."""
    np.savez("d.npz", **DATA)
    said = "data: {transforms: [{transform: normalise, on: x}], train: {batch: 8%s}}"
    from_file = blockrun.load(file(data=said % ", source: npz, path: d.npz"))
    from_file.fit()
    handed = blockrun.load(file(data=said % ""), data=DATA)
    handed.fit()
    assert all(np.array_equal(handed.params[name], from_file.params[name]) for name in handed.params)


def test_a_file_without_data_is_fitted_to_arrays_and_the_run_is_measured_and_resumed_without_them(file):
    net = blockrun.load(file())
    run = net.fit(data={"train": DATA, "val": {"x": X[:9], "label": LABEL[:9].astype(np.uint8)}})
    assert run.part == "val"
    result = CliRunner().invoke(main, ["eval", "latest"])
    assert result.exit_code == 0, result.output
    assert "on 9 examples" in result.output
    whole = digests(run.folder)
    net = blockrun.load(file(), data={"train": DATA, "val": {"x": X[:9], "label": LABEL[:9]}})
    with suppress(Killed):
        train(net, StopAt(5, killed=True))
    resume(find_folder("latest"))
    assert digests(find_folder("latest")) == whole


def test_what_the_file_asks_of_the_data_is_answered_by_the_arrays(file):
    net = blockrun.load(file(units="$data.classes"), data={"x": X, "label": np.arange(40) % 7})
    assert net.params["scores.W"].shape == (7, 3)


def test_parts_that_are_not_handed_over_stay_those_of_the_file(file):
    np.savez("d.npz", x=X[:4], label=LABEL[:4])
    net = blockrun.load(file(data="data: {val: {source: npz, path: d.npz}}"), data=DATA)
    assert {name: part.description.examples for name, part in net.sections.data.items()} == {"train": 40, "val": 4}


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ({"x": X, "label": LABEL[:9]}, "`data` for `train`: `x` has 40 examples and `label` has 9"),
        ({"x": [[1, 2], [3]], "label": [0, 1]}, "`data` for `train`, `x`: is no even array"),
        ({"x": [["a"]], "label": [0]}, "`data` for `train`, `x`: is of type <U1"),
        ({"x": 3.0, "label": [0]}, "`data` for `train`, `x`: is a single number"),
        ({"training": DATA}, "`data` has no part `training`"),
        ({}, "`data` has no arrays for `train`"),
    ],
)
def test_what_is_no_data_is_said(data, said, file):
    with pytest.raises(DataError, match=re.escape(said)):
        blockrun.load(file()).fit(data=data)


def test_arrays_of_another_shape_are_refused_at_the_input(file):
    with pytest.raises(ConfigError, match=r"`x` has shape \[4\] in `data.train`; the input says \[3\]"):
        blockrun.load(file()).fit(data={"x": np.zeros((5, 4)), "label": np.zeros(5, int)})
