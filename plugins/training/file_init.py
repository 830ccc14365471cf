"""Starting from arrays that somebody else trained or computed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from blockrun.core.shapes import show_shape
from blockrun.plugins.data.npz import read_array
from blockrun.plugins.errors import DataError
from blockrun.plugins.suggest import did_you_mean
from blockrun.plugins.training.contracts import Array, Init

KINDS = (".npz", ".safetensors")


class FromFile(Init):
    """The array `key` of a .npz or .safetensors file, by default that of the parameter's own name.

    In a checkpoint of blockrun that is the average, where there is one, or else the parameter. Nothing is unpickled.
    """

    path: Path
    key: str = ""

    def validate(self) -> None:
        if self.path.suffix not in KINDS:
            raise ValueError(f"`path` is {self.path}; it must end with {' or '.join(KINDS)}")

    def of(self, parameter: str) -> Init:
        return self if self.key else replace(self, key=parameter)

    def __call__(self, rng: np.random.Generator, shape: tuple[int, ...], fan: tuple[int, int], dtype: Any) -> Array:
        read = read_array if self.path.suffix == ".npz" else _read_safetensors
        array = read(self.path, self.key)
        if array.shape != shape:
            fact = f"`{self.key}` has shape {show_shape(array.shape)}, {show_shape(shape)} is wanted"
            raise DataError(f"{self.path}: {fact}")
        if array.dtype.kind not in "biuf":
            raise DataError(f"{self.path}: `{self.key}` is {array.dtype}, which is no number")
        return array.astype(dtype)


def _read_safetensors(path: Path, key: str) -> Array:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="np") as file:
            names = file.keys()
            found = next((n for n in (key, f"average/{key}", f"params/{key}") if n in names), None)
            if found is None:
                raise DataError(f"{path}: there is no array `{key}`", help=did_you_mean(key, names, "it has"))
            array: Array = file.get_tensor(found)
            return array
    except FileNotFoundError:
        raise DataError(f"{path}: there is no such file", help="a path is taken relative to the network file") from None
    except (OSError, SafetensorError, TypeError, ValueError, AttributeError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise DataError(f"{path}: cannot be read as safetensors: {reason}") from None
