"""How long one training step takes, on a net where the executor is what costs and on nets where the blocks are.

Each net is timed against the same NumPy calls written out by hand or, for the convolutional ones, against the matrix
products alone, in turn within one run, so that the ratio holds on a noisy machine.
"""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from blockrun.core import backward, forward
from blockrun.plugins.network import Network, load
from blockrun.plugins.network.build import build
from blockrun.plugins.network.scan import parse_document
from blockrun.plugins.training.loop import Trainer, square
from blockrun.plugins.training.memory import keep_freed_memory
from blockrun.plugins.training.threads import limit_threads

CONFIGS = Path(__file__).parents[1] / "configs"
MLP = """\
blockrun: 1
inputs: {{x: [{first}], t: [{last}]}}
net:
  z1: {{block: linear, in: x, units: {hidden}}}
  a1: sigmoid
  z2: {{block: linear, units: {last}}}
  a2: sigmoid
  J: {{block: sum_of_squares, in: [a2, t]}}
"""


def mlp(first: int, hidden: int, last: int) -> Network:
    return build(parse_document(MLP.format(first=first, hidden=hidden, last=last)))


def step(network: Network, feed: dict[str, np.ndarray]) -> Callable[[], object]:
    """One forward and backward of the objective."""
    wrt, keep = tuple(network.params), tuple(network.objective)
    fed = {**network.params, **network.state, **network.feed(feed)}

    def run() -> object:
        _, tape = forward(network.graph, fed, keep=keep, wrt=wrt)
        return backward(tape, network.objective, wrt)

    return run


def trained(network: Network, feed: dict[str, np.ndarray]) -> tuple[Callable[[], object], Callable[[], object]]:
    """One step of training with all that belongs to it, and what of it looks for numbers that are not finite."""
    trainer = Trainer(network)
    gradients = network.gradients(feed)
    return lambda: trainer.take_step(feed, 64), lambda: math.isfinite(sum(square(g) for g in gradients.values()))


def by_hand(network: Network, x: np.ndarray, t: np.ndarray) -> Callable[[], object]:
    """The same network and gradients as straight NumPy."""
    W1, b1, W2, b2 = (network.params[name] for name in ("z1.W", "z1.b", "z2.W", "z2.b"))

    def run() -> object:
        a1 = 1 / (1 + np.exp(-(x @ W1.T + b1)))
        a2 = 1 / (1 + np.exp(-(a1 @ W2.T + b2)))
        error = a2 - t
        dz2 = 2 * error * ((1 - a2) * a2)
        dz1 = (dz2 @ W2) * ((1 - a1) * a1)
        return (error**2).sum(), dz2.T @ a1, dz2.sum(0), dz1.T @ x, dz1.sum(0)

    return run


def milliseconds(*calls: Callable[[], object], rounds: int = 15) -> list[float]:
    """The median time of each call, taken in turn."""
    times: list[list[float]] = [[] for _ in calls]
    repeats = [max(1, int(0.02 / _once(call))) for call in calls]
    for _ in range(rounds):
        for taken, call, count in zip(times, calls, repeats, strict=True):
            began = time.perf_counter()
            for _ in range(count):
                call()
            taken.append((time.perf_counter() - began) / count * 1000)
    return [statistics.median(taken) for taken in times]


def _once(call: Callable[[], object]) -> float:
    call()
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


def main() -> None:
    keep_freed_memory()
    rng = np.random.default_rng(0)
    print(f"{'net (batch)':<28} {'blockrun':>10} {'by hand':>10} {'ratio':>7}")
    for sizes, batch in (((2, 8, 2), 4), ((784, 512, 10), 128)):
        network = mlp(*sizes)
        x = rng.standard_normal((batch, sizes[0])).astype(np.float32)
        t = rng.random((batch, sizes[2])).astype(np.float32)
        ours, hand = milliseconds(step(network, {"x": x, "t": t}), by_hand(network, x, t))
        name = "-".join(map(str, sizes)) + f" sigmoid ({batch})"
        print(f"{name:<28} {ours:>7.3f} ms {hand:>7.3f} ms {ours / hand:>7.2f}")
    digits = load(CONFIGS / "digits.yaml")
    feed = digits.sections.data["train"].source.read(np.arange(64))
    with limit_threads(digits):
        passes, whole, watch = milliseconds(step(digits, feed), *trained(digits, feed))
    print(f"{'digits.yaml (64)':<28} {passes:>7.3f} ms")
    print(f"{'  with all of training':<28} {whole:>7.3f} ms   of which watching what is not finite {watch / whole:.1%}")


if __name__ == "__main__":
    main()
