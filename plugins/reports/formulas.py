"""Formulas that run, written with the names of a network: `y = 1 / (1 + exp(-x))` as `a = 1 / (1 + exp(-y))`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import fields

from blockrun.core import Node

NAME = re.compile(r"(?<![\w.])[A-Za-z_]\w*")


def forward_line(node: Node) -> str:
    """The equation of a node, such as `b = x + a`; a call of the block by name if it states no formula."""
    block, names = node.block, [v for v in node.inputs if v is not None]
    infix = getattr(block, "infix", None)
    if infix and block.signature.many:
        return f"{node.name} = {f' {infix} '.join(names)}"
    if block.formula is None or block.signature.many:
        return f"{', '.join(node.outputs)} = {block.name}({', '.join([*names, *node.params.values()])})"
    return f"{node.name} = {_rename(block.formula, _names(node))}"


def gradient_term(node: Node, index: int) -> str:
    """What backward adds for the input at `index` of `node.gradient_inputs`, such as `delta_a * ((1 - a) * a)`."""
    name, variable = node.gradient_inputs[index]
    stated = (node.block.gradients or {}).get(name)
    if stated is None:
        deltas = ", ".join(delta(v) for v in node.outputs if v not in node.updates.values())
        return f"{node.block.name}.backward({deltas})[{name}]"
    names = _names(node)
    if node.block.signature.many == name:
        others = [v for i, (n, v) in enumerate(node.gradient_inputs) if n == name and i != index and v]
        stated = re.sub(r"prod\(others\)", " * ".join(others) or "1", stated)
        names = {**names, **{other: other for other in others}}
    return _rename(stated, names)


def delta(variable: str) -> str:
    """The name of the accumulator of a variable."""
    return f"delta_{variable}"


def _names(node: Node) -> dict[str, str]:
    """What each name in a block's formulas is called in the network; options become their values."""
    block = node.block
    named = {f.name: repr(getattr(block, f.name)) for f in fields(block)}  # type: ignore[arg-type]
    named |= {name: variable for name, variable in node.gradient_inputs if variable is not None}
    for output in ("y", block.outputs[0]):
        named |= {output: node.name, f"d{output}": delta(node.name)}
    return named


def _rename(expression: str, names: Mapping[str, str]) -> str:
    return NAME.sub(lambda match: names.get(match[0], match[0]), expression)
