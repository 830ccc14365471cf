"""What a plugin supplies to take part in training: an optimizer, a learning-rate schedule, an initialiser."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, dataclass_transform

import numpy as np

from blockrun.core.block import snake_case
from blockrun.core.options import Options

if TYPE_CHECKING:
    from blockrun.plugins.training.session import Session

Array = np.ndarray[Any, Any]
Memory = dict[str, Any]  # what JSON can hold


@dataclass_transform(frozen_default=True, kw_only_default=True)
class Component(Options):
    """Options under a name: the class name in snake_case unless `name` is set."""

    name: ClassVar[str] = ""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "name" not in vars(cls):
            cls.name = snake_case(cls.__name__)


GROUP_KEYS = ("match", "freeze", "lr", "lr_factor", "l1")  # what a parameter group may say besides options


class Optimizer(Component):
    """A rule for one parameter, as pure functions: nothing is written to, everything new is returned."""

    lr: ClassVar[float] = 1e-3  # the learning rate where the file gives none
    l1: ClassVar[float] = 0.0  # the weight of ‖p‖₁ where the file gives none; its subgradient is added before `update`

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        taken = [name for name in (*GROUP_KEYS, "groups") if name in cls.option_types]
        if taken:
            raise TypeError(f"{cls.__name__}: option `{taken[0]}` is a reserved key; choose another name")

    def init(self, p: Array) -> dict[str, Array]:
        """The state that goes with a parameter, as named arrays."""
        return {}

    def update(
        self, p: Array, dp: Array, state: dict[str, Array], lr: float, step: int
    ) -> tuple[Array, dict[str, Array]]:
        """The parameter and its state after step number `step` (from 1), in the dtype of `p`."""
        raise NotImplementedError


class Schedule(Component):
    """The learning rate over a run: a function of the step alone, times the `scale` that `react` may change.

    So a run that goes on from a checkpoint needs nothing of a schedule but the little that `react` remembers.
    """

    def __call__(self, step: int, steps: int) -> float:
        """The learning rate of step number `step` (from 0) of `steps` in all."""
        raise NotImplementedError

    def react(self, memory: Memory, values: dict[str, float]) -> Memory:
        """What to remember after a measurement, `memory` being what was, {} at first; it is not written to.

        `values` go by names such as `val.loss`. From then on `memory["scale"]`, if there is one, multiplies the rate.
        """
        return memory


class Init(Component):
    """What a parameter starts as. Options of type `Path` are taken relative to the folder of the network file."""

    def __call__(self, rng: np.random.Generator, shape: tuple[int, ...], fan: tuple[int, int], dtype: Any) -> Array:
        """An array of `shape` and `dtype`; `fan` is (in, out)."""
        raise NotImplementedError

    def of(self, parameter: str) -> Init:
        """The same for the parameter of this name, for those that it makes a difference to."""
        return self


class Callback(Component):
    """What watches a run and may steer it: `run.stop(reason)`, `run.save_weights(name, about)`, `run.note(text)`.

    It holds nothing but options. What it remembers, it keeps in `memory`, a dict of its own that checkpoints hold, so
    that a run that is resumed goes on as if it had never stopped. Override what is needed.
    """

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "callback" in cls.option_types:
            raise TypeError(f"{cls.__name__}: option `callback` is a reserved key; choose another name")

    def start(self, run: Session, memory: Memory) -> None:
        """Training begins, or goes on: `memory` is then what it was."""

    def step(self, run: Session, memory: Memory) -> None:
        """A step was taken, number `run.trainer.step` from 1. This runs often, so it must be quick."""

    def measured(self, run: Session, memory: Memory, values: dict[str, float]) -> None:
        """The run was measured: `values` by name, such as `train.loss`, `val.accuracy` and `objective`."""

    def end(self, run: Session, memory: Memory, results: dict[str, Any]) -> None:
        """Training is over; `results` are of the test part, or else of the validation or training part.

        They are numbers, but for a metric that is a matrix: a list of rows.
        """
