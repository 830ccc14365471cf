"""CIFAR-10 and CIFAR-100 in the binary files that they come as."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Literal

import numpy as np

from blockrun.plugins.data.files import Array, FileStamp, stamp
from blockrun.plugins.data.source import Description, Field, Source
from blockrun.plugins.errors import DataError

PIXELS = 3 * 32 * 32
TEN = {"train": tuple(f"data_batch_{i}.bin" for i in range(1, 6)), "test": ("test_batch.bin",)}
HUNDRED = {"train": ("train.bin",), "test": ("test.bin",)}


class Cifar(Source):
    """32×32 photographs of ten or a hundred kinds of things (Krizhevsky 2009).

    `image` (32, 32, 3) float32 from 0 to 1, `label` () int64. `folder` is that of the unpacked archive, and which
    of the two it is shows in the names of its files. `labels: coarse` gives the twenty groups of CIFAR-100. Files are
    mapped into memory and read as needed.
    """

    folder: Path
    split: Literal["train", "test"] = "train"
    labels: Literal["fine", "coarse"] = "fine"

    def describe(self) -> Description:
        files, label_bytes = self._open()
        examples = sum(map(len, files))
        fields = {"image": Field((32, 32, 3), np.dtype(np.float32)), "label": Field((), np.dtype(np.int64))}
        classes = self._classes(label_bytes)
        return Description(fields, examples, {"classes": classes, "shape": [32, 32, 3], "examples": examples})

    def read(self, indices: Array) -> dict[str, Array]:
        files, label_bytes = self._open()
        starts = np.cumsum([0, *map(len, files)])
        records = np.empty((len(indices), label_bytes + PIXELS), np.uint8)
        for i, file in enumerate(files):
            inside = (indices >= starts[i]) & (indices < starts[i + 1])
            records[inside] = file[indices[inside] - starts[i]]
        label = records[:, 0 if self.labels == "coarse" else label_bytes - 1].astype(np.int64)
        self._check(label, indices, starts, self._classes(label_bytes))
        planes = records[:, label_bytes:].reshape(-1, 3, 32, 32)
        return {"image": np.divide(planes.transpose(0, 2, 3, 1), 255, dtype=np.float32, order="C"), "label": label}

    def _classes(self, label_bytes: int) -> int:
        return 10 if label_bytes == 1 else 20 if self.labels == "coarse" else 100

    def _open(self) -> tuple[list[Array], int]:
        """The records of each file, and how many bytes of one are labels."""
        names, label_bytes = self._names()
        if self.labels == "coarse" and label_bytes == 1:
            raise DataError(f"{self.folder}: is CIFAR-10, which has no coarse labels")
        return [_records(stamp(self.folder / name), label_bytes + PIXELS) for name in names], label_bytes

    def _names(self) -> tuple[tuple[str, ...], int]:
        for names, label_bytes in ((TEN, 1), (HUNDRED, 2)):
            if any((self.folder / name).exists() for name in names[self.split]):
                return names[self.split], label_bytes
        wanted = f"{TEN[self.split][0]} (CIFAR-10) nor {HUNDRED[self.split][0]} (CIFAR-100)"
        raise DataError(f"{self.folder}: has neither {wanted}", help="unpack the archive of the binary version there")

    def _check(self, label: Array, indices: Array, starts: Array, classes: int) -> None:
        wrong = np.flatnonzero(label >= classes)
        if len(wrong):
            index = int(indices[wrong[0]])
            at = int(np.searchsorted(starts, index, side="right")) - 1
            file, record = self.folder / self._names()[0][at], index - int(starts[at])
            raise DataError(f"{file}, record {record}: its label is {label[wrong[0]]}; there are {classes} classes")


@lru_cache(maxsize=16)
def _records(file: FileStamp, size: int) -> Array:
    if file.size % size:
        raise DataError(f"{file.path}: has {file.size:,} bytes, which is no multiple of the {size:,} of an image")
    return np.memmap(file.path, np.uint8, "r").reshape(-1, size)
