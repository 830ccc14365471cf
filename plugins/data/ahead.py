"""Batches made ahead of their use, by threads that end with whoever uses them."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future
from queue import SimpleQueue
from threading import Thread
from typing import NamedTuple, TypeVar

T = TypeVar("T")
PATIENCE = 1.0  # seconds that a thread is given to finish what it is at; it holds up nobody after that


class Loading(NamedTuple):
    """How many threads read batches, 0 for none, and how many batches they may be ahead of the one in use."""

    workers: int
    ahead: int


AT_ITS_TURN = Loading(0, 1)


def made_ahead(make: Callable[[int], T], numbers: Iterable[int], loading: Loading) -> Generator[T, None, None]:
    """`make(number)` for each of `numbers`, in their order whoever is done first; at most `ahead` wait at any time.

    What `make` raises is raised here when its turn comes. The threads end when this generator does, however it ends.
    Where the system has no room for a thread, there are fewer, or none, and the batches are the same.
    """
    tasks: SimpleQueue[tuple[Future[T], int] | None] = SimpleQueue()
    threads = _started(lambda: _work(make, tasks), loading.workers)
    if not threads:
        yield from map(make, numbers)
        return
    waiting: deque[Future[T]] = deque()
    try:
        for number in numbers:
            if len(waiting) == loading.ahead:
                yield waiting.popleft().result()
            waiting.append(Future())
            tasks.put((waiting[-1], number))
        while waiting:
            yield waiting.popleft().result()
    finally:
        _end(threads, waiting, tasks)


def _started(work: Callable[[], None], count: int) -> list[Thread]:
    threads: list[Thread] = []
    for _ in range(count):
        thread = Thread(target=work, daemon=True)
        try:
            thread.start()
        except RuntimeError:  # "can't start new thread"
            break
        threads.append(thread)
    return threads


def _work(make: Callable[[int], T], tasks: SimpleQueue[tuple[Future[T], int] | None]) -> None:
    while (task := tasks.get()) is not None:
        future, number = task
        if future.set_running_or_notify_cancel():
            try:
                future.set_result(make(number))
            except BaseException as error:
                future.set_exception(error)
        del task, future  # or the last batch would be kept until the next


def _end(threads: list[Thread], waiting: Iterable[Future[T]], tasks: SimpleQueue[tuple[Future[T], int] | None]) -> None:
    for future in waiting:
        future.cancel()
    for _ in threads:
        tasks.put(None)
    for thread in threads:
        thread.join(PATIENCE)
