"""The sections of a network file other than the net itself: inputs, data, training, the run, plugins."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from annotated_types import Ge, Gt

from blockrun.core import Spec
from blockrun.core.options import show
from blockrun.plugins.data.source import Description, Source
from blockrun.plugins.errors import UserError
from blockrun.plugins.host import Host
from blockrun.plugins.training.contracts import Optimizer, Schedule

from .diagnostics import did_you_mean
from .nodes import find_component
from .reader import Cursor

TOP = ("blockrun", "extends", "plugins", "vars", "inputs", "templates", "net", "metrics", "data", "train", "callbacks", "run")  # fmt: skip
LATER = ("extends", "templates", "callbacks")
DTYPES = ("float32", "float64", "int64", "int32", "int16", "int8", "uint8", "bool")
RUN_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,99}\Z")
PARTS = ("train", "val", "test")


@dataclass(frozen=True)
class Input:
    """A variable that is fed: `shape` without the batch axis, the data field it comes from, or its constant value.

    `below` bounds integers that are drawn where there are no data.
    """

    shape: tuple[int, ...]
    dtype: Any
    batch: bool = True
    source: str = ""
    value: Any = None
    below: int = 2

    @property
    def spec(self) -> Spec:
        """As assembly wants it: an empty batch, if there is a batch axis."""
        return Spec((0, *self.shape) if self.batch else self.shape, np.dtype(self.dtype))


@dataclass(frozen=True)
class DataPart:
    """One part of the data: where it comes from, and how it is cut into batches."""

    source: Source
    batch: int
    shuffle: bool
    description: Description


@dataclass(frozen=True)
class Training:
    """How parameters are learned. Exactly one of `epochs` and `steps` is given."""

    optimizer: Optimizer
    schedule: Schedule
    epochs: int | None = None
    steps: int | None = None


@dataclass(frozen=True)
class RunSettings:
    """Where a run is written and what makes it repeatable."""

    seed: int = 0
    dir: Path = Path("runs")
    dtype: str = "float32"
    name: str = ""
    threads: int | None = None


@dataclass
class Sections:
    """What the file says outside the net."""

    run: RunSettings
    inputs: dict[str, Input] = field(default_factory=dict)
    data: dict[str, DataPart] = field(default_factory=dict)
    training: Training | None = None


def check_top(root: Cursor) -> None:
    """Complain about unknown and unavailable sections and about the format number."""
    root.only(TOP)
    for key in LATER:
        if key in root:
            root[key].error("E015", f"`{key}` is not available in this version of blockrun", key=True)
    if "blockrun" not in root:
        root.error("E009", "the file does not say which format it is in", help="add a first line `blockrun: 1`")
    elif root.value["blockrun"] != 1 or isinstance(root.value["blockrun"], bool):
        root["blockrun"].error("E004", f"format {show(root.value['blockrun'])} is not known; this version reads 1")
    if "net" not in root:
        root.error("E009", "the file has no `net`", help="add `net:` with at least one node")


def read_run(root: Cursor) -> RunSettings:
    """The `run` section; defaults where it says nothing."""
    if "run" not in root:
        return RunSettings()
    section = root["run"]
    section.only(("seed", "dir", "dtype", "name", "threads"))
    name = section.get("name", str, "")
    if name and not RUN_NAME.match(name):
        section["name"].error("E014", f"`{name}` cannot name a folder", help="use letters, digits, `.`, `_` and `-`")
    return RunSettings(
        seed=section.get("seed", Annotated[int, Ge(0)], 0),
        dir=section.get("dir", Path, Path("runs")),
        dtype=section.get("dtype", Literal["float32", "float64"], "float32"),
        name=name,
        threads=section.get("threads", Annotated[int, Ge(1)]),
    )


def read_inputs(root: Cursor, dtype: str) -> dict[str, Input]:
    """The `inputs` section: what is fed, per example."""
    found: dict[str, Input] = {}
    if "inputs" not in root:
        return found
    for name, cursor in root["inputs"].named("input"):
        read = _read_input(name, cursor, dtype)
        if read is not None:
            found[name] = read
    return found


def _read_input(name: str, cursor: Cursor, dtype: str) -> Input | None:
    if isinstance(cursor.value, list):
        cursor = Cursor({"shape": cursor.value}, cursor.path, cursor.problems)
    if not cursor.is_map("a shape such as [8, 8, 1], or a map with `shape:` or `value:`"):
        return None
    cursor.only(("shape", "dtype", "batch", "value", "from", "below"))
    kind = cursor.get("dtype", Literal[DTYPES], dtype)  # type: ignore[valid-type]
    if "value" in cursor:
        return _constant(name, cursor, kind)
    if "shape" not in cursor:
        cursor.error("E009", f"input `{name}` has neither `shape` nor `value`", key=True)
        return None
    shape = cursor.get("shape", tuple[Annotated[int, Ge(1)], ...])
    if shape is None:
        return None
    below = cursor.get("below", Annotated[int, Ge(1)], 2)
    return Input(shape, kind, cursor.get("batch", bool, True), cursor.get("from", str, name), below=below)


def _constant(name: str, cursor: Cursor, dtype: str) -> Input | None:
    try:
        value = np.array(cursor.value["value"], dtype=dtype)
    except (ValueError, TypeError, OverflowError):
        cursor["value"].error("E004", f"the value of `{name}` is not a number or an even list of numbers")
        return None
    shape = cursor.get("shape", tuple[Annotated[int, Ge(1)], ...], value.shape)
    if shape != value.shape:
        cursor["value"].error("E040", f"the value of `{name}` has shape {value.shape}, not {shape}")
    return Input(value.shape, dtype, batch=False, value=value)


def read_data(section: Cursor, host: Host, folder: Path) -> dict[str, DataPart]:
    """The `data` section, its references replaced; relative paths start from `folder`."""
    found: dict[str, DataPart] = {}
    for name, cursor in section.items("a map with `train`, `val`, `test`"):
        if name not in PARTS:
            cursor.error("E005", f"unknown part `{name}` of the data", help=did_you_mean(name, PARTS), key=True)
            continue
        part = _read_part(name, cursor, host, folder)
        if part is not None:
            found[name] = part
    return found


def _read_part(name: str, cursor: Cursor, host: Host, folder: Path) -> DataPart | None:
    if isinstance(cursor.value, str):
        cursor = Cursor({"source": cursor.value}, cursor.path, cursor.problems)
    if not cursor.is_map("a map with `source:`"):
        return None
    batch = cursor.get("batch", Annotated[int, Ge(1)], 64)
    shuffle = cursor.get("shuffle", bool, name == "train")
    if "source" not in cursor:
        cursor.error("E009", f"`data.{name}` has no `source`", help=did_you_mean("", host.names("sources"), "sources"))
        return None
    kind = cursor.get("source", str)
    cls = None if kind is None else find_component(host, "sources", kind, cursor["source"], "E050")
    given = {key: v for key, v in cursor.value.items() if key not in ("source", "batch", "shuffle")}
    source = None if cls is None else cursor.options(cls, given, f"source {kind}")
    if source is None:
        return None
    paths = {n: folder / getattr(source, n) for n, hint in source.option_types.items() if hint is Path}
    source = replace(source, **paths) if paths else source
    try:
        return DataPart(source, batch, shuffle, source.describe())  # type: ignore[arg-type, attr-defined]
    except UserError as error:
        cursor.error("E053", error.message, help=error.help)
        return None


def check_fields(root: Cursor, inputs: dict[str, Input], data: dict[str, DataPart]) -> None:
    """Complain where an input has no field in the data, or one of another shape."""
    for name, wanted in inputs.items():
        for part, held in data.items():
            if wanted.value is not None or not wanted.batch:
                continue
            cursor = root["inputs"][name]
            fields = held.description.fields
            if wanted.source not in fields:
                help = did_you_mean(wanted.source, fields, "fields") + "; say `from: FIELD` for another name"
                cursor.error("E051", f"`data.{part}` has no field `{wanted.source}`", help=help, key=True)
            elif tuple(fields[wanted.source].shape) != wanted.shape:
                there = tuple(fields[wanted.source].shape)
                message = f"`{wanted.source}` in `data.{part}` has shape {there}, the input {wanted.shape}"
                cursor.error("E052", message, help=f"write {list(there)}")
            elif np.dtype(wanted.dtype).kind in "iu" and fields[wanted.source].dtype.kind == "f":
                message = f"`{wanted.source}` in `data.{part}` holds {fields[wanted.source].dtype}, not whole numbers"
                cursor.error("E052", message, key=True)


def read_training(root: Cursor, host: Host) -> Training | None:
    """The `train` section; None if there is none or it does not fit."""
    if "train" not in root or not root["train"].is_map():
        return None
    section = root["train"]
    section.only(("minimize", "epochs", "steps", "optimizer"))
    epochs = section.get("epochs", Annotated[int, Ge(1)])
    steps = section.get("steps", Annotated[int, Ge(1)])
    if ("epochs" in section) == ("steps" in section):
        fact = "says both `epochs` and `steps`" if "epochs" in section else "says neither `epochs` nor `steps`"
        section.error("E009", f"`train` {fact}", help="say one of them", key=True)
    made = _read_optimizer(section, host)
    return None if made is None else Training(*made, epochs=epochs, steps=steps)


def _read_optimizer(section: Cursor, host: Host) -> tuple[Optimizer, Schedule] | None:
    if "optimizer" not in section:
        section.error("E009", "`train` has no `optimizer`", help="add `optimizer: adam`", key=True)
        return None
    cursor = section["optimizer"]
    if isinstance(cursor.value, str):
        cursor = Cursor({"name": cursor.value}, cursor.path, cursor.problems)
    made = _read_named(cursor, host, "optimizers", "optimizer", ("lr",))
    if made is None:
        return None
    rate = _read_rate(cursor, host, made.lr)
    return None if rate is None else (made, rate)


def _read_rate(cursor: Cursor, host: Host, default: float) -> Schedule | None:
    if "lr" in cursor and isinstance(cursor.value["lr"], dict):
        return _read_named(cursor["lr"], host, "schedules", "schedule", ())  # type: ignore[no-any-return]
    rate = cursor.get("lr", Annotated[float, Gt(0)], default if "lr" not in cursor else None)
    return None if rate is None else host.find("schedules", "constant")(rate=rate)  # type: ignore[no-any-return]


def _read_named(cursor: Cursor, host: Host, kind: str, what: str, others: tuple[str, ...]) -> Any:
    if not cursor.is_map(f"the name of an {what}, or a map with `name:`"):
        return None
    if "name" not in cursor:
        cursor.error(
            "E009", f"this {what} has no `name`", help=did_you_mean("", host.names(kind), f"{what}s"), key=True
        )
        return None
    name = cursor.get("name", str)
    cls = None if name is None else find_component(host, kind, name, cursor["name"], "E060")
    given = {key: v for key, v in cursor.value.items() if key not in ("name", *others)}
    return None if cls is None else cursor.options(cls, given, f"{what} {name}")
