"""The digits that come with the package are the published ones, split as their authors split them."""

import numpy as np
import pytest

from blockrun.plugins.data import digits
from blockrun.plugins.data.digits import Digits
from blockrun.plugins.errors import DataError


def test_the_splits_are_cut_from_the_official_parts():
    """3823 and 1797 are the sizes that the authors' description gives; 382 is the last tenth of the former."""
    sizes = [Digits(split=split).describe().examples for split in ("train", "val", "test")]
    assert sizes == [3441, 382, 1797]
    train, val = Digits().read(np.arange(3441)), Digits(split="val").read(np.arange(382))
    with np.load(digits.FILE) as raw:
        np.testing.assert_array_equal(np.concatenate([train["label"], val["label"]]), raw["train_y"])


def test_labels_are_distributed_as_published():
    """The counts per digit in the training and the test part, from the authors' description of the data."""
    train = np.concatenate([Digits().read(np.arange(3441))["label"], Digits(split="val").read(np.arange(382))["label"]])
    assert np.bincount(train).tolist() == [376, 389, 380, 389, 387, 376, 377, 387, 380, 382]
    test = Digits(split="test").read(np.arange(1797))["label"]
    assert np.bincount(test).tolist() == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]


def test_a_nearest_neighbour_finds_98_percent_of_the_unseen_writers():
    """The authors' description gives 98.00 % for k = 1, which no shuffled or mis-scaled copy would reach."""
    every = [Digits(split=split).read(np.arange(n)) for split, n in (("train", 3441), ("val", 382), ("test", 1797))]
    known = np.concatenate([every[0]["image"], every[1]["image"]]).reshape(-1, 64)
    labels = np.concatenate([every[0]["label"], every[1]["label"]])
    unseen = every[2]["image"].reshape(-1, 64)
    nearest = ((known**2).sum(1) - 2 * unseen @ known.T).argmin(1)
    assert round(100 * np.mean(labels[nearest] == every[2]["label"]), 2) == 98.00


def test_what_is_read_is_what_was_described():
    source = Digits(split="val")
    known = source.describe()
    arrays = source.read(np.array([5, 0, 5]))
    assert {name: (a.shape[1:], a.dtype) for name, a in arrays.items()} == known.fields
    assert len(arrays["label"]) == 3
    assert (arrays["image"].min(), arrays["image"].max()) == (0, 1)
    assert known.values == {"classes": 10, "shape": [8, 8, 1], "examples": 382}


def test_a_changed_file_is_refused(tmp_path, monkeypatch):
    data = bytearray(digits.FILE.read_bytes())
    data[1000] ^= 1
    (tmp_path / "optdigits.npz").write_bytes(data)
    monkeypatch.setattr(digits, "FILE", tmp_path / "optdigits.npz")
    with pytest.raises(DataError, match="sha256"):
        Digits().read(np.arange(1))
