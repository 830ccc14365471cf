"""What a user may have got wrong, each kind with its exit code; shown as a message, never a traceback."""

from __future__ import annotations


class UserError(Exception):
    """Something the user can put right. `help` says how, `exit_code` is what the command ends with."""

    exit_code = 2

    def __init__(self, message: str, help: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.help = help


class UsageError(UserError):
    """A wrong command line."""


class PluginError(UserError):
    """A plugin or an extra that is missing or broken, and is needed."""

    exit_code = 3


class CheckFailed(UserError):
    """A check of blocks or networks found something wrong."""

    exit_code = 4


class Diverged(UserError):
    """The objective or a gradient is no longer finite."""

    exit_code = 5


class DataError(UserError):
    """Data that cannot be read or do not fit; the message names file, row and column where there are any."""

    exit_code = 6


class RunError(UserError):
    """A run folder or checkpoint that cannot be used."""

    exit_code = 7


class OlderCheckpoint(UserWarning):
    """The newest checkpoint of a run is damaged, and the one before was loaded."""
