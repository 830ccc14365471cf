"""What an explanation of an error code consists of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

HEAD = "blockrun: 1\ninputs: {x: [3]}\n"
DIGITS = "blockrun: 1\ninputs: {image: [8, 8, 1]}\n"


@dataclass(frozen=True)
class Explanation:
    """`text` says more than the table of codes; `wrong` is a network file with the error.

    `fix` is what to replace in it, or in `overrides` of the command line, and by what. `files` stand beside it.
    """

    text: str
    wrong: str
    fix: tuple[str, str]
    overrides: tuple[str, ...] = ()
    files: Mapping[str, str] = field(default_factory=dict)

    @property
    def right(self) -> str:
        """The network file without the error."""
        return self.wrong.replace(*self.fix)

    @property
    def right_overrides(self) -> tuple[str, ...]:
        """The overrides without the error."""
        return tuple(override.replace(*self.fix) for override in self.overrides)
