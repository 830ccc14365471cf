"""Pictures in folders, one folder a class, read as they are needed with Pillow."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple

import numpy as np
from annotated_types import Ge

from blockrun.plugins.data.files import Array
from blockrun.plugins.data.source import Description, Field, Source
from blockrun.plugins.errors import DataError, PluginError

ENDINGS = (".bmp", ".gif", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp")
Count = Annotated[int, Ge(1)]


class ImageFolder(Source):
    """`folder/CLASS/picture.png`: the folders in sorted order are the classes 0, 1, ..., `$data.class_names`.

    `image` (height, width, channels) float32 from 0 to 1, `label` () int64. With `size` [height, width] every picture
    is resized, without it all must be of one size. `channels` is 3 for red, green and blue, 1 for grey. Pictures are
    turned upright as their camera says. Needs Pillow: `pip install "blockrun[images]"`.
    """

    folder: Path
    size: tuple[Count, Count] | None = None
    channels: Literal[1, 3] = 3

    def describe(self) -> Description:
        found = _found(self.folder)
        height, width = self.size or self._open(found.files[0]).shape[:2]
        shape = (height, width, self.channels)
        fields = {"image": Field(shape, np.dtype(np.float32)), "label": Field((), np.dtype(np.int64))}
        values = {"classes": len(found.names), "class_names": list(found.names), "shape": list(shape)}
        return Description(fields, len(found.files), {"examples": len(found.files), **values})

    def read(self, indices: Array) -> dict[str, Array]:
        found = _found(self.folder)
        images = np.empty((len(indices), *self.describe().fields["image"].shape), np.float32)
        for row, index in enumerate(indices.tolist()):
            image = self._open(found.files[index])
            if image.shape != images.shape[1:]:
                fact = f"{found.files[index]}: is {_show(image)}; {found.files[0]} is {_show(images[0])}"
                raise DataError(fact, help="`size: [height, width]` makes all of one size")
            np.divide(image, 255, out=images[row])
        return {"image": images, "label": found.labels[indices]}

    def read_field(self, name: str, indices: Array) -> Array:
        return _found(self.folder).labels[indices] if name == "label" else self.read(indices)[name]

    def _open(self, file: Path) -> Array:
        """One picture as bytes (height, width, channels)."""
        pillow = _pillow()
        try:
            with pillow.Image.open(file) as opened:
                upright = pillow.ImageOps.exif_transpose(opened).convert("L" if self.channels == 1 else "RGB")
            if self.size is not None:
                upright = upright.resize(self.size[::-1], pillow.Image.Resampling.BILINEAR)
        except MemoryError:
            raise
        except Exception as error:  # Pillow raises nearly anything on a damaged file
            reason = (str(error).splitlines() or [type(error).__name__])[0]
            reason = "" if "cannot identify" in reason else f" ({reason})"
            raise DataError(f"{file}: not a readable picture{reason}") from None
        return np.asarray(upright).reshape(*upright.size[::-1], self.channels)


def _show(image: Array) -> str:
    return f"{image.shape[0]}×{image.shape[1]}"


def _pillow() -> Any:
    try:
        import PIL.Image
        import PIL.ImageOps
    except ImportError:
        fact = "source `image_folder` needs Pillow, which is not installed"
        raise PluginError(fact, help='`pip install "blockrun[images]"` installs it') from None
    return PIL


class _Found(NamedTuple):
    """The files of all classes, their labels, and the names of the classes."""

    files: list[Path]
    labels: Array
    names: tuple[str, ...]


def _found(folder: Path) -> _Found:
    if not folder.is_dir():
        what = "is not a folder" if folder.exists() else "there is no such folder"
        raise DataError(f"{folder}: {what}", help="a path is taken relative to the network file")
    inside = sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))
    return _listed(folder, tuple((path, path.stat().st_mtime_ns) for path in inside))


@lru_cache(maxsize=8)
def _listed(folder: Path, classes: tuple[tuple[Path, int], ...]) -> _Found:
    """What there is in the folders of classes, which are listed again when one has changed."""
    if not classes:
        raise DataError(f"{folder}: has no folders in it", help="put the pictures of each class in a folder of its own")
    files: list[Path] = []
    counts = []
    for path, _ in classes:
        own = sorted(file for file in path.iterdir() if file.suffix.lower() in ENDINGS and file.is_file())
        if not own:
            raise DataError(f"{path}: has no pictures", help=f"their names end in {', '.join(ENDINGS)}")
        files += own
        counts.append(len(own))
    return _Found(files, np.repeat(np.arange(len(counts)), counts), tuple(path.name for path, _ in classes))
