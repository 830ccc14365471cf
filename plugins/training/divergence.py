"""When something is no longer finite: which value, in which node, and the batch to see it again with."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from blockrun.core import Node, backward, forward
from blockrun.plugins.errors import Diverged

from .checkpoint import load_checkpoint, save_checkpoint
from .gradients import Pieces, batch_inputs

if TYPE_CHECKING:
    from blockrun.plugins.host import Host
    from blockrun.plugins.network.network import Network
    from blockrun.plugins.training.folder import RunFolder

Array = np.ndarray[Any, Any]


FILE = "diverged.safetensors"
_HELP = "a smaller learning rate may help"


class Batch(NamedTuple):
    """What a step is taken on: all that is fed, parameters too, and the seed, which ends with the steps before it."""

    feed: dict[str, Array]
    examples: int
    seed: tuple[int, ...]

    def save(self, path: Path, message: str) -> None:
        save_checkpoint(path, self.feed, {"examples": self.examples, "seed": list(self.seed), "message": message})


def explain(network: Network, wrt: tuple[str, ...], batch: Batch, pieces: Pieces | None) -> None:
    """Run a batch again, looking at every value; raises `Diverged` naming the first that is not finite, if one is.

    Pieces that were run at once are run as the whole batch that they make up.
    """
    pieces = None if pieces is not None and pieces.at_once else pieces
    where = f"at step {batch.seed[-1] + 1}"
    sums: dict[str, Any] = {}
    for number, piece in enumerate(_cut(network, batch, pieces)):
        own = batch.seed if pieces is None else (*batch.seed, number)
        for name, gradient in _watched(network, wrt, batch._replace(feed=piece, seed=own), where).items():
            sums[name] = sums.get(name, 0) + gradient
    bad = [name for name, gradient in sums.items() if not np.isfinite(gradient).all()]
    if bad:
        raise Diverged(f"the gradients of `{bad[0]}` add up to more than a number can hold {where}", help=_HELP)


def require_finite(found: dict[str, Array], batch: Batch) -> None:
    """Raise `Diverged` if something is not finite that was when `explain` ran the batch again."""
    bad = next((name for name, x in found.items() if not np.isfinite(x).all()), None)
    if bad is not None:
        when = f"at step {batch.seed[-1] + 1}, and is when the batch is run again"
        help = "a block draws numbers that cannot be drawn again, or is at the edge of what floats hold"
        raise Diverged(f"`{bad}`, or its gradient, is not finite {when}", help)


def replay(run: RunFolder, host: Host | None = None) -> None:
    """Run the batch that a run diverged on again; raises `Diverged` as it did, `RunError` if there is none."""
    from .loop import Trainer
    from .run import load_run

    feed, about = load_checkpoint(run.path / FILE)
    trainer = Trainer(load_run(run, host, weights=False))
    batch = Batch(feed, about["examples"], tuple(about["seed"]))
    with np.errstate(all="ignore"):
        explain(trainer.network, trainer.wrt, batch, trainer.settings.pieces)


def _cut(network: Network, batch: Batch, pieces: Pieces | None) -> Iterable[dict[str, Array]]:
    split = batch_inputs(network) if pieces is not None else set()
    start = 0
    for size in pieces.sizes(batch.examples) if pieces is not None else [batch.examples]:
        yield {name: x[start : start + size] if name in split else x for name, x in batch.feed.items()}
        start += size


def _watched(network: Network, wrt: tuple[str, ...], batch: Batch, where: str) -> dict[str, Array]:
    """The gradients of one piece, if everything on the way to them is finite."""

    def look_forward(node: Node, inputs: tuple[Any, ...], outputs: tuple[Any, ...]) -> None:
        _look(node, [(f"`{n}`", x) for n, x in zip(node.outputs, outputs, strict=True)], where, inputs)

    def look_backward(node: Node, douts: tuple[Any, ...], dinputs: tuple[Any, ...]) -> None:
        names = [f"the gradient of `{v or n}`" for n, v in node.gradient_inputs]
        _look(node, zip(names, dinputs, strict=True), where, douts)

    keep = (*network.objective, *network.graph.updates.values())
    feed, examples, seed = batch
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
