"""When something is no longer finite: which value, in which node, and the batch to see it again with."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from blockrun.core import Node, backward, forward
from blockrun.plugins.errors import Diverged

from .gradients import Accumulate, batch_inputs

if TYPE_CHECKING:
    from blockrun.plugins.network.network import Network

Array = np.ndarray[Any, Any]


def explain(
    network: Network, wrt: tuple[str, ...], feed: dict[str, Array], examples: int, seed: tuple[int, ...],
    accumulate: Accumulate | None,
) -> None:  # fmt: skip
    """Run a batch again, looking at every value; raises `Diverged` naming the first that is not finite, if one is.

    `seed` ends with the number of steps taken before.
    """
    where = f"at step {seed[-1] + 1}"
    sums: dict[str, Any] = {}
    for number, piece in enumerate(_pieces(network, feed, examples, accumulate)):
        own = seed if accumulate is None else (*seed, number)
        for name, gradient in _watched(network, wrt, piece, examples, own, where).items():
            sums[name] = sums.get(name, 0) + gradient
    bad = [name for name, gradient in sums.items() if not np.isfinite(gradient).all()]
    if bad:
        raise Diverged(f"the gradients of `{bad[0]}` add up to more than a number can hold {where}", help=_HELP)


_HELP = "a smaller learning rate may help"


def _pieces(
    network: Network, feed: dict[str, Array], examples: int, accumulate: Accumulate | None
) -> Iterable[dict[str, Array]]:
    split = batch_inputs(network) if accumulate is not None else set()
    start = 0
    for size in accumulate.sizes(examples) if accumulate is not None else [examples]:
        yield {name: x[start : start + size] if name in split else x for name, x in feed.items()}
        start += size


def _watched(
    network: Network, wrt: tuple[str, ...], feed: dict[str, Array], examples: int, seed: tuple[int, ...], where: str
) -> dict[str, Array]:
    """The gradients of one piece, if everything on the way to them is finite."""

    def look_forward(node: Node, inputs: tuple[Any, ...], outputs: tuple[Any, ...]) -> None:
        _look(node, [(f"`{n}`", x) for n, x in zip(node.outputs, outputs, strict=True)], where, inputs)

    def look_backward(node: Node, douts: tuple[Any, ...], dinputs: tuple[Any, ...]) -> None:
        names = [f"the gradient of `{v or n}`" for n, v in node.gradient_inputs]
        _look(node, zip(names, dinputs, strict=True), where, douts)

    keep = (*network.objective, *network.graph.updates.values())
    _, tape = forward(network.graph, feed, keep=keep, wrt=wrt, seed=seed, examples=examples, watch=look_forward)
    return backward(tape, network.objective, wrt, watch=look_backward)


def _look(node: Node, named: Iterable[tuple[str, Any]], where: str, given: tuple[Any, ...]) -> None:
    for name, value in named:
        if value is not None and value.dtype.kind == "f" and not np.isfinite(value).all():
            bad = value[~np.isfinite(value)].flat[0] if value.ndim else value
            fact = f"{name} is {bad} {where}, in node {node}, {node.block!r}, given values of {_ranges(given)}"
            raise Diverged(fact, help=_HELP)


def _ranges(given: tuple[Any, ...]) -> str:
    """From where to where the first few inputs go, and how much of each is not finite itself."""
    shown = [_range(x[np.isfinite(x)], x.size) for x in given if x is not None and x.size > 1]
    return ", ".join(shown[:3]) or "single numbers"


def _range(finite: Array, size: int) -> str:
    odd = f" ({size - finite.size} not finite)" if finite.size < size else ""
    return f"{finite.min():.3g} to {finite.max():.3g}{odd}" if finite.size else f"nothing finite ({size})"
