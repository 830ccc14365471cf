"""How many threads the matrix products of a run use: part of what makes its numbers repeatable."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from threadpoolctl import threadpool_limits

if TYPE_CHECKING:
    from blockrun.plugins.network.network import Network

SMALL = 100_000  # parameters


def threads_for(network: Network) -> int:
    """`run.threads`, or else all cores for a network of `SMALL` parameters and more, and one for a smaller one.

    Products of small matrices gain little from a second thread, and on a busy machine waiting for it costs many times
    the work itself (docs/decisions/2026-11-23-threads.md). Pieces that are run at once are on a core each already.
    """
    chosen, training = network.sections.run.threads, network.sections.training
    at_once = training is not None and training.pieces is not None and training.pieces.at_once
    parameters = sum(p.size for p in network.params.values())
    return chosen or (_cores() if parameters >= SMALL and not at_once else 1)


def _cores() -> int:
    """The cores this process may use; `sched_getaffinity` is not everywhere."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def limit_threads(network: Network, threads: int | None = None) -> Any:
    """A context in which BLAS uses `threads` threads, or else `threads_for(network)`."""
    return threadpool_limits(limits=threads or threads_for(network), user_api="blas")
