"""Numbers on one scale, which is that of the training part."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any, Literal

import numpy as np

from blockrun.plugins.data.source import Description, Field
from blockrun.plugins.data.transform import Array, Known, Transform
from blockrun.plugins.errors import DataError


class Normalise(Transform):
    """(x − μ) / σ, with the mean μ and deviation σ of the training part, in float64 and in one pass (Chan et al. 1983).

    `per: channel` takes them for each place of the last axis, over examples, rows, columns and time; `entry` for each
    number of an example, `all` once. Of sequences that are padded, the steps that are there count, whichever they are.
    Where σ is 0, 1 is taken. Integers become float32.
    """

    per: Literal["channel", "entry", "all"] = "channel"

    def describe(self, given: Description, on: str) -> Description:
        field = given.fields[on]
        return replace(given, fields={**given.fields, on: field._replace(dtype=_floating(field.dtype))})

    def measure(self, pieces: Callable[[], Iterable[Array]]) -> Known:
        count, mean, squares = 0, np.float64(0), np.float64(0)  # squares: the sum of (x − mean)²
        for x in pieces():
            axes = self._axes(x)
            n = x.size // max(np.mean(x, axis=axes).size, 1)
            own = np.mean(x, axis=axes, dtype=np.float64)
            difference, whole = own - mean, count + n
            squares = squares + np.var(x, axis=axes, dtype=np.float64) * n + difference**2 * (count * n / whole)
            mean, count = mean + difference * (n / whole), whole
        std = np.sqrt(squares / max(count, 1))
        if not np.isfinite(std).all():
            raise DataError("`normalise` finds numbers in `data.train` that are not finite")
        return {"mean": np.asarray(mean), "std": np.where(std > 0, std, 1.0)}

    def _axes(self, x: Array) -> tuple[int, ...]:
        """The axes to go over: never none, so that a field of single numbers has one mean."""
        return tuple(range(x.ndim if self.per == "all" else 1 if self.per == "entry" else max(x.ndim - 1, 1)))

    def apply(self, x: Array, known: Known) -> Array:
        dtype = _floating(x.dtype)
        return (x.astype(dtype, copy=False) - known["mean"].astype(dtype)) / known["std"].astype(dtype)

    def expression(self, x: str, field: Field, known: dict[str, str]) -> str:
        cast = f'.astype("{_floating(field.dtype).name}")'
        return f"({x}{'' if field.dtype.kind == 'f' else cast} - {known['mean']}{cast}) / {known['std']}{cast}"


def _floating(dtype: np.dtype[Any]) -> np.dtype[Any]:
    return dtype if dtype.kind == "f" else np.dtype(np.float32)
