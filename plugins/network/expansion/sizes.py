"""How many nodes a template stands for at least, told without expanding it, so that too many are refused at once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .templates import Template


class Sizes:
    """The least number of nodes in each template: what depends on arguments counts as one node."""

    def __init__(self, templates: Mapping[str, Template | None]) -> None:
        self.templates = templates
        self._known: dict[str, int] = {}

    def least(self, name: str) -> int:
        """Nodes in one use of a template, the use itself included."""
        waiting = [name]
        while waiting:
            template = self.templates.get(waiting[-1])
            nodes = list(template.net.value.values()) if template is not None else []
            below = [use for use in map(_use, nodes) if use in self.templates and use not in self._known]
            if not below or set(below) <= set(waiting):  # a circle is refused elsewhere
                self._known[waiting.pop()] = 1 + sum(map(self._node, nodes))
            else:
                waiting += [use for use in dict.fromkeys(below) if use not in waiting]
        return self._known[name]

    def _node(self, written: Any) -> int:
        if not isinstance(written, dict) or "when" in written:
            return 1
        repeat = written.get("repeat", 1)
        times = repeat.get("times") if isinstance(repeat, dict) else repeat
        if not isinstance(times, int):
            return 1
        return max(times, 1) * self._known.get(_use(written), 1)


def _use(written: Any) -> str:
    use = written.get("use") if isinstance(written, dict) else None
    return use if isinstance(use, str) else ""
