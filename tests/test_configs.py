"""Every network in configs/ runs: two steps of training where the file says how, else one pass forward and backward."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

import numpy as np
import pytest

from blockrun.plugins.network.build import load
from blockrun.plugins.network.draw import draw_inputs
from blockrun.plugins.training.loop import Trainer

FILES = sorted((Path(__file__).resolve().parents[1] / "configs").glob("*.yaml"))


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_every_network_of_configs_runs(file, tmp_path):
    network = load(file, f"run.dir={tmp_path}")
    if network.sections.training is not None:
        train_two_steps(network)
    else:
        differentiate(network)


def train_two_steps(network):
    before = {name: array.copy() for name, array in network.params.items()}
    trainer = Trainer(network)
    list(islice(trainer.walk(), 2))
    assert np.isfinite(trainer.loss)
    still = [name for name, array in network.params.items() if np.array_equal(array, before[name])]
    assert not still, "these were not trained"


def differentiate(network):
    floats = [name for name, wanted in network.inputs.items() if np.dtype(wanted.dtype).kind == "f"]
    wrt = (*network.params, *floats)
    feed = draw_inputs(network)
    shapes = {name: array.shape for name, array in (network.params | network.feed(feed)).items()}
    gradients = network.gradients(feed, wrt)
    assert {name: gradient.shape for name, gradient in gradients.items()} == {name: shapes[name] for name in wrt}
    assert all(np.isfinite(gradient).all() and gradient.any() for gradient in gradients.values())
