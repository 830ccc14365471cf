"""Rare classes count as much as frequent ones where the file asks for it: `weights: $data.class_weights`."""

import numpy as np
import pytest

from blockrun.plugins.network.build import load
from blockrun.plugins.network.diagnostics import ConfigError

NET = """blockrun: 1
inputs: {{x: [4], label: {{shape: [], dtype: int64}}}}
net:
  scores: {{block: linear, units: 3, in: x}}
  loss: {{block: softmax_cross_entropy, in: [scores, label], weights: $data.class_weights}}
data:
  transforms: [{{transform: normalise, on: x}}]
  train: {{source: npz, path: d.npz{take}}}
"""


@pytest.fixture
def network(tmp_path):
    def network(label, take=""):
        x = np.random.default_rng(0).standard_normal((len(label), 4))
        np.savez(tmp_path / "d.npz", x=x, label=label)
        (tmp_path / "net.yaml").write_text(NET.format(take=take))
        return load(tmp_path / "net.yaml", "run.dtype=float64")

    return network


def test_the_loss_of_the_whole_is_the_mean_over_classes_of_the_loss_of_each(network):
    label = np.repeat([0, 1, 2], [60, 9, 3])
    net = network(label)
    weights = net.resolved["net"]["loss"]["weights"]
    np.testing.assert_allclose(weights, [72 / 180, 72 / 27, 72 / 9], rtol=1e-15)
    assert np.mean(np.array(weights)[label]) == pytest.approx(1)
    x = net.sections.data["train"].source.read(np.arange(72))["x"]
    scores = net.forward({"x": x}, keep=["scores"])["scores"]
    each = np.log(np.exp(scores).sum(axis=1)) - scores[np.arange(72), label]
    expected = np.mean([each[label == k].mean() for k in range(3)])
    loss = net.forward({"x": x, "label": label}, keep=["loss"])["loss"]
    assert float(loss) == pytest.approx(expected, rel=1e-12)


def test_only_the_part_that_is_taken_counts(network):
    label = np.repeat([0, 1, 2], [60, 9, 3])
    net = network(label, take=", take: [0, 0.6]")
    own = np.bincount(net.sections.data["train"].source.read(np.arange(43))["label"])
    np.testing.assert_allclose(net.resolved["net"]["loss"]["weights"], 43 / (3 * own), rtol=1e-15)
    assert own.tolist() != [36, 5, 2]


def test_a_class_without_examples_has_no_weight_and_is_named_where_it_is_asked_for(network):
    with pytest.raises(ConfigError, match="class 1 of `label` has no examples") as caught:
        network(np.array([0, 2, 2]))
    (found,) = caught.value.diagnostics
    assert (found.code, found.mark.line) == ("E053", 5)
