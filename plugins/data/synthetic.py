"""Examples made up as they are asked for, for benchmarks and for trying a network before its data are there."""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np
from annotated_types import Ge

from blockrun.plugins.data.files import Array
from blockrun.plugins.data.source import Description, Field, Source


class Synthetic(Source):
    """Random numbers: `fields` maps a field to its shape, for normal numbers, or to {shape, below} for integers.

    Every example depends on `seed` and its own number alone, so that any batch can be had at any time, from any number
    of examples. `$data.classes` is the `below` of the only field of integers.
    """

    fields: dict[str, Any]
    examples: Annotated[int, Ge(1)] = 1_000_000
    seed: Annotated[int, Ge(0)] = 0

    def validate(self) -> None:
        for name, wanted in self.fields.items():
            _read(name, wanted)

    def describe(self) -> Description:
        known = {name: _read(name, wanted) for name, wanted in self.fields.items()}
        fields = {name: Field(shape, _dtype(below)) for name, (shape, below) in known.items()}
        classes = [below for _, below in known.values() if below is not None]
        return Description(fields, self.examples, {"classes": classes[0]} if len(classes) == 1 else {})

    def read(self, indices: Array) -> dict[str, Array]:
        return {name: self._field(i, indices, *_read(name, w)) for i, (name, w) in enumerate(self.fields.items())}

    def _field(self, number: int, indices: Array, shape: tuple[int, ...], below: int | None) -> Array:
        found = np.empty((len(indices), *shape), _dtype(below))
        for row, index in enumerate(indices.tolist()):
            rng = np.random.Generator(np.random.PCG64(np.random.SeedSequence((self.seed, number, index))))
            found[row] = rng.standard_normal(shape, np.float32) if below is None else rng.integers(0, below, shape)
        return found


def _dtype(below: int | None) -> np.dtype[Any]:
    return np.dtype(np.float32 if below is None else np.int64)


def _read(name: str, wanted: Any) -> tuple[tuple[int, ...], int | None]:
    """The shape and the bound of a field as the file says them; raises `ValueError`."""
    said = dict(wanted) if isinstance(wanted, dict) else {"shape": wanted}
    shape, below = said.pop("shape", ()), said.pop("below", None)
    if said:
        raise ValueError(f"`fields.{name}` has no `{next(iter(said))}`; it has `shape` and `below`")
    if not isinstance(shape, (list, tuple)) or not all(type(n) is int and n >= 0 for n in shape):
        raise ValueError(f"`fields.{name}` has shape {shape!r}; it must be a list of sizes, such as [8, 8, 1]")
    if below is not None and (type(below) is not int or below < 1):
        raise ValueError(f"`fields.{name}` has below {below!r}; it must be an integer, at least 1")
    return tuple(shape), below
