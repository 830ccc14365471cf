"""A batch in pieces: the numbers of the whole batch, from threads that meet or from one piece after another."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import Any, NamedTuple

import numpy as np

from .block import Array
from .execute import Watch, backward, forward
from .graph import Graph, GraphError, Node
from .tape import Seed

Results = tuple[dict[str, Array], dict[str, Array]]  # values, gradients
Total = Callable[[Array], Array]


class Piece(NamedTuple):
    """What one piece is to do: its part of the feed and of the seeds, and its place among the others."""

    number: int
    size: int
    feed: dict[str, Array]
    seeds: dict[str, Any]


class Work(NamedTuple):
    """What is the same for every piece. `reached` are the variables that depend on the batch."""

    graph: Graph
    keep: tuple[str, ...]
    wrt: tuple[str, ...]
    training: bool
    seed: tuple[int, ...]
    examples: int
    reached: set[str]

    def run(self, piece: Piece, total: Total) -> Results:
        """Forward and backward of one piece; its random draws are its own."""
        values, tape = forward(
            self.graph,
            piece.feed,
            keep=self.keep,
            wrt=self.wrt,
            training=self.training,
            seed=(*self.seed, piece.number),
            examples=self.examples,
            watch=self._refuse_sums(piece.size),
            total=total,
        )
        return values, backward(tape, piece.seeds, self.wrt) if self.wrt else {}

    def _refuse_sums(self, size: int) -> Watch:
        """A sum over the batch is known only when the pieces are done, so no node can go on from it."""

        def look(node: Node, inputs: tuple[Any, ...], outputs: tuple[Any, ...]) -> None:
            for name, x in zip((*node.inputs, *node.params.values()), inputs, strict=True):
                if name in self.reached and x.shape[:1] != (size,):
                    raise GraphError(f"node {node} reads `{name}`, a sum over the batch, which no piece knows")

        return look


def in_pieces(
    graph: Graph,
    feed: Mapping[str, Array],
    *,
    split: Collection[str],
    sizes: Sequence[int],
    keep: Iterable[str],
    seeds: Mapping[str, Any] | None = None,
    wrt: Iterable[str] = (),
    training: bool = True,
    seed: Seed = 0,
    threads: bool = True,
    settle: bool = False,
) -> Results:
    """`forward` and `backward` with the variables `split` cut along axis 0 into pieces of `sizes` examples.

    Returns the values `keep` and the gradients of Σ ⟨seed, variable⟩ with respect to `wrt`, as of the whole batch: what
    is per example is put together again, what is a sum over examples is added up. With `threads` the pieces run at
    once and meet at each `ctx.total`. Otherwise they run one after another in the memory of one; a total is then
    refused unless `settle` takes that of each piece for it, and state passes from piece to piece.

    Raises `GraphError` for a node that depends on the batch and is not `batchwise` or reads a sum over it, and for
    sizes that do not add up.
    """
    keep, wrt, seeds = tuple(keep), tuple(wrt), seeds or {}
    reached = _reached(graph, split, keep)
    root = seed if isinstance(seed, tuple) else (seed,)
    work = Work(graph, keep, wrt, training, root, sum(sizes), reached)
    pieces = _cut(work, feed, seeds, split, sizes)
    found = _at_once(work, pieces) if threads else _in_turn(work, pieces, settle)
    values = {name: _value(work, name, [v[name] for v, _ in found], sizes) for name in keep}
    return values, {name: _gradient(work, name, [g[name] for _, g in found], sizes) for name in wrt}


def _reached(graph: Graph, split: Collection[str], keep: tuple[str, ...]) -> set[str]:
    """The variables that depend on the batch; a node among their writers that cannot run in pieces is refused."""
    reached = set(split)
    for step in graph.plan(keep, (), True).steps:
        if reached.isdisjoint(step.node.reads):
            continue
        reached.update(step.node.outputs)
        if not step.node.block.batchwise:
            name = step.node.block.name
            raise GraphError(f"node {step.node} cannot run in pieces: {name} does not declare `batchwise`")
    return reached


def _cut(
    work: Work, feed: Mapping[str, Array], seeds: Mapping[str, Any], split: Collection[str], sizes: Sequence[int]
) -> list[Piece]:
    """The pieces. Only the first gets the seeds of what does not depend on the batch, so that it counts once."""
    for name in split:
        if len(feed[name]) != work.examples:
            raise GraphError(f"`{name}` has {len(feed[name])} examples; the pieces have {work.examples}")
    rows = [name for name, s in seeds.items() if name in work.reached and np.shape(s)[:1] == (work.examples,)]
    pieces = []
    for number, size in enumerate(sizes):
        cut = slice(sum(sizes[:number]), sum(sizes[:number]) + size)
        own = {name: s for name, s in seeds.items() if number == 0 or name in work.reached}
        pieces.append(Piece(number, size, _part(feed, split, cut), _part(own, rows, cut)))
    return pieces


def _part(arrays: Mapping[str, Any], names: Collection[str], cut: slice) -> dict[str, Any]:
    return {name: value[cut] if name in names else value for name, value in arrays.items()}


def _value(work: Work, name: str, parts: list[Array], sizes: Sequence[int]) -> Array:
    """The whole of a kept variable; state after an update, and what no example reaches, is the same in every piece."""
    if name not in work.reached or name in work.graph.updates.values():
        return parts[-1]
    rows = _is_rows(parts, sizes) and not _is_statistic(work.graph, name)
    return np.concatenate(parts) if rows else sum(parts[1:], parts[0])


def _is_statistic(graph: Graph, name: str) -> bool:
    """Whether a metric writes it: such a thing is a sum, even where a count for each class is as long as a piece."""
    return name in graph.writer and hasattr(graph.nodes[graph.writer[name]].block, "result")


def _gradient(work: Work, name: str, parts: list[Array], sizes: Sequence[int]) -> Array:
    """The whole gradient of a variable; with respect to a sum over the batch it is the same in every piece."""
    if name not in work.reached:
        return sum(parts[1:], parts[0])
    return np.concatenate(parts) if _is_rows(parts, sizes) else parts[0]


def _is_rows(parts: list[Array], sizes: Sequence[int]) -> bool:
    return all(part.shape[:1] == (size,) for part, size in zip(parts, sizes, strict=True))


def _in_turn(work: Work, pieces: list[Piece], settle: bool) -> list[Results]:
    """One piece after another, each starting from the state that the one before left."""

    def refuse(x: Array) -> Array:
        raise GraphError(
            "this needs a sum over the whole batch, which pieces one after another do not have; "
            "`settle` takes that of each piece for it"
        )

    found: list[Results] = []
    updates = work.graph.updates
    for piece in pieces:
        latest = {state: found[-1][0][update] for state, update in updates.items() if found and update in work.keep}
        piece.feed.update(latest)
        result = work.run(piece, (lambda x: x) if settle else refuse)
        if found:
            _carry(work, found[-1][1], result[1])
        found.append(result)
    return found


def _carry(work: Work, before: dict[str, Array], gradients: dict[str, Array]) -> None:
    """Move the sums so far into the latest gradients: pieces take the memory of one, those of parameters too."""
    for name in gradients.keys() - work.reached:
        gradients[name] = before[name] + gradients[name]
        before[name] = 0.0


def _at_once(work: Work, pieces: list[Piece]) -> list[Results]:
    """Every piece on a thread of its own. The first error that is not just the others giving up is raised."""
    meeting = _Meeting(len(pieces))
    with ThreadPoolExecutor(len(pieces)) as pool:  # in the context of the caller, where `np.errstate` may be set
        futures = [pool.submit(copy_context().run, meeting.attend, work, piece) for piece in pieces]
    errors = [error for error in (future.exception() for future in futures) if error is not None]
    if errors:
        raise next((e for e in errors if not isinstance(e, threading.BrokenBarrierError)), errors[0])
    return [future.result() for future in futures]


class _Meeting:
    """Where threads wait for one another: each total is a round in which every piece brings its part."""

    GONE = object()

    def __init__(self, count: int) -> None:
        self.barrier = threading.Barrier(count)
        self.parts: list[Any] = [None] * count

    def attend(self, work: Work, piece: Piece) -> Results:
        """Run one piece; whatever goes wrong sends the others home."""
        try:
            found = work.run(piece, lambda x: self.total(piece.number, x))
            self._bring(piece.number, self.GONE)
        except BaseException:
            self.barrier.abort()
            raise
        return found

    def total(self, number: int, x: Array) -> Array:
        """The sum of what all pieces bring, added in the order of the pieces so that all get the same bits."""
        parts = self._bring(number, x)
        if any(part is self.GONE for part in parts):
            raise GraphError("`ctx.total` was called in some pieces and not in others; call it unconditionally")
        return sum(parts[1:], parts[0])

    def _bring(self, number: int, x: Any) -> list[Any]:
        self.parts[number] = x
        self.barrier.wait()
        parts = list(self.parts)
        self.barrier.wait()  # nobody brings the next before all have taken these
        return parts
