"""The `inputs` section: what is fed, and whether the data have it."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from typing import Annotated, Any, Literal

import numpy as np
from annotated_types import Ge

from blockrun.core.options import show
from blockrun.plugins.suggest import did_you_mean

from .document import is_broken
from .experiment import DataPart, Input
from .reader import Cursor, missing, show_plain

Dtype = Literal["float32", "float64", "int64", "int32", "int16", "int8", "uint8", "bool"]
Sizes = tuple[Annotated[int, Ge(1)], ...]
MOST_NUMBERS, MOST_AXES = 2**31, 32  # of one example
KEYS = ("shape", "dtype", "batch", "value", "from", "below")


def read_inputs(root: Cursor, dtype: str) -> dict[str, Input]:
    """The `inputs` section: what is fed, per example. Whatever is floating has the `dtype` of the run."""
    found: dict[str, Input] = {}
    if "inputs" in root:
        for name, cursor in root["inputs"].named("input"):
            read = _read_input(name, cursor.expanded("shape", list), dtype)
            found |= {} if read is None else {name: read}
    return found


def _read_input(name: str, cursor: Cursor, dtype: str) -> Input | None:
    if not cursor.is_map("a shape such as [8, 8, 1], or a map with `shape:` or `value:`"):
        return None
    before = cursor.problems.complaints
    cursor.only(KEYS)
    kind = cursor.get("dtype", Dtype, dtype)
    kind = dtype if kind.startswith("float") else kind
    if "value" not in cursor and missing("shape", cursor.value, KEYS):
        help = "write the shape of one example, such as `shape: [8, 8, 1]`, or `shape: []` for a number"
        cursor.error("E009", f"input `{name}` has neither `shape` nor `value`", "no shape", help, key=True)
    read = (_constant if "value" in cursor else _fed)(name, cursor, kind)
    return read if cursor.problems.complaints == before and not is_broken(cursor.value) else None


def _fed(name: str, cursor: Cursor, dtype: str) -> Input | None:
    shape = cursor.get("shape", Sizes, ())
    below = cursor.get("below", Annotated[int, Ge(1)], 2)
    batch, source = cursor.get("batch", bool, True), cursor.get("from", str, name)
    if len(shape) > MOST_AXES:
        fact = f"`{name}` has {len(shape)} axes; the most is {MOST_AXES}"
        cursor.nearest("shape").error("E044", fact, "too many")
    if prod(shape) > MOST_NUMBERS:
        fact = f"an example of `{name}` would be {prod(shape):,} numbers; the most is {MOST_NUMBERS:,}"
        cursor.nearest("shape").error("E044", fact, "too large")
    return Input(shape, dtype, batch, source, below=below)


def _constant(name: str, cursor: Cursor, dtype: str) -> Input | None:
    for key in ("batch", "from", "below"):
        if key in cursor:
            cursor[key].error("E005", f"`{key}` means nothing beside `value`", "remove this", key=True)
    at = cursor["value"]
    wrong = next((leaf for leaf in _leaves(at.value) if not _is_a(leaf, dtype)), None)
    value = None if wrong else _exactly(at.value, dtype)
    if value is None:
        shown = show(wrong[0]) if wrong else show_plain(at.value)
        at.error("E004", f"`{name}` is {shown}; its value must be {_wanted(dtype)}", f"not {dtype}")
        return None
    shape = cursor.get("shape", Sizes, value.shape)
    if shape != value.shape:
        at.error("E040", f"the value of `{name}` has shape {value.shape}; its `shape` says {shape}", "another shape")
    return Input(value.shape, dtype, batch=False, value=value)


def _exactly(value: Any, dtype: str) -> Any:
    """`value` as an array of `dtype`; None if lists are uneven or empty, or a number does not fit."""
    try:
        with np.errstate(over="ignore", invalid="ignore"):
            given = np.array(value)
            made = given.astype(dtype)
    except (ValueError, TypeError, OverflowError):
        return None
    same = np.isfinite(made) == np.isfinite(given) if made.dtype.kind == "f" else made == given
    return made if made.size and np.all(same) else None


def _leaves(value: Any) -> Iterator[tuple[Any]]:
    """Everything in nested lists, each in a tuple of its own."""
    if isinstance(value, list):
        for part in value:
            yield from _leaves(part)
    else:
        yield (value,)


def _is_a(leaf: tuple[Any], dtype: str) -> bool:
    kinds = {"f": (int, float), "i": (int,), "u": (int,), "b": (bool,)}[np.dtype(dtype).kind]
    return isinstance(leaf[0], kinds) and (isinstance(leaf[0], bool) == (dtype == "bool"))


def _wanted(dtype: str) -> str:
    kind = {"f": "a number", "b": "true or false"}.get(np.dtype(dtype).kind, f"a whole number that fits {dtype}")
    return f"{kind}, or an even list of them"


def check_fields(root: Cursor, inputs: dict[str, Input], data: dict[str, DataPart]) -> None:
    """Complain where an input has no field in the data, or one of another shape or kind; once for each input."""
    for name, wanted in inputs.items():
        if wanted.value is None and wanted.batch:
            cursor = root["inputs"][name]
            any(_misfits(cursor, wanted, f"data.{part}", held) for part, held in data.items())


def _misfits(cursor: Cursor, wanted: Input, part: str, held: DataPart) -> bool:
    fields = held.description.fields
    at = cursor.nearest("from")
    if wanted.source not in fields:
        help = did_you_mean(wanted.source, fields, "its fields are")
        if at is cursor:
            help += f"{'' if help.endswith('?') else '.'} Another name is read with `from: FIELD`."
        at.error("E051", f"`{part}` has no field `{wanted.source}`", "not in the data", help, key=at is cursor)
        return True
    shape, dtype = tuple(fields[wanted.source].shape), np.dtype(fields[wanted.source].dtype)
    if shape != wanted.shape:
        fact = f"`{wanted.source}` has shape {list(shape)} in `{part}`; the input says {list(wanted.shape)}"
        cursor.nearest("shape").error("E052", fact, "another shape", f"write {list(shape)}")
        return True
    if dtype.kind == "f" and np.dtype(wanted.dtype).kind != "f":
        fact = f"`{wanted.source}` is {dtype} in `{part}`; the input says {wanted.dtype}"
        at.error("E052", fact, "would lose the fraction", "leave `dtype` out, or choose another field", key=True)
        return True
    return False
