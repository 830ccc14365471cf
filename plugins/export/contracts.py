"""What a plugin supplies to write trained networks in a format of its own."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from blockrun.core.block import snake_case
from blockrun.plugins.training.predict import needed, predicted

if TYPE_CHECKING:
    from blockrun.plugins.network.network import Network

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Trained:
    """A network as it was trained.

    network    its `params` and `state` are those that evaluation uses
    keep       the variables that it is asked for, if not those that `predict` gives
    averaged   the parameters and state that are moving averages
    origin     where it is from, in a line: blockrun, the run and the checkpoint
    """

    network: Network
    keep: tuple[str, ...] = ()
    averaged: frozenset[str] = frozenset()
    origin: str = ""

    @cached_property
    def outputs(self) -> tuple[str, ...]:
        """What is wanted of the network; raises `UsageError` if there is no such variable, or nothing to predict."""
        names = self.keep or predicted(self.network)
        needed(self.network, list(names))
        return names

    @property
    def arrays(self) -> dict[str, Array]:
        """Parameters and state under their names."""
        return {**self.network.params, **self.network.state}


class Exporter:
    """A format. `name` is that of `blockrun export --to`, the class name in snake_case unless set."""

    name: ClassVar[str] = ""
    suffix: ClassVar[str] = ""  # what a name of a file is given where it has no ending, such as ".npz"

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "name" not in vars(cls):
            cls.name = snake_case(cls.__name__)

    def export(self, trained: Trained, path: Path) -> list[Path]:
        """Write `trained` to `path`, all or nothing; every file that was written. Raises `UserError`."""
        raise NotImplementedError
