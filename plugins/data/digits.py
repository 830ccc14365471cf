"""The handwritten digits that come with the package, so that a first network trains without a download."""

from __future__ import annotations

import hashlib
import io
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import numpy as np

from blockrun.plugins.data.source import Description, Field, Source
from blockrun.plugins.errors import DataError

FILE = Path(__file__).with_name("optdigits.npz")
SHA256 = "e17176ba19b507d0c9d204e6a0e82513f410fac70580a37f8e30caea0a81efd0"
SPLITS = {"train": ("train", 0, 3441), "val": ("train", 3441, 3823), "test": ("test", 0, 1797)}

Array = np.ndarray[Any, Any]


class Digits(Source):
    """8×8 images of handwritten digits with their labels (Alpaydin & Kaynak 1998, UCI, CC BY 4.0).

    `image` (8, 8, 1) float32 from 0 to 1, `label` () int64 from 0 to 9. `val` is the last tenth of the official
    training part; `test` holds digits of writers that `train` and `val` have never seen.
    """

    split: Literal["train", "val", "test"] = "train"

    def describe(self) -> Description:
        _, start, end = SPLITS[self.split]
        fields = {"image": Field((8, 8, 1), np.dtype(np.float32)), "label": Field((), np.dtype(np.int64))}
        return Description(fields, end - start, {"classes": 10, "shape": [8, 8, 1], "examples": end - start})

    def read(self, indices: Array) -> dict[str, Array]:
        image, label = _split(*SPLITS[self.split])
        return {"image": image[indices], "label": label[indices]}


def _split(part: str, start: int, end: int) -> tuple[Array, Array]:
    image, label = _part(FILE, part)
    return image[start:end], label[start:end]


@lru_cache(maxsize=2)
def _part(file: Path, part: str) -> tuple[Array, Array]:
    with np.load(io.BytesIO(_verified(file)), allow_pickle=False) as arrays:
        x, y = arrays[f"{part}_x"], arrays[f"{part}_y"]
    return x[..., np.newaxis].astype(np.float32) / 16, y.astype(np.int64)


def _verified(file: Path) -> bytes:
    try:
        data = file.read_bytes()
    except OSError as error:
        raise DataError(f"{file}: {error.strerror}", help="reinstall blockrun, which comes with it") from None
    found = hashlib.sha256(data).hexdigest()
    if found != SHA256:
        fact = f"{file}: its sha256 is {found[:12]}…, that of the digits is {SHA256[:12]}…"
        raise DataError(fact, help="the file was changed or damaged; reinstall blockrun, which comes with it")
    return data
