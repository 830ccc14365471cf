"""Ctrl-C and SIGTERM: the first lets the step finish so that a checkpoint can be written, the second stops at once."""

from __future__ import annotations

import signal
import threading
from types import FrameType
from typing import Any

from blockrun.plugins.errors import UserError


class Interrupted(UserError):
    """Training was stopped by a signal, after a checkpoint."""

    def __init__(self, signum: int, message: str, help: str) -> None:
        super().__init__(message, help)
        self.exit_code = 128 + signum


class Signals:
    """While this is entered, `received` is the number of the first signal, or None."""

    def __init__(self) -> None:
        self.received: int | None = None
        self._previous: dict[int, Any] = {}

    def __enter__(self) -> Signals:
        if threading.current_thread() is threading.main_thread():
            for signum in (signal.SIGINT, signal.SIGTERM):
                self._previous[signum] = signal.signal(signum, self._handle)
        return self

    def __exit__(self, *exception: object) -> None:
        for signum, previous in self._previous.items():
            signal.signal(signum, previous)

    def _handle(self, signum: int, frame: FrameType | None) -> None:
        if self.received is not None:
            raise KeyboardInterrupt
        self.received = signum
