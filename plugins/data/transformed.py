"""The examples of a source after the transforms of a file: all of them in training, the same ones in evaluation."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from threading import RLock
from typing import Any, NamedTuple

import numpy as np

from blockrun.plugins.data.source import Description
from blockrun.plugins.data.streaming import Readable, pieces
from blockrun.plugins.data.transform import Batch, Draw, Known, Transform
from blockrun.plugins.errors import DataError
from blockrun.plugins.training.seeds import derive

Array = np.ndarray[Any, Any]


class Step(NamedTuple):
    """One transform, and the fields that it is done to, with the same random numbers for each."""

    transform: Transform
    on: tuple[str, ...]


class Epoch(NamedTuple):
    """One pass over the training part: its number, the seed of the run, and the examples in their order."""

    number: int
    seed: int
    order: Array

    def path(self, transform: int) -> tuple[int, int, int]:
        """What the random numbers of a transform are derived from."""
        return self.seed, transform, self.number


class Transforms:
    """The transforms of a file in their order. What they must know of the training part is measured when it is needed.

    `training` is the training part before them, None if the file has none.
    """

    def __init__(self, steps: Sequence[Step], training: Readable | None) -> None:
        self.steps, self.training = tuple(steps), training
        self._known: dict[tuple[int, str], Known] = {}
        self._measuring = RLock()  # so that threads that read ahead do it once; what comes first is measured first

    def describe(self, given: Description) -> Description:
        """What they make of a source that is described so; raises `ValueError`."""
        for transform, on in self.steps:
            for field in on:
                given = transform.describe(given, field)
        return given

    def apply(self, batch: Batch, steps: int | None = None) -> Batch:
        """Examples as in evaluation; what is about a field that is not there is left out."""
        for number, (transform, on) in enumerate(self.steps[:steps]):
            for field in on:
                if field in batch:
                    batch = transform.apply_of_batch(batch, field, self.known(number, field))
        return batch

    def draw(self, source: Readable, epoch: Epoch, start: int, count: int, steps: int | None = None) -> Batch:
        """The examples at the places from `start` on in an epoch, after the first `steps` transforms."""
        steps = len(self.steps) if steps is None else steps
        if steps == 0:
            return source.read(epoch.order[start : start + count])
        number = steps - 1
        batch = self.draw(source, epoch, start, count, number)
        for field in self.steps[number].on:
            draw = Draw(epoch.path(number), start, count, lambda: self._others(source, epoch, start, count, number))
            known = self.known(number, field)
            batch = self.steps[number].transform.augment_of_batch(batch, field, known, draw)
        return batch

    def _others(self, source: Readable, epoch: Epoch, start: int, count: int, number: int) -> Batch:
        """The examples that stand so many places further on in the epoch; how many is drawn once for it."""
        whole = len(epoch.order)
        shift = np.random.default_rng(derive(epoch.seed, "others", number, epoch.number)).random()
        first = (start + 1 + int(shift * (whole - 1))) % whole
        ahead = min(count, whole - first)
        parts = [self.draw(source, epoch, first, ahead, number)]
        if ahead < count:
            parts.append(self.draw(source, epoch, 0, count - ahead, number))
        return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}

    def known(self, number: int, field: str) -> Known:
        """What transform `number` knows of a field of the training part."""
        transform = self.steps[number].transform
        if type(transform).measure is Transform.measure:
            return {}
        with self._measuring:
            if (number, field) not in self._known:
                if self.training is None:
                    raise DataError(f"`{transform.name}` is measured on `data.train`, which the file does not have")
                self._known[number, field] = transform.measure(lambda: self._pieces(number, field))
            return self._known[number, field]

    def _pieces(self, steps: int, field: str) -> Iterator[Array]:
        assert self.training is not None
        mask = self.training.describe().masks.get(field)
        for piece in pieces(self.training):
            batch = self.apply(piece, steps)
            yield batch[field][batch[mask]] if mask else batch[field]

    def tensors(self) -> dict[str, Array]:
        """All that is known of the training part, for a run to keep."""
        found = {(i, field): self.known(i, field) for i, step in enumerate(self.steps) for field in step.on}
        return {f"{i}/{field}/{name}": x for (i, field), known in found.items() for name, x in known.items()}

    def restore(self, tensors: dict[str, Array]) -> None:
        """Know what `tensors` gave, and measure nothing."""
        self._known = {}
        for path, x in tensors.items():
            number, _, rest = path.partition("/")
            field, _, name = rest.rpartition("/")
            self._known.setdefault((int(number), field), {})[name] = x


class Transformed:
    """The examples of `whole` after `transforms`; read and described as a source is, and then as in evaluation."""

    def __init__(self, whole: Readable, transforms: Transforms) -> None:
        self.whole, self.transforms, self.name = whole, transforms, whole.name
        self._described = transforms.describe(whole.describe())

    def describe(self) -> Description:
        return self._described

    def read(self, indices: Array) -> Batch:
        return self.transforms.apply(self.whole.read(indices))

    def read_field(self, name: str, indices: Array) -> Array:
        return self.read(indices)[name]

    def draw(self, epoch: Epoch, start: int, count: int) -> Batch:
        """The examples at the places from `start` on in an epoch, as in training."""
        return self.transforms.draw(self.whole, epoch, start, count)


def untransformed(source: Any) -> Any:
    """The source itself, without what transforms it."""
    return source.whole if isinstance(source, Transformed) else source
