"""Examples for looking at a network without training it: the first of its data, or random ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from blockrun.plugins.training.seeds import derive

if TYPE_CHECKING:
    from .experiment import Input
    from .network import Network


def draw_inputs(network: Network, examples: int = 2, seed: int = 0) -> dict[str, Any]:
    """A feed of `examples` examples: of the training data where there are any, else drawn from `seed`.

    Floating inputs are normal; integers are below `below` of the input, or below 2.
    """
    data = network.sections.data.get("train")
    if data is not None:
        count = min(examples, data.description.examples)
        fields = data.source.read(np.arange(count))
        return {name: fields[wanted.source] for name, wanted in network.inputs.items() if wanted.source in fields}
    return {
        name: _draw(name, wanted, examples, seed) for name, wanted in network.inputs.items() if wanted.value is None
    }


def _draw(name: str, wanted: Input, examples: int, seed: int) -> Any:
    rng = np.random.default_rng(derive(seed, "input", name))
    shape = (examples, *wanted.shape) if wanted.batch else wanted.shape
    if np.dtype(wanted.dtype).kind == "f":
        return rng.standard_normal(shape)
    return rng.integers(0, wanted.below, shape)
