"""Sequences of uneven length as arrays of one: padded at the end, with their lengths and a mask of what is there."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, NamedTuple

import numpy as np
from annotated_types import Ge

from blockrun.plugins.data.files import Array
from blockrun.plugins.data.source import Description, Field
from blockrun.plugins.errors import DataError

Length = Annotated[int, Ge(1)] | None


class Unpadded(NamedTuple):
    """Sequence i is `values` (total, ...) from `starts[i]` to `starts[i + 1]`, said in row `rows[i]` of its file.

    `more` has what else is known of each by field, such as its label; `names` those of the classes, if they are words.
    """

    values: Array
    starts: Array
    rows: Array
    more: dict[str, Array]
    names: list[str]

    @property
    def lengths(self) -> Array:
        return np.diff(self.starts)


def describe(path: Path, found: Unpadded, length: Length, cut: bool) -> Description:
    """Fields x, length and mask, padded to `length` or else to the longest; raises `DataError` for one that is longer.

    The answers are `classes` and `class_names` where there are labels, and `vocab` where the values are integers.
    """
    steps = int(found.lengths.max()) if length is None else length
    if not cut and found.lengths.max() > steps:
        at = int(np.argmax(found.lengths > steps))
        fact = f"{path}, row {found.rows[at]}: has {found.lengths[at]} steps; `length` is {steps}"
        raise DataError(fact, help="a larger `length`, or `cut: true` to leave out what comes after")
    values: dict[str, Any] = {"examples": len(found.rows), "shape": [steps, *found.values.shape[1:]]}
    fields = {
        "x": Field((steps, *found.values.shape[1:]), found.values.dtype),
        "length": Field((), np.dtype(np.int64)),
        "mask": Field((steps,), np.dtype(np.bool_)),
    }
    fields |= {name: Field(x.shape[1:], x.dtype) for name, x in found.more.items()}
    label = found.more.get("label")
    if label is not None and label.ndim == 1 and label.dtype.kind == "i" and label.min() >= 0:
        values["classes"] = len(found.names) or int(label.max()) + 1
        values |= {"class_names": found.names} if found.names else {}
    if found.values.dtype.kind == "i":
        values["vocab"] = int(found.values.max(initial=0)) + 1
    return Description(fields, len(found.rows), values, {"x": "mask"})


def pad(found: Unpadded, indices: Array, steps: int, fill: float) -> dict[str, Array]:
    """The sequences with the numbers `indices`, what is beyond `steps` left out, what is missing `fill`."""
    lengths = np.minimum(found.lengths[indices], steps)
    mask = np.arange(steps) < lengths[:, None]
    x = np.full((len(indices), steps, *found.values.shape[1:]), fill, found.values.dtype)
    places = found.starts[indices][:, None] + np.arange(steps)
    x[mask] = found.values[places[mask]]
    return {"x": x, "length": lengths, "mask": mask, **{name: y[indices] for name, y in found.more.items()}}


def joined(path: Path, parts: list[Array], rows: list[int], more: dict[str, Array], names: list[str]) -> Unpadded:
    """What was read one sequence after another; raises `DataError` if that is none."""
    if not parts:
        raise DataError(f"{path}: has no sequences")
    starts = np.cumsum([0, *map(len, parts)])
    return Unpadded(np.concatenate(parts), starts, np.array(rows), more, names)


def labels(path: Path, said: list[str], rows: list[int], classes: list[str] | None = None) -> tuple[Array, list[str]]:
    """Labels as they are written: whole numbers, numbers, or words, which become classes in sorted order or that given.

    Raises `DataError` for one that is not among the `classes` given.
    """
    if classes is None:
        for kind in (np.int64, np.float32):
            try:
                return np.array(said, dtype=np.str_).astype(kind), []
            except (ValueError, OverflowError):
                continue
    names = sorted(set(said)) if classes is None else classes
    number = {name: i for i, name in enumerate(names)}
    for row, word in zip(rows, said, strict=True):
        if word not in number:
            raise DataError(f"{path}, row {row}: the class is `{word}`; the file says that they are {', '.join(names)}")
    return np.array([number[word] for word in said], np.int64), names


def numbers(path: Path, row: int, cells: list[str], first: int = 1) -> Array:
    """Cells as numbers, the first of which is number `first` of its row; raises `DataError` naming one that is not."""
    try:
        found = np.array(cells, dtype=np.str_).astype(np.float64)
    except ValueError:
        found = np.array([_number(cell) for cell in cells])
    if not np.isfinite(found).all():
        at = int(np.argmin(np.isfinite(found)))
        raise DataError(f"{path}, row {row}, column {first + at}: `{cells[at].strip()}` is not a number")
    return found


def _number(cell: str) -> float:
    try:
        return float(cell)
    except ValueError:
        return np.nan
