"""Runs jobs in processes of their own, a few at a time, each with a limit of time and memory that it cannot outrun."""

from __future__ import annotations

import multiprocessing
import resource
import signal
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from multiprocessing.connection import wait
from multiprocessing.process import BaseProcess
from typing import Any

SECONDS = 30  # of a job; one that takes longer is stopped
BYTES = 6 * 2**30  # of address space; beyond it NumPy raises MemoryError

TIMED_OUT = "timed out"
CRASHED = "crashed"


def run_all(jobs: Sequence[Any], work: Callable[[Any], Any], workers: int) -> Iterator[tuple[int, Any]]:
    """(position, work(job)) for each job, as they end; `TIMED_OUT` or `CRASHED` for one that gave no answer.

    A new process for every job, so that nothing that one leaves behind can reach another.
    """
    waiting = deque(enumerate(jobs))
    running: dict[Any, tuple[int, BaseProcess]] = {}  # by the end of the pipe that it answers through
    while waiting or running:
        while waiting and len(running) < workers:
            position, job = waiting.popleft()
            answer, process = _start(work, job)
            running[answer] = (position, process)
        for answer in wait(list(running)):
            position, process = running.pop(answer)
            yield position, _result(answer, process)


def _start(work: Callable[[Any], Any], job: Any) -> tuple[Any, BaseProcess]:
    context = multiprocessing.get_context("fork")
    receive, send = context.Pipe(duplex=False)
    process = context.Process(target=_limited, args=(work, job, send))
    process.start()
    send.close()
    return receive, process


def _limited(work: Callable[[Any], Any], job: Any, send: Any) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (BYTES, BYTES))
    signal.signal(signal.SIGALRM, signal.SIG_DFL)  # ends the process, whatever it is doing
    signal.alarm(SECONDS)
    send.send(work(job))


def _result(answer: Any, process: BaseProcess) -> Any:
    try:
        return answer.recv()
    except EOFError:
        process.join()
        return TIMED_OUT if process.exitcode == -signal.SIGALRM else CRASHED
    finally:
        process.join()
        answer.close()
