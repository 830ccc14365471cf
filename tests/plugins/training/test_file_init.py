"""Parameters that start from a file: found by name, of the right shape, and never code or a path."""

import pickle

import numpy as np
import pytest
import safetensors.numpy

from blockrun.plugins.errors import DataError
from blockrun.plugins.network import load
from blockrun.plugins.training.checkpoint import save_checkpoint
from blockrun.plugins.training.file_init import FromFile
from blockrun.plugins.training.run import load_run, train

W = np.arange(30.0).reshape(3, 10)


@pytest.fixture
def file(tmp_path):
    def write(name, **arrays):
        path = tmp_path / name
        if name.endswith(".npz"):
            np.savez(path, **arrays)
        else:
            safetensors.numpy.save_file(arrays, path)
        return path

    return write


def start(path, key="", shape=(3, 10), dtype=np.float32, parameter="fc.W"):
    init = FromFile(path=path, key=key).of(parameter)
    return init(np.random.default_rng(0), shape, (1, 1), dtype)


def refusal(path, **options):
    with pytest.raises(DataError) as caught:
        start(path, **options)
    assert caught.value.message.startswith(str(path))
    return caught.value.message, caught.value.help


@pytest.mark.parametrize("name", ["w.npz", "w.safetensors"])
def test_an_array_is_found_under_the_name_of_the_parameter_or_under_its_key(file, name):
    path = file(name, **{"fc.W": W, "other": -W, "single": np.array(7)})
    np.testing.assert_array_equal(start(path), W)
    np.testing.assert_array_equal(start(path, key="other"), -W)
    assert start(path, key="single", shape=()) == 7
    assert start(path).dtype == np.float32


@pytest.mark.parametrize("name", ["w.npz", "w.safetensors"])
def test_a_name_that_is_not_there_and_a_shape_that_does_not_fit_are_said(file, name):
    path = file(name, **{"fc1.W": W})
    message, help = refusal(path)
    assert message.endswith("there is no array `fc.W`")
    assert "did you mean `fc1.W`?" in help
    assert refusal(path, key="fc1.W", shape=(10, 3))[0].endswith("`fc1.W` has shape (3, 10), (10, 3) is wanted")


def test_a_checkpoint_gives_the_average_where_there_is_one(tmp_path):
    path = tmp_path / "c.safetensors"
    save_checkpoint(path, {"params/fc.W": W}, {})
    np.testing.assert_array_equal(start(path), W)
    save_checkpoint(path, {"params/fc.W": W, "average/fc.W": 2 * W}, {})
    np.testing.assert_array_equal(start(path), 2 * W)
    np.testing.assert_array_equal(start(path, key="params/fc.W"), W)


@pytest.mark.parametrize("content", [b"", b"x", bytes(100), pickle.dumps({"fc.W": 1}), b"\xff" * 8 + b"{}"])
@pytest.mark.parametrize("name", ["w.npz", "w.safetensors"])
def test_what_is_no_such_file_is_refused(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    refusal(tmp_path / name)
    refusal(tmp_path / f"none_{name}")


def test_objects_are_never_unpickled(tmp_path):
    path = tmp_path / "w.npz"
    np.savez(path, **{"fc.W": np.array([{}], dtype=object)})
    assert "only numbers" in refusal(path)[0]


def test_other_kinds_of_file_are_refused_by_their_names():
    with pytest.raises(ValueError, match=r"`path` is w\.pkl; it must end with \.npz or \.safetensors"):
        FromFile(path="w.pkl")


BLOCK = """\
from typing import Annotated

from blockrun.core import Block, Param


class Scaled(Block):
    def params(self, x):
        return {"w": Param(x.shape[1:], init={"name": "from_file", "path": "w.npz"})}

    def forward(self, ctx, x, *, w):
        return x * w, (x, w)

    def backward(self, ctx, saved, dy):
        x, w = saved
        return dy * w, (dy * x).sum(axis=0)
"""
NETWORK = """\
blockrun: 1
plugins: {local: [scaled.py]}
inputs: {image: [8, 8, 1], label: {shape: [], dtype: int64}}
net:
  scaled: scaled
  flat: flatten
  logits: {block: linear, units: 10}
  loss: {block: softmax_cross_entropy, in: [logits, label]}
data: {train: {source: digits, split: train, batch: 1000}}
train: {epochs: 1, optimizer: sgd}
"""


def test_the_path_is_relative_to_the_network_file_and_a_run_does_not_need_the_file_again(tmp_path):
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    (folder / "scaled.py").write_text(BLOCK)
    (folder / "net.yaml").write_text(NETWORK)
    np.savez(folder / "w.npz", **{"scaled.w": np.full((8, 8, 1), 0.5)})
    network = load(folder / "net.yaml", f"run.dir={tmp_path / 'runs'}")
    np.testing.assert_array_equal(network.params["scaled.w"], np.float32(0.5))
    run = train(network)
    (folder / "w.npz").unlink()
    np.testing.assert_array_equal(load_run(run.folder).params["scaled.w"], network.params["scaled.w"])
