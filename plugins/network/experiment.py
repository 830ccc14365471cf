"""What a network file says outside the net, once it has been read: inputs, data, training, the run."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from blockrun.core import Spec
from blockrun.plugins.data.ahead import AT_ITS_TURN, Loading
from blockrun.plugins.data.source import Description
from blockrun.plugins.data.streaming import Readable
from blockrun.plugins.data.transformed import Transforms
from blockrun.plugins.training.contracts import Callback
from blockrun.plugins.training.gradients import Clip, Pieces
from blockrun.plugins.training.groups import Group, Rule


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

    source: Readable
    batch: int
    shuffle: bool
    description: Description


@dataclass(frozen=True)
class Data:
    """The parts of the data by name, the transforms of all of them, None if there are none, and who reads them when."""

    parts: dict[str, DataPart] = field(default_factory=dict)
    transforms: Transforms | None = None
    loading: Loading = AT_ITS_TURN


@dataclass(frozen=True)
class Every:
    """How often: every so many epochs, or every so many steps."""

    epochs: int | None = None
    steps: int | None = None


@dataclass(frozen=True)
class Training:
    """How parameters are learned. Exactly one of `epochs` and `steps` is given.

    `clip` limits gradients, each batch is run in `pieces`, `average` is the decay of a moving average.
    """

    rule: Rule
    groups: tuple[Group, ...] = ()
    clip: Clip | None = None
    pieces: Pieces | None = None
    average: float | None = None
    evaluate: Every = Every(epochs=1)
    epochs: int | None = None
    steps: int | None = None


@dataclass(frozen=True)
class RunSettings:
    """Where a run is written and what makes it repeatable. `name` is one safe component of a path."""

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
    transforms: Transforms | None = None
    loading: Loading = AT_ITS_TURN
    training: Training | None = None
    callbacks: dict[str, Callback] = field(default_factory=dict)
