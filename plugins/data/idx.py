"""Images and labels in the IDX format of MNIST and Fashion-MNIST, plain or gzipped."""

from __future__ import annotations

import gzip
import math
import zlib
from functools import lru_cache
from pathlib import Path

import numpy as np

from blockrun.plugins.data.files import Array, FileStamp, check_rows, description, rows_within, stamp
from blockrun.plugins.data.source import Description, Field, Source
from blockrun.plugins.errors import DataError

TYPES = {0x08: "u1", 0x09: "i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
MOST = 1 << 34  # bytes that a gzipped file may become


class Idx(Source):
    """Images with their labels, from the files that MNIST and Fashion-MNIST come as (LeCun, Cortes & Burges 1998).

    `image` (H, W, 1) float32, bytes divided by 255; an image with channels, (H, W, C), keeps them. `label` () int64,
    where `labels` is given. `rows` is a half-open range [first, end]. A plain file is mapped into memory and read as
    needed, a gzipped one is unpacked as bytes.
    """

    images: Path
    labels: Path | None = None
    rows: tuple[int, int] | None = None

    def validate(self) -> None:
        check_rows(self.rows)

    def describe(self) -> Description:
        images, labels = self._open()
        fields = {"image": Field(_image_shape(images), np.dtype(np.float32))}
        if labels is not None:
            fields["label"] = Field((), np.dtype(np.int64))
        return description(fields, len(self._range(images)), lambda _: np.asarray(labels, np.int64))

    def read(self, indices: Array) -> dict[str, Array]:
        images, labels = self._open()
        rows = self._range(images)
        chosen = images[rows.start : rows.stop][indices].reshape(-1, *_image_shape(images))
        scale = 255 if images.dtype == np.uint8 else 1
        found = {"image": np.divide(chosen, scale, dtype=np.float32)}
        if labels is not None:
            found["label"] = labels[rows.start : rows.stop][indices].astype(np.int64)
        return found

    def _open(self) -> tuple[Array, Array | None]:
        images = _load(stamp(self.images))
        if images.ndim not in (3, 4):
            raise DataError(f"{self.images}: has {images.ndim} axes; images have 3, or 4 with channels")
        if self.labels is None:
            return images, None
        labels = _load(stamp(self.labels))
        if labels.ndim != 1 or labels.dtype.kind not in "iu":
            fact = f"{self.labels}: holds {labels.dtype.name} with {labels.ndim} axes; labels are integers, one axis"
            raise DataError(fact, help="are `images` and `labels` exchanged?")
        if len(labels) != len(images):
            raise DataError(f"{self.labels}: has {len(labels)} labels; {self.images} has {len(images)} images")
        return images, labels

    def _range(self, images: Array) -> range:
        return rows_within(self.images, self.rows, len(images))


def _image_shape(images: Array) -> tuple[int, ...]:
    return images.shape[1:] if images.ndim == 4 else (*images.shape[1:], 1)


@lru_cache(maxsize=8)
def _load(file: FileStamp) -> Array:
    with file.path.open("rb") as opened:
        zipped = opened.read(2) == b"\x1f\x8b"
    if zipped:
        return _parse(file.path, np.frombuffer(_unpacked(file), np.uint8))
    return _parse(file.path, np.memmap(file.path, np.uint8, "r"))


def _unpacked(file: FileStamp) -> bytes:
    try:
        with gzip.open(file.path) as opened:
            data = opened.read(MOST + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{file.path}: not a whole gzip file ({error})") from None
    if len(data) > MOST:
        raise DataError(f"{file.path}: unpacks to more than {MOST:,} bytes")
    return data


def _parse(path: Path, data: Array) -> Array:
    """The array that the bytes of an IDX file stand for: two zeros, a type, the number of axes, their lengths."""
    magic = bytes(data[:4])
    if len(magic) < 4 or magic[:2] != b"\0\0" or magic[2] not in TYPES or not magic[3]:
        raise DataError(f"{path}: begins with {magic.hex(' ') or 'nothing'}, which no IDX file does")
    dtype, axes = np.dtype(TYPES[magic[2]]), magic[3]
    start = 4 + 4 * axes
    shape = tuple(int(n) for n in np.frombuffer(bytes(data[4:start]), ">u4"))
    wanted = start + math.prod(shape) * dtype.itemsize
    if len(shape) != axes or wanted != len(data):
        raise DataError(f"{path}: has {len(data):,} bytes; its header {list(shape)} asks for {wanted:,}")
    return data[start:].view(dtype).reshape(shape)
