"""What a command may let out, how it is shown on standard error, and the exit code it becomes."""

from __future__ import annotations

import os
import sys
import traceback
import warnings
from collections.abc import Callable
from typing import Any

import click

from blockrun.plugins.errors import OlderCheckpoint, UserError

INTERRUPTED = 130  # 128 + SIGINT
OUT_OF_MEMORY = 7  # a run that cannot be
BROKEN_PIPE = 141  # 128 + SIGPIPE


class Bug(Exception):
    """An exception that no command should let out, with who wrote the command."""

    def __init__(self, owner: str) -> None:
        super().__init__(owner)
        self.owner = owner


def guard(command: Callable[[], Any]) -> int:
    """Run `command` and return the exit code; a user's mistake is a message, never a traceback."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("always", OlderCheckpoint)
            warnings.showwarning = _warn
            code = command()
        sys.stdout.flush()
    except UserError as error:
        _say(error.render() if hasattr(error, "render") else format_error(error.message, error.help))
        return error.exit_code
    except click.ClickException as error:
        _say(format_error(error.format_message(), _usage(error)))
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        _say("interrupted")
        return INTERRUPTED
    except BrokenPipeError:
        return drop_output()
    except Bug as bug:
        cause = bug.__cause__ or bug
        return _out_of_memory() if isinstance(cause, MemoryError) else _internal(cause, bug.owner)
    except MemoryError:
        return _out_of_memory()
    except Exception as error:
        return _internal(error, "blockrun")
    return code if isinstance(code, int) else 0


def _warn(
    message: Warning | str, category: type[Warning], filename: str, lineno: int, file: Any = None, line: Any = None
) -> None:
    """What blockrun warns of is for the user of a command; the rest is for whoever knows the line it comes from."""
    ours = issubclass(category, OlderCheckpoint)
    _say(f"warning: {message}" if ours else warnings.formatwarning(message, category, filename, lineno).rstrip())


def format_error(message: str, help: str) -> str:
    return f"error: {message}" + (f"\n  = help: {help}" if help else "")


def _usage(error: click.ClickException) -> str:
    ctx = getattr(error, "ctx", None)
    return f"{ctx.command_path} --help" if ctx is not None else ""


def _internal(error: BaseException, owner: str) -> int:
    if os.environ.get("BLOCKRUN_DEBUG"):
        _say("".join(traceback.format_exception(error)).rstrip())
    last = traceback.extract_tb(error.__traceback__)[-1]
    text = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    advice = "" if os.environ.get("BLOCKRUN_DEBUG") else "; run with BLOCKRUN_DEBUG=1 for the traceback"
    _say(f"internal error: {text} at {last.filename}:{last.lineno} (this is a bug in {owner}{advice})")
    return 1


def _out_of_memory() -> int:
    _say(format_error("there is not enough memory for this", "a smaller batch, or `train.accumulate`, needs less"))
    return OUT_OF_MEMORY


def _say(text: str) -> None:
    click.echo(text, err=True)


def drop_output() -> int:
    """The reader is gone: send the rest nowhere, or flushing at exit complains again. Returns the exit code."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return BROKEN_PIPE
