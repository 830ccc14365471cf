"""The nodes of a network as statements of a function, one after another, as somebody would write them by hand."""

from __future__ import annotations

import json
import keyword
import math
import re
import textwrap
from collections.abc import Iterable, Mapping
from dataclasses import MISSING, fields
from typing import Any, NamedTuple

import numpy as np

from blockrun.core import Block, Node
from blockrun.core.options import option_defaults

from .collect import NotAlone

WIDTH = 110


class Names:
    """Identifiers for variables, each by itself: `layers/0/norm.W` is `layers_0_norm_W`."""

    def __init__(self, taken: Iterable[str]) -> None:
        self._taken = set(taken)
        self._given: dict[str, str] = {}

    def __getitem__(self, variable: str) -> str:
        if variable not in self._given:
            name = re.sub(r"\W", "_", variable)
            name = f"_{name}" if name[0].isdigit() else name
            while name in self._taken or keyword.iskeyword(name) or name == "_":
                name += "_"
            self._taken.add(name)
            self._given[variable] = name
        return self._given[variable]


class Call(NamedTuple):
    """How the `forward` of a block is called: `cls` is the name of its class, `ctx` whether it wants one, `pairs`
    whether it gives what is saved beside the outputs."""

    cls: str
    ctx: bool
    pairs: bool


def statements(
    nodes: list[Node], names: Names, classes: Mapping[type[Block], Call], arrays: set[str], keep: set[str]
) -> list[str]:
    """A statement for each node; `arrays` are the variables that are looked up in `w`, `keep` those returned."""
    read = {v for node in nodes for v in node.reads} | keep
    lines: list[str] = []
    scope = ""
    for node in nodes:
        inside = node.name.rpartition("/")[0]
        if inside != scope:
            lines += ["", f"# {inside}"] if inside else [""]
            scope = inside
        lines += _statement(node, names, classes[type(node.block)], arrays, read)
    return lines


def _statement(node: Node, names: Names, call: Call, arrays: set[str], read: set[str]) -> list[str]:
    def value(variable: str | None) -> str:
        if variable in arrays:
            return f"w[{json.dumps(variable, ensure_ascii=False)}]"
        return "None" if variable is None else names[variable]

    data = [value(v) for v in node.inputs]
    given = [*data, *(f"{name}={value(v)}" for name, v in node.params.items())]
    if call.ctx:
        given.insert(0, f"Context({data[0] if data else 'None'})")
    outputs = ", ".join(names[v] if v in read else "_" for v in node.outputs)
    head = f"{outputs} = {call.cls}({', '.join(options_of(node.block))}).forward("
    tail = ")[0]" if call.pairs else ")"
    line = f"{head}{', '.join(given)}{tail}"
    if len(line) <= WIDTH:
        return [line]
    return [head, *textwrap.wrap(", ".join(given), WIDTH, initial_indent="    ", subsequent_indent="    "), tail]


def options_of(block: Block) -> list[str]:
    """The options that are not as they are by default."""
    defaults = option_defaults(type(block))
    made = {f.name for f in fields(block) if f.default_factory is not MISSING}  # type: ignore[arg-type]
    values = {name: getattr(block, name) for name in block.option_types}
    said = [
        name for name, x in values.items() if name in made or type(x) is not type(defaults[name]) or x != defaults[name]
    ]
    return [f"{name}={_spelt(block, name, values[name])}" for name in said]


def _spelt(block: Block, name: str, value: Any) -> str:
    """A value of an option as Python says it."""
    if isinstance(value, float) and not math.isfinite(value):
        return f'float("{value}")'
    if isinstance(value, (list, tuple)):
        inner = ", ".join(_spelt(block, name, x) for x in value)
        return f"[{inner}]" if isinstance(value, list) else f"({inner}{',' * (len(value) == 1)})"
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{k!r}: {_spelt(block, name, x)}" for k, x in value.items()) + "}"
    if value is None or isinstance(value, (bool, int, float)):
        return repr(value)
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    raise NotAlone(f"option `{name}` of block `{block.name}` is a {type(value).__name__}, which has no short spelling")


def described(spec: Any) -> str:
    """An array for reading: its dtype and its shape, N for the batch."""
    sizes = ["N" if not size and not i else str(size) for i, size in enumerate(spec.shape)]
    return f"{np.dtype(spec.dtype).name} ({', '.join(sizes)}{',' * (len(sizes) == 1)})"
