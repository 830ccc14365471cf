"""A network file written out again, with overrides or with everything put in, and where each value is from."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import yaml

from blockrun.core.options import Options
from blockrun.plugins.data.source import Source
from blockrun.plugins.data.take import Taken
from blockrun.plugins.data.transformed import untransformed
from blockrun.plugins.network.document import Document, KeyPath
from blockrun.plugins.network.network import Network
from blockrun.plugins.network.origins import origin

WIDTH = 100  # of what is kept in one line
COMMENT = 56  # the column where origins stand, if there is room


class Shown:
    """A tree of plain values; `defaults` are the paths of those that nobody wrote, with what they are defaults of."""

    def __init__(self, data: Any, document: Document) -> None:
        self.data, self.document = deepcopy(data), document
        self.defaults: dict[KeyPath, str] = {}

    def fill(self, path: KeyPath, component: Options, what: str) -> None:
        """Put in the options of a component that are not written at `path`."""
        at: Any = self.data
        for key in path:
            at = at.get(key) if isinstance(at, dict) else at[int(key)] if isinstance(at, list) else None
        if not isinstance(at, dict):
            return
        for name in component.option_types:
            if name not in at:
                at[name] = _plain(getattr(component, name))
                self.defaults[(*path, name)] = what

    def text(self, origins: bool = False) -> str:
        """As YAML, every value with a comment that says where it is from if `origins`."""
        return "\n".join(self._lines(self.data, (), "", origins))

    def as_data(self) -> dict[str, Any]:
        """Plain values, for JSON: the tree, and the origin of each value by its path."""
        found = {".".join(map(str, path)): self.origin(path) for path, _ in _leaves(self.data, ())}
        return {"values": self.data, "origins": found}

    def origin(self, path: KeyPath) -> str:
        """Where the value at `path` is written, and what it was made from: `net.yaml:7 from net.yaml:3`."""
        if path in self.defaults:
            return f"default of {self.defaults[path]}"
        return str(origin(self.document, path))

    def _lines(self, value: Any, path: KeyPath, indent: str, origins: bool) -> Iterator[str]:
        for key, part in value.items():
            here, head = (*path, key), f"{indent}{_flow(key)}:"
            line = f"{head} {_flow(part)}"
            if isinstance(part, dict) and part and (origins or not path or len(line) > WIDTH):
                yield head
                yield from self._lines(part, here, indent + "  ", origins)
            else:
                yield f"{line:<{COMMENT}}  # {self.origin(here)}" if origins else line


def shown(network: Network, resolved: bool) -> Shown:
    """The file of `network` after overrides; with `resolved`, expanded, references and defaults put in."""
    if not resolved:
        return Shown(network.document.data, network.document)
    found = Shown(network.resolved, network.document)
    for node in network.graph.nodes:
        section = "metrics" if node.name in network.metrics else "net"
        found.fill((section, node.name), node.block, node.block.name)
    for name, part in network.sections.data.items():
        source = untransformed(part.source)
        source = source.whole if isinstance(source, Taken) else source
        if not isinstance(source, Source):
            continue  # arrays that a program handed over have no options
        found.fill(("data", name), source, f"source {source.name}")
    transforms = network.sections.transforms
    for i, step in enumerate(transforms.steps if transforms is not None else ()):
        found.fill(("data", "transforms", i), step.transform, f"transform {step.transform.name}")
    training = network.sections.training
    if training is not None:
        found.fill(("train", "optimizer"), training.rule.optimizer, training.rule.optimizer.name)
        found.fill(("train", "optimizer", "lr"), training.rule.schedule, training.rule.schedule.name)
    return found


def _leaves(value: Any, path: KeyPath) -> Iterator[tuple[KeyPath, Any]]:
    for key, part in value.items():
        if isinstance(part, dict) and part:
            yield from _leaves(part, (*path, key))
        else:
            yield (*path, key), part


def _plain(value: Any) -> Any:
    """As YAML has it: lists, maps, numbers, text."""
    if isinstance(value, (tuple, list)):
        return [_plain(part) for part in value]
    if isinstance(value, dict):
        return {key: _plain(part) for key, part in value.items()}
    return value if isinstance(value, (bool, int, float, str)) or value is None else str(value)


def _flow(value: Any) -> str:
    """In one line, as the file could say it."""
    text = yaml.safe_dump(value, default_flow_style=True, sort_keys=False, allow_unicode=True, width=10**6)
    return text.removesuffix("\n").removesuffix("\n...")
