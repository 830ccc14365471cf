"""What lies between forward and backward: the tape that one writes and the other uses up."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from .block import Array
from .context import FLOAT32, Context

if TYPE_CHECKING:
    from .graph import Graph
    from .plan import Plan, Step

Seed = int | tuple[int, ...]


class Record(NamedTuple):
    """What one node leaves for its backward. `outputs` and `inputs` are stand-ins, kept only where they are needed."""

    examples: int
    saved: Any
    outputs: tuple[Array, ...] | None
    inputs: tuple[list[Any], dict[str, Any]] | None


class Tape:
    """What `backward` needs of one `forward`: a record for each node, and what a gradient of nothing looks like."""

    def __init__(
        self,
        graph: Graph,
        plan: Plan,
        keep: tuple[str, ...],
        training: bool,
        seed: Seed,
        examples: int | None,
        total: Callable[[Array], Array] | None,
    ) -> None:
        self.graph = graph
        self.plan = plan
        self.keep = keep
        self.training = training
        self.seed = seed if isinstance(seed, tuple) else (seed,)
        self.examples = examples
        self.total = total
        self.records: dict[str, Record] = {}
        self.like: dict[int, Array] = {}  # slot: an array of the shape and dtype of the value
        self.dtype: Any = FLOAT32
        self.used = False

    def context(self, step: Step, examples: int, given: list[Any]) -> Context:
        like = given[0] if given else None
        return Context(self.training, step.needs, examples, (*self.seed, step.entropy), self.total, like, self.dtype)

    def count(self, args: list[Any]) -> int:
        """The number of examples that a node given `args` is told of: at least 1."""
        if self.examples is not None:
            return self.examples or 1
        return (args[0].shape[0] or 1) if args and args[0] is not None and args[0].ndim else 1


def stand_in(x: Any) -> Any:
    """An array with the shape and dtype of `x` that takes no memory: read-only zeros, zero-strided."""
    return None if x is None else np.broadcast_to(np.zeros_like(x, shape=()), x.shape)
