"""What data go through before they are inputs of a network: statements of a script, or else words at its head."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from blockrun.plugins.data.source import Field
from blockrun.plugins.data.transform import Known, Transform
from blockrun.plugins.training.predict import raw

if TYPE_CHECKING:
    from blockrun.plugins.network.experiment import Input
    from blockrun.plugins.network.network import Network

FEW = 8  # numbers


class Step(NamedTuple):
    """A transform that does something in evaluation to data that `field` describes, and what it measured of them.

    names   under which of the arrays of a script that stands, by key
    """

    transform: Transform
    field: Field
    known: Known
    names: dict[str, str]

    def expression(self, x: str) -> str:
        given = {key: f'w["{name}"]' for key, name in self.names.items()}
        return self.transform.expression(x, self.field, given)

    def __str__(self) -> str:
        known = {key: np.asarray(x) for key, x in self.known.items()}
        few = [f"{key} {x.tolist()}" for key, x in known.items() if x.size <= FEW]
        return f"{self.transform.name} ({', '.join(few)})" if few else self.transform.name


class Preparation:
    """What the data go through before they are the input `name`.

    done      the transforms that a script does itself: all, or none
    left      those that it must be given data after, since one of them has no expression
    input     what it is given: as the data have it, or after what is left
    weights   the arrays that its statements read
    """

    def __init__(self, network: Network, name: str) -> None:
        self.input: Input = network.inputs[name]
        steps = list(_steps(network, name))
        self.left = [] if all(step.expression("x") for step in steps) else steps
        self.done = [] if self.left else steps
        self.weights = {step.names[key]: x for step in self.done for key, x in step.known.items()}
        self._dtype = np.dtype(self.input.dtype)
        if self.done:
            self.input = raw(network, name)

    def statements(self, x: str) -> list[str]:
        """What makes the input of the variable `x`."""
        lines = [f"{x} = {step.expression(x)}" for step in self.done]
        return [*lines, f'{x} = {x}.astype("{self._dtype.name}", copy=False)'] if lines else []


def _steps(network: Network, name: str) -> Iterator[Step]:
    transforms, on = network.sections.transforms, network.inputs[name].source
    if transforms is None or transforms.training is None:
        return
    description = transforms.training.describe()
    for number, (transform, fields) in enumerate(transforms.steps):
        if on in fields and on in description.fields and _acts(type(transform)):
            known = transforms.known(number, on)
            names = {key: f"{name}: {number} {transform.name} {key}" for key in known}  # no variable has a colon
            yield Step(transform, description.fields[on], known, names)
        for field in fields:
            description = transform.describe(description, field)


def _acts(kind: type[Any]) -> bool:
    return kind.apply is not Transform.apply or kind.apply_of_batch is not Transform.apply_of_batch
