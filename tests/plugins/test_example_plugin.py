"""The example plugin: a third party's block, optimizer, callback and transform, installed as a package of its own."""

from __future__ import annotations

import sys
import tomllib
from pathlib import Path

import numpy as np
import pytest

from blockrun.plugins.data.batches import Batches
from blockrun.plugins.export.contracts import Trained
from blockrun.plugins.export.standalone import Python
from blockrun.plugins.host import load_host
from blockrun.plugins.network.build import load
from blockrun.plugins.training.run import train

EXAMPLE = Path(__file__).parents[1] / "example_plugin"


@pytest.fixture
def installed(site, monkeypatch):
    """The project as its own `pyproject.toml` declares it, and not as it was when it was last installed."""
    for module in [name for name in sys.modules if name.partition(".")[0] == "blockrun_swish"]:
        monkeypatch.delitem(sys.modules, module)
    project = tomllib.loads((EXAMPLE / "pyproject.toml").read_text())["project"]
    points = "".join(f"{name} = {value}\n" for name, value in project["entry-points"]["blockrun"].items())
    site.add_package(EXAMPLE / "blockrun_swish", project["name"], f"[blockrun]\n{points}", project["version"])
    return load_host()


def test_the_block_is_found_and_differentiates_rightly(installed):
    """Against x σ(x) and central differences, ε = 1e-6, in float64."""
    swish = installed.find("blocks", "swish")()
    x = np.linspace(-4, 4, 9)
    y = x / (1 + np.exp(-x))
    found, saved = swish.forward(None, x)
    assert np.allclose(found, y, rtol=1e-12)
    step = 1e-6
    slope = ((x + step) / (1 + np.exp(-x - step)) - (x - step) / (1 + np.exp(-x + step))) / (2 * step)
    assert np.allclose(swish.backward(None, saved, np.ones(9)), slope, rtol=1e-8)


def test_the_optimizer_moves_by_the_rate_against_the_sign(installed):
    signsgd = installed.find("optimizers", "signsgd")()
    p, state = signsgd.update(np.zeros(3, np.float32), np.array([3, -0.1, 0], np.float32), {}, 0.5, 1)
    assert p.tolist() == [-0.5, 0.5, 0]
    assert p.dtype == np.float32
    assert state == {}


def test_the_callback_ends_a_run_that_has_reached_its_target(installed, tmp_path):
    network = load(EXAMPLE / "swish.yaml", "callbacks.enough.below=1.0", f"run.dir={tmp_path}", host=installed)
    run = train(network)
    losses = [row["train"]["loss"] for row in run.folder.rows()]
    assert losses[-1] < 1 <= min(losses[:-1], default=1)
    assert run.reason == f"target: objective is {losses[-1]:.4g}"


def test_the_transform_changes_each_example_by_a_factor_of_its_own_and_in_training_alone(installed):
    source = load(EXAMPLE / "swish.yaml", host=installed).sections.data["train"].source
    plain = source.whole.read(np.arange(64))["image"]
    np.testing.assert_array_equal(source.read(np.arange(64))["image"], plain)
    found = next(Batches(source, 64, augment=True).epoch(0))["image"]
    factor = found.sum(axis=(1, 2, 3)) / plain.sum(axis=(1, 2, 3))
    np.testing.assert_allclose(found, plain * factor[:, None, None, None], rtol=1e-5)
    assert 0.9 <= factor.min() < 0.95 < 1.05 < factor.max() <= 1.1


def test_its_network_file_loads(installed):
    network = load(EXAMPLE / "swish.yaml", host=installed)
    assert "swish" in [node.block.name for node in network.graph.nodes]


def test_its_network_goes_into_a_script_without_it(installed, tmp_path):
    """The exporter runs it where neither blockrun nor this plugin can be imported."""
    network = load(EXAMPLE / "swish.yaml", host=installed)
    (script,) = Python().export(Trained(network), tmp_path / "swish.py")
    assert "class Swish(Block):" in script.read_text()
    assert "import blockrun" not in script.read_text()
