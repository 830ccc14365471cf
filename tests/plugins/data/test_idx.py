"""IDX files: read as yann.lecun.com/exdb/mnist describes them, and refused in one line where they are not."""

import gzip
import re
import struct
import tracemalloc

import numpy as np
import pytest

from blockrun.plugins.data.idx import Idx
from blockrun.plugins.errors import DataError

IMAGES = np.arange(24, dtype=np.uint8).reshape(4, 3, 2) * 10
HUGE = struct.pack(">BBBB3I", 0, 0, 8, 3, 2**31, 2**31, 2**31)
LABELS = np.array([3, 0, 2, 0], np.uint8)


def idx(array, kind=8):
    return struct.pack(f">BBBB{array.ndim}I", 0, 0, kind, array.ndim, *array.shape) + array.tobytes()


@pytest.fixture
def source(tmp_path):
    (tmp_path / "images.idx").write_bytes(idx(IMAGES))
    (tmp_path / "images.gz").write_bytes(gzip.compress(idx(IMAGES)))
    (tmp_path / "labels.idx").write_bytes(idx(LABELS))
    return lambda images="images.idx", **options: Idx(
        images=tmp_path / images, labels=tmp_path / "labels.idx", **options
    )


@pytest.mark.parametrize("file", ["images.idx", "images.gz"])
def test_images_are_numbers_from_0_to_1_with_a_channel_and_labels_integers(source, file):
    known = source(file).describe()
    assert known.fields == {"image": ((3, 2, 1), np.float32), "label": ((), np.int64)}
    assert known.values == {"examples": 4, "shape": [3, 2, 1], "classes": 4}
    found = source(file).read(np.array([2, 0]))
    np.testing.assert_allclose(found["image"][..., 0], IMAGES[[2, 0]] / 255, rtol=1e-7)
    assert found["label"].tolist() == [2, 3]
    assert (found["image"].dtype, found["label"].dtype) == (np.float32, np.int64)


def test_rows_are_a_part_of_both_files(source):
    assert source(rows=(1, 3)).describe().examples == 2
    assert source(rows=(1, 3)).read(np.array([1]))["label"].tolist() == [2]


def test_numbers_of_other_types_are_big_endian(tmp_path):
    values = np.array([[[1.5, -2.0]]], ">f4")
    (tmp_path / "f.idx").write_bytes(idx(values, 0x0D))
    np.testing.assert_array_equal(Idx(images=tmp_path / "f.idx").read(np.array([0]))["image"].ravel(), [1.5, -2.0])


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (idx(IMAGES)[:-1], "has 39 bytes; its header [4, 3, 2] asks for 40"),
        (idx(IMAGES) + b"x", "has 41 bytes"),
        (
            struct.pack(">BBBB3I", 0, 0, 8, 3, 2**31, 2**31, 2**31),
            "has 16 bytes; its header [2147483648, 2147483648, 2147483648] asks for 9,9",
        ),
        (b"PK\3\4" + bytes(40), "begins with 50 4b 03 04, which no IDX file does"),
        (b"\0\0", "begins with 00 00"),
        (gzip.compress(idx(IMAGES))[:-9], "not a whole gzip file"),
        (idx(LABELS), "has 1 axes; images have 3, or 4 with channels"),
    ],
    ids=["short", "long", "huge", "zip", "stub", "torn gzip", "labels"],
)
def test_what_is_not_a_file_of_images_is_refused_before_memory_is_taken(tmp_path, data, words):
    (tmp_path / "bad.idx").write_bytes(data)
    with pytest.raises(DataError, match=re.escape(f"bad.idx: {words}")) as caught:
        Idx(images=tmp_path / "bad.idx").describe()
    assert "\n" not in caught.value.message


def test_files_that_do_not_belong_together_are_refused_with_both_numbers(source, tmp_path):
    (tmp_path / "labels.idx").write_bytes(idx(LABELS[:3]))
    with pytest.raises(DataError, match=r"has 3 labels; .*images.idx has 4 images"):
        source().describe()
    (tmp_path / "labels.idx").write_bytes(idx(IMAGES))
    with pytest.raises(DataError, match="holds uint8 with 3 axes; labels are integers") as caught:
        source().describe()
    assert caught.value.help == "are `images` and `labels` exchanged?"


def test_a_file_larger_than_the_memory_taken_is_read_a_batch_at_a_time(tmp_path):
    """A sparse file of 4 GB of images of 1 MB."""
    head = struct.pack(">BBBB3I", 0, 0, 8, 3, 4096, 1024, 1024)
    with (tmp_path / "big.idx").open("wb") as file:
        file.write(head)
        file.truncate(len(head) + (1 << 32))
    source = Idx(images=tmp_path / "big.idx")
    tracemalloc.start()
    try:
        assert source.describe().examples == 4096
        assert source.read(np.array([4095, 0]))["image"].shape == (2, 1024, 1024, 1)
        assert tracemalloc.get_traced_memory()[1] < 20e6
    finally:
        tracemalloc.stop()
