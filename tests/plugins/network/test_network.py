"""The network as Python sees it: what `blockrun.load` gives, and that its numbers are those of the theory."""

import math
from pathlib import Path

import numpy as np
import pytest

import blockrun
from blockrun.plugins.errors import UserError
from blockrun.plugins.network import Network

CONFIGS = Path(blockrun.__file__).parent / "configs"
REGRESSION = """\
blockrun: 1
inputs: {features: [2], label: {shape: [1]}}
net:
  fc: {block: linear, units: 1, bias: false}
  loss: {block: sum_of_squares, in: [fc, label]}
metrics: {error: {block: sum_of_squares, in: [fc, label]}}
data: {train: {source: csv, path: line.csv, batch: 4, fields: {features: [a, b], label: [y]}}}
train: {epochs: 60, optimizer: {name: sgd, lr: 0.02}}
"""


@pytest.fixture
def regression(tmp_path):
    """y = 2a − b, exactly."""
    rows = [(1, 0), (0, 1), (1, 1), (2, 1), (1, 3), (2, 2)]
    (tmp_path / "line.csv").write_text("a,b,y\n" + "".join(f"{a},{b},{2 * a - b}\n" for a, b in rows))
    (tmp_path / "line.yaml").write_text(REGRESSION)
    return tmp_path / "line.yaml"


def test_load_is_there_and_takes_overrides(regression):
    network = blockrun.load(regression, "net.fc.units=3", "inputs.label.shape=[3]", "data.train.fields.label=[y, a, b]")
    assert isinstance(network, Network)
    assert network.params["fc.W"].shape == (3, 2)


def test_a_path_can_be_text(regression):
    assert list(blockrun.load(str(regression)).params) == ["fc.W"]


def test_forward_and_gradients_are_those_of_the_theory():
    """f = (x + σ(y)) / (x² + y) at x = 3, y = −4, differentiated by hand (Kamper 2022, §3)."""
    network = blockrun.load(CONFIGS / "kamper_scalar.yaml", "run.dtype=float64")
    x, y = 3.0, -4.0
    s, d = 1 / (1 + math.exp(-y)), x**2 + y
    values = network.forward({})
    assert values["f"] == pytest.approx((x + s) / d, rel=1e-14)
    gradients = network.gradients({}, wrt=("x", "y"))
    assert gradients["x"] == pytest.approx(1 / d - (x + s) * 2 * x / d**2, rel=1e-14)
    assert gradients["y"] == pytest.approx(s * (1 - s) / d - (x + s) / d**2, rel=1e-14)


def test_gradients_of_the_parameters_by_default(regression):
    """∂/∂W of ‖XWᵀ − Y‖² = 2 (XWᵀ − Y)ᵀ X."""
    network = blockrun.load(regression, "run.dtype=float64")
    X, Y = np.array([[1.0, 2.0], [3.0, -1.0]]), np.array([[0.5], [2.0]])
    W = network.params["fc.W"]
    ((name, found),) = network.gradients({"features": X, "label": Y}).items()
    assert name == "fc.W"
    np.testing.assert_allclose(found, 2 * (X @ W.T - Y).T @ X, rtol=1e-13)


def test_parameters_are_plain_arrays_that_may_be_replaced(regression):
    network = blockrun.load(regression)
    network.params["fc.W"] = np.array([[2.0, -1.0]], np.float32)
    assert network.forward({"features": [[5, 1]]}, keep=["fc"])["fc"].tolist() == [[9.0]]


def test_one_seed_is_one_network_and_another_is_another(regression):
    one, same, other = (blockrun.load(regression, f"run.seed={seed}").params["fc.W"] for seed in (1, 1, 2))
    assert np.array_equal(one, same)
    assert not np.array_equal(one, other)


def test_another_layer_does_not_change_the_first_values_of_the_others(regression, tmp_path):
    """Design §8: seeds are derived by node path."""
    longer = REGRESSION.replace("  loss:", "  extra: {block: linear, units: 1}\n  loss:")
    (tmp_path / "longer.yaml").write_text(longer)
    assert np.array_equal(
        blockrun.load(regression).params["fc.W"], blockrun.load(tmp_path / "longer.yaml").params["fc.W"]
    )


def test_fit_trains_and_leaves_the_trained_parameters(regression, tmp_path):
    network = blockrun.load(regression, f"run.dir={tmp_path / 'runs'}")
    run = network.fit()
    np.testing.assert_allclose(network.params["fc.W"], [[2.0, -1.0]], atol=1e-3)
    assert run.results["error"] < 1e-4
    assert list((tmp_path / "runs" / "line").iterdir()) == [run.folder.path]


def test_the_summary_shows_every_node_and_counts_every_parameter_once():
    network = blockrun.load(CONFIGS / "digits.yaml")
    text = network.summary()
    rows = text.splitlines()
    assert [row.split()[0] for row in rows[1:-1]] == [node.name for node in network.graph.nodes]
    assert rows[-1].startswith(f"{sum(array.size for array in network.params.values()):,} parameters, ")
    assert repr(network) == text


@pytest.mark.parametrize(
    ("feed", "fact"),
    [
        ({"features": [[1.0, 2.0, 3.0]]}, "input `features` has shape (1, 3); it must be (N, 2)"),
        ({"features": [1.0, 2.0]}, "input `features` has shape (2,); it must be (N, 2)"),
        ({"features": 1.0}, "input `features` has shape (); it must be (N, 2)"),
        ({"features": [["a", "b"]]}, "input `features` is <U1"),
        ({"features": [[1j, 2j]]}, "input `features` is complex128"),
    ],
)
def test_a_feed_that_does_not_fit_names_the_input(regression, feed, fact):
    with pytest.raises(UserError) as caught:
        blockrun.load(regression).feed(feed)
    assert caught.value.message.startswith(fact)


def test_labels_with_a_fraction_are_not_cut_off():
    network = blockrun.load(CONFIGS / "digits.yaml")
    with pytest.raises(UserError, match=r"label.*float64.*int64"):
        network.feed({"label": [1.5]})


def test_what_is_not_a_scalar_cannot_be_differentiated():
    network = blockrun.load(CONFIGS / "digits.yaml")
    network.objective = {"logits": 1.0}
    with pytest.raises(UserError, match=r"`logits` has shape \(N, 10\)"):
        network.gradients({"image": np.zeros((2, 8, 8, 1))})


def test_the_resolved_file_is_the_file_with_everything_put_in():
    network = blockrun.load(CONFIGS / "digits.yaml", "train.epochs=2")
    assert network.resolved["net"]["logits"]["units"] == 10
    assert network.resolved["train"]["epochs"] == 2
    assert list(network.resolved) == list(network.document.data)
