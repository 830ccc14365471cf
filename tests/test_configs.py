"""Every network in configs/ runs: two steps of training where the file says how, else one pass forward and backward."""

from __future__ import annotations

import gzip
import string
from itertools import islice
from pathlib import Path

import numpy as np
import pytest

from blockrun.plugins.network.build import load
from blockrun.plugins.network.draw import draw_inputs
from blockrun.plugins.training.loop import Trainer

CONFIGS = Path(__file__).resolve().parents[1] / "configs"
FILES = sorted(CONFIGS.glob("*.yaml"))


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


COUNTS = {  # nodes with metrics, parameters: by hand or, where it is said, as published
    "autoencoder": (7, 16 * 64 + 16 + 64),
    "digits": (17, 25_978),
    "gpt": (2 + 4 * 10 + 4, 65 * 128 + 64 * 128 + 4 * (12 * 128**2 + 4 * 128 + 3 * 128 + 4 * 128 + 128) + 256),
    "inception": (18, 160 + 136 + 136 + 1_168 + 68 + 808 + 136 + 1_610),
    "kamper_fork": (5, 0),
    "kamper_matmul": (2, 0),
    "kamper_mlp1": (3, 8),
    "kamper_mlp2": (5, (3 + 1) * 4 + (4 + 1) * 2),
    "kamper_mlp4": (9, (3 + 1) * 6 + (6 + 1) * 5 + (5 + 1) * 4 + (4 + 1) * 2),
    "kamper_scalar": (6, 0),
    "kamper_shared": (3, 4),
    "lenet": (10, 431_080),  # Caffe's LeNet
    "multitask": (8, 64 * 64 + 64 + 64 * 10 + 10 + 64 * 64 + 64),
    "resnet20": (75, 272_474),  # 269,722 of He et al. 2016 with options A, and 2,752 of two projections
    "rnn": (4, 16 * 4 + 16 * 16 + 16 + 3 * 16 + 3),
    "rnn_unrolled": (1 + 12 + 3, 16 * 4 + 16 * 16 + 16 + 3 * 16 + 3),
    "siamese": (18, 208 + 3_216 + 256 * 16),
    "unet": (31, 27_401),
    "vgg": (21, 896 + 18_496 + 73_856 + 147_584 + 524_544 + 65_792 + 2_570),
}


def size(network):
    return len(network.graph.nodes), sum(p.size for p in network.params.values())


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_network_of_configs_has_the_nodes_and_parameters_it_should(file):
    assert size(load(file)) == COUNTS[file.stem]


SCOREBOARD = {  # of the experiments of the scoreboard, whose data are not here
    "fashion": (16, 5**2 * 32 + 64 + 5**2 * 32 * 64 + 128 + 7**2 * 64 * 256 + 512 + 256 * 10 + 10),
    "gpt": COUNTS["gpt"],
    "gunpoint": (14, 8 * 32 + 64 + 5 * 32 * 64 + 128 + 3 * 64 * 32 + 64 + 32 * 2 + 2),
    "italy_power_demand": (14, 8 * 32 + 64 + 5 * 32 * 64 + 128 + 3 * 64 * 32 + 64 + 32 * 2 + 2),
    "lstm": (8, 65 * 64 + 1024 * (64 + 256 + 1) + 1024 * (256 + 256 + 1) + 65 * 256 + 65),
    "sunspots": (10, 12 * 8 + 8 + 8 + 1 + 12 + 1),
}


@pytest.fixture(scope="module")
def made_up(tmp_path_factory):
    """A folder with the files of the scoreboard, as they are laid out but short and made up."""
    folder, rng = tmp_path_factory.mktemp("data"), np.random.default_rng(0)
    for part, count in (("train", 256), ("t10k", 40)):
        images = bytes([0, 0, 8, 3, 0, 0, count >> 8, count & 255, 0, 0, 0, 28, 0, 0, 0, 28]) + rng.bytes(count * 28**2)
        labels = bytes([0, 0, 8, 1, 0, 0, count >> 8, count & 255]) + bytes(i % 10 for i in range(count))
        (folder / f"{part}-images-idx3-ubyte.gz").write_bytes(gzip.compress(images))
        (folder / f"{part}-labels-idx1-ubyte.gz").write_bytes(gzip.compress(labels))
    (folder / "tinyshakespeare.txt").write_text((string.ascii_letters + string.digits + " .!") * 40)
    for name, length in (("GunPoint", 150), ("ItalyPowerDemand", 24)):
        for part in ("TRAIN", "TEST"):
            rows = [[*rng.standard_normal(length), i % 2] for i in range(32)]
            write_table(folder / f"{name}_{part}.csv", [*(f"t{i + 1}" for i in range(length)), "label"], rows)
    years = [[1712 + i, *rng.integers(200, size=13)] for i in range(250)]
    write_table(folder / "sunspots.csv", ["year", *(f"lag{i}" for i in range(12, 0, -1)), "spots"], years)
    return folder


def write_table(path, header, rows):
    path.write_text("".join(",".join(map(str, row)) + "\n" for row in [header, *rows]))


@pytest.mark.parametrize("file", sorted(CONFIGS.glob("scoreboard/*.yaml")), ids=lambda file: file.stem)
def test_every_network_of_the_scoreboard_runs_and_has_the_nodes_and_parameters_it_should(file, made_up, tmp_path):
    network = load(file, f"vars.folder={made_up}", f"run.dir={tmp_path}")
    assert size(network) == SCOREBOARD[file.stem]
    train_two_steps(network)


def test_one_variable_makes_resnet_110_of_resnet_20():
    """1,727,962 parameters by He et al. 2016, table 6 (1.7 M), and the two projections."""
    assert size(load(FILES[0].with_name("resnet20.yaml"), "vars.n=18"))[1] == 1_727_962 + 2_752


def test_gpt_with_shared_layers_has_the_parameters_of_one():
    """Lan et al. 2020."""
    shared = load(FILES[0].with_name("gpt.yaml"), "vars.tied_layers=true")
    one = load(FILES[0].with_name("gpt.yaml"), "vars.layers=1")
    assert size(shared)[1] == size(one)[1]
    assert size(shared)[0] == size(load(FILES[0].with_name("gpt.yaml")))[0]


def test_a_recurrent_block_and_its_cell_unrolled_are_the_same_network():
    """Values and gradients agree to 1e-10, though one is a loop in a block and the other nodes and edges."""
    rolled, unrolled = (load(FILES[0].with_name(f"{n}.yaml"), "run.dtype=float64") for n in ("rnn", "rnn_unrolled"))
    assert rolled.params.keys() == unrolled.params.keys()
    unrolled.params.update(rolled.params)
    feed = draw_inputs(rolled, 5)
    np.testing.assert_allclose(rolled.forward(feed, ["loss"])["loss"], unrolled.forward(feed, ["loss"])["loss"], 1e-10)
    expected = rolled.gradients(feed, (*rolled.params, "sequence"))
    for name, gradient in unrolled.gradients(feed, (*rolled.params, "sequence")).items():
        np.testing.assert_allclose(gradient, expected[name], rtol=1e-10, atol=1e-14)
