"""The moving average of weights: what it is made of, where it is measured, and that it is kept."""

import numpy as np
import pytest

from blockrun.plugins.host import load_host
from blockrun.plugins.network import load
from blockrun.plugins.training.average import Average
from blockrun.plugins.training.checkpoint import load_latest
from blockrun.plugins.training.evaluation import evaluate
from blockrun.plugins.training.loop import Trainer
from blockrun.plugins.training.run import load_run, train

HOST = load_host(entry_points=False)
NETWORK = """\
blockrun: 1
inputs: {image: [8, 8, 1], label: {shape: [], dtype: int64}}
net:
  flat: flatten
  fc: {block: linear, units: 12}
  norm: batch_norm
  logits: {block: linear, units: 10}
  loss: {block: softmax_cross_entropy, in: [logits, label]}
data: {train: {source: digits, split: train, batch: 300}, val: {source: digits, split: val}}
train: {steps: 6, average: 0.75, optimizer: {name: sgd, groups: [{match: "fc.*", freeze: true}]}}
"""


@pytest.fixture
def network(tmp_path):
    (tmp_path / "net.yaml").write_text(NETWORK)
    return load(tmp_path / "net.yaml", f"run.dir={tmp_path / 'runs'}", host=HOST)


@pytest.mark.parametrize("decay", [0.5, 0.9, 0.999])
def test_the_weights_fall_off_geometrically_and_add_up_to_one(decay):
    """a = (1 − d)/(1 − dᵗ) · Σᵢ dᵗ⁻ⁱ xᵢ, written out."""
    xs = np.random.default_rng(0).standard_normal((30, 4))
    average = Average(decay)
    for step, x in enumerate(xs, start=1):
        average.take({"x": x}, step)
        weights = decay ** np.arange(step - 1, -1, -1.0)
        np.testing.assert_allclose(average.values["x"], weights / weights.sum() @ xs[:step], rtol=1e-10, atol=1e-13)


def test_what_never_changes_is_its_own_average_to_the_last_bit():
    average = Average(0.9)
    for step in range(1, 50):
        average.take({"x": np.float32(0.1) * np.ones(3, np.float32), "n": np.arange(3)}, step)
    np.testing.assert_array_equal(average.values["x"], np.float32(0.1))
    assert average.values["x"].dtype == np.float32
    np.testing.assert_array_equal(average.values["n"], np.arange(3))


def test_parameters_and_running_statistics_are_averaged_and_what_is_frozen_is_not(network):
    trainer, path = Trainer(network), []
    for _ in trainer.walk():
        path.append({**network.params, **network.state})
    assert trainer.average.values.keys() == {n for n in path[0] if not n.startswith("fc.")}
    weights = 0.75 ** np.arange(5, -1, -1.0)
    for name, average in trainer.average.values.items():
        expected = np.tensordot(weights / weights.sum(), np.array([found[name] for found in path]), 1)
        np.testing.assert_allclose(average, expected, rtol=1e-5, atol=1e-7)
        assert np.abs(average - path[-1][name]).max() > 1e-6


def test_the_average_is_measured_kept_and_loaded(network):
    """The checkpoint holds both; what a run is measured and used with is the average."""
    run = train(network)
    tensors = load_latest(run.folder.checkpoints, "last").tensors
    assert not np.array_equal(tensors["average/logits.W"], tensors["params/logits.W"])
    again = load_run(run.folder, HOST)
    for found in (network, again):
        np.testing.assert_array_equal(found.params["logits.W"], tensors["average/logits.W"])
        np.testing.assert_array_equal(found.params["fc.W"], tensors["params/fc.W"])
        np.testing.assert_array_equal(found.state["norm.mean"], tensors["average/norm.mean"])
        assert evaluate(found, found.sections.data["val"]) == run.results == run.folder.rows()[-1]["val"]
