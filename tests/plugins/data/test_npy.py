"""Mapped arrays: as they were saved, without reading more than is asked for."""

import tracemalloc

import numpy as np
import pytest

from blockrun.plugins.data.npy import Npy
from blockrun.plugins.errors import DataError

X = np.arange(24, dtype=np.float32).reshape(6, 2, 2)
Y = np.array([0, 2, 1, 2, 0, 1], np.uint8)


@pytest.fixture
def folder(tmp_path):
    np.save(tmp_path / "x.npy", X)
    np.save(tmp_path / "y.npy", Y)
    return tmp_path


def test_each_field_is_a_file(folder):
    source = Npy(folder=folder, fields={"image": "x.npy", "label": "y.npy"}, rows=(1, 6))
    known = source.describe()
    assert known.fields == {"image": ((2, 2), np.float32), "label": ((), np.int64)}
    assert known.values == {"examples": 5, "shape": [2, 2], "classes": 3}
    found = source.read(np.array([4, 0]))
    np.testing.assert_array_equal(found["image"], X[[5, 1]])
    assert found["label"].tolist() == [1, 2]


def test_a_file_larger_than_the_memory_taken_is_read_a_batch_at_a_time(tmp_path):
    """A sparse file of 8 GB, of which a batch is 1 MB: far less than 10 MB of memory is taken."""
    np.lib.format.open_memmap(tmp_path / "big.npy", mode="w+", dtype=np.float32, shape=(2**15, 2**16)).flush()
    source = Npy(folder=tmp_path, fields={"x": "big.npy"})
    tracemalloc.start()
    try:
        assert source.describe().examples == 2**15
        assert source.read(np.array([2**15 - 1, 5, 77, 0]))["x"].shape == (4, 2**16)
        assert tracemalloc.get_traced_memory()[1] < 10e6
    finally:
        tracemalloc.stop()


def test_files_of_different_lengths_are_refused_with_both_numbers(folder):
    np.save(folder / "y.npy", Y[:5])
    with pytest.raises(DataError, match="`a` has 6 examples and `b` has 5"):
        Npy(folder=folder, fields={"a": "x.npy", "b": "y.npy"}).describe()


@pytest.mark.parametrize(
    ("write", "words"),
    [
        (lambda path: np.save(path, np.array([{}]), allow_pickle=True), "not a readable .npy file"),
        (lambda path: np.save(path, np.array(["a"])), "is of type <U1; only numbers"),
        (lambda path: np.save(path, np.float32(1)), "is a single number"),
        (lambda path: path.write_bytes((path.parent / "x.npy").read_bytes()[:-1]), "not a readable .npy file"),
        (lambda path: path.write_bytes(b"\x93NUMPY\1\0(((((("), "not a readable .npy file"),
        (lambda path: None, "no such file"),
    ],
    ids=["objects", "text", "scalar", "short", "header", "missing"],
)
def test_what_is_not_an_array_of_numbers_is_refused_in_one_line(folder, write, words):
    write(folder / "bad.npy")
    with pytest.raises(DataError, match=words) as caught:
        Npy(folder=folder, fields={"x": "bad.npy"}).describe()
    assert "\n" not in caught.value.message
    assert "bad.npy" in caught.value.message
