"""CIFAR in binary, as www.cs.toronto.edu/~kriz/cifar.html has it: labels, then planes of red, green and blue."""

import re

import numpy as np
import pytest

from blockrun.plugins.data.cifar import Cifar
from blockrun.plugins.errors import DataError

RNG = np.random.default_rng(0)


def record(labels, image):
    return bytes(labels) + image.transpose(2, 0, 1).tobytes()


def images(n):
    return RNG.integers(0, 256, (n, 32, 32, 3), dtype=np.uint8)


@pytest.fixture
def ten(tmp_path):
    """Two images in each of the six files, image i of the training part with label i % 10."""
    x = images(12)
    for i in range(5):
        rows = [record([(2 * i + j) % 10], x[2 * i + j]) for j in (0, 1)]
        (tmp_path / f"data_batch_{i + 1}.bin").write_bytes(b"".join(rows))
    (tmp_path / "test_batch.bin").write_bytes(record([3], x[10]) + record([9], x[11]))
    return tmp_path, x


def test_images_have_their_channels_last_and_come_in_the_order_of_the_files(ten):
    folder, x = ten
    source = Cifar(folder=folder)
    known = source.describe()
    assert known.fields == {"image": ((32, 32, 3), np.float32), "label": ((), np.int64)}
    assert known.values == {"examples": 10, "shape": [32, 32, 3], "classes": 10}
    found = source.read(np.array([7, 0, 9]))
    np.testing.assert_array_equal(np.round(found["image"] * 255), x[[7, 0, 9]])
    assert found["label"].tolist() == [7, 0, 9]
    assert (found["image"].dtype, found["image"].flags.c_contiguous) == (np.float32, True)
    test = Cifar(folder=folder, split="test").read(np.arange(2))
    np.testing.assert_array_equal(np.round(test["image"] * 255), x[10:])
    assert test["label"].tolist() == [3, 9]


def test_a_hundred_classes_have_a_coarse_and_a_fine_label(tmp_path):
    x = images(2)
    (tmp_path / "train.bin").write_bytes(record([4, 73], x[0]) + record([19, 99], x[1]))
    fine, coarse = Cifar(folder=tmp_path), Cifar(folder=tmp_path, labels="coarse")
    assert (fine.describe().values["classes"], coarse.describe().values["classes"]) == (100, 20)
    assert fine.read(np.arange(2))["label"].tolist() == [73, 99]
    assert coarse.read(np.arange(2))["label"].tolist() == [4, 19]
    np.testing.assert_array_equal(np.round(fine.read(np.arange(2))["image"] * 255), x)


def test_what_is_wrong_is_said_with_the_file_and_the_record(ten):
    folder, x = ten
    (folder / "data_batch_4.bin").write_bytes(record([1], x[0]) + record([10], x[1]))
    with pytest.raises(DataError, match=r"data_batch_4\.bin, record 1: its label is 10; there are 10 classes"):
        Cifar(folder=folder).read(np.array([2, 7]))
    (folder / "data_batch_2.bin").write_bytes(bytes(3072))
    with pytest.raises(
        DataError, match=re.escape("data_batch_2.bin: has 3,072 bytes, which is no multiple of the 3,073")
    ):
        Cifar(folder=folder).describe()
    (folder / "data_batch_2.bin").unlink()
    with pytest.raises(DataError, match=r"data_batch_2\.bin: no such file"):
        Cifar(folder=folder).describe()
    with pytest.raises(DataError, match="is CIFAR-10, which has no coarse labels"):
        Cifar(folder=folder, labels="coarse").describe()


def test_an_empty_folder_is_told_what_belongs_there(tmp_path):
    with pytest.raises(DataError, match=r"neither data_batch_1.bin \(CIFAR-10\) nor train.bin \(CIFAR-100\)"):
        Cifar(folder=tmp_path).describe()
