"""Formulas that run, written with the names of a network: `y = 1 / (1 + exp(-x))` as `a = 1 / (1 + exp(-y))`."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from blockrun.core import Node
from blockrun.plugins.testing.declared import evaluate, functions

NAME = re.compile(r"prod\(others\)|(?<![\w.])[A-Za-z_]\w*\b(?!\s*=(?!=))")  # no attribute, no keyword argument


def forward_line(node: Node) -> str:
    """The equation of a node, such as `b = x + a`; a call of the block by name if it states no formula."""
    block, given = node.block, [v for v in node.inputs if v is not None]
    infix = getattr(block, "infix", None)
    if infix and block.signature.many:
        return f"{node.name} = {f' {infix} '.join(given)}"
    if block.formula is None:
        return f"{', '.join(node.outputs)} = {block.name}({', '.join([*given, *node.params.values()])})"
    return f"{node.name} = {_rename(block.formula, _names(node))}"


def gradient_term(node: Node, index: int) -> str:
    """What backward sends to the input at `index` of `node.gradient_inputs`, such as `delta_a * ((1 - a) * a)`."""
    stated = _stated(node, index)
    if stated is None:
        name, deltas = node.gradient_inputs[index][0], ", ".join(delta(v) for _, v in _differentiated(node))
        return f"{node.block.name}.backward({deltas})[{name}]"
    return _rename(stated, {**_names(node), **_names_around(node, index)})


def summed_term(node: Node, index: int, values: Mapping[str, Any], douts: Sequence[Any], shape: tuple[int, ...]) -> str:
    """`gradient_term`, with the sum over the axes along which an input of that `shape` was broadcast, if any."""
    term, stated = gradient_term(node, index), _stated(node, index)
    if stated is None:
        return term
    found = evaluate(stated, _values(node, index, values, douts)).shape
    new = len(found) - len(shape)
    axes = tuple(i for i, n in enumerate(found) if i < new or (new >= 0 and shape[i - new] == 1 != n))
    if not axes:
        return term
    keep = ", keepdims=True" if len(axes) > new else ""
    over = f"sum({term}, axis={axes[0] if len(axes) == 1 else axes}{keep})"
    return f"{over}.reshape{shape}" if keep and new else over


def delta(variable: str) -> str:
    """The name of the accumulator of a variable."""
    return f"delta_{variable}"


def _stated(node: Node, index: int) -> str | None:
    """The gradient that the block states for an input, in the block's own names."""
    stated: str | None = (node.block.gradients or {}).get(node.gradient_inputs[index][0])
    return stated


def _differentiated(node: Node) -> list[tuple[str, str]]:
    """(output, variable) for each output whose gradient backward is given."""
    updates = node.updates.values()
    return [(o, v) for o, v in zip(node.block.outputs, node.outputs, strict=True) if v not in updates]


def _names(node: Node) -> dict[str, str]:
    """What each name in a block's formulas is called in the network; options become their values."""
    block = node.block
    named = {option: repr(getattr(block, option)) for option in block.option_types}
    named |= {name: variable or "None" for name, variable in node.gradient_inputs}
    named |= node.params
    if block.signature.many:
        named[block.signature.many] = f"({', '.join(_many(node))})"
    for output, variable in [*zip(block.outputs, node.outputs, strict=True), ("y", node.name)]:
        named |= {output: variable, f"d{output}": delta(variable)}
    return named


def _names_around(node: Node, index: int) -> dict[str, str]:
    """For one of `*xs`: itself as `x`, and the others."""
    name, variable = node.gradient_inputs[index]
    if name != node.block.signature.many:
        return {}
    others = _others(node, index)
    product = " * ".join(others) or "1"
    return {
        "x": str(variable),
        "others": f"({', '.join(others)})",
        "prod(others)": f"({product})" if len(others) > 1 else product,
    }


def _many(node: Node) -> list[str]:
    """The variables that go into `*xs`."""
    return [str(v) for name, v in node.gradient_inputs if name == node.block.signature.many]


def _others(node: Node, index: int) -> list[str]:
    first = next(i for i, (name, _) in enumerate(node.gradient_inputs) if name == node.block.signature.many)
    return [v for i, v in enumerate(_many(node), start=first) if i != index]


def _values(node: Node, index: int, values: Mapping[str, Any], douts: Sequence[Any]) -> dict[str, Any]:
    """What each name in a block's formulas stands for: NumPy's functions, options, arrays."""
    block = node.block
    known = functions() | {option: getattr(block, option) for option in block.option_types}
    known |= {name: None if v is None else values[v] for name, v in node.gradient_inputs}
    known |= {name: values[v] for name, v in node.params.items() if v in values}
    first = next((values[v] for v in node.inputs if v is not None), np.float64(0))
    known |= {"training": True, "examples": (first.shape[0] or 1) if first.ndim else 1}
    known |= {output: values[v] for output, v in zip(block.outputs, node.outputs, strict=True)}
    known |= {f"d{output}": d for (output, _), d in zip(_differentiated(node), douts, strict=True)}
    known |= {"y": values[node.name], "dy": douts[0]}
    if block.signature.many:
        known[block.signature.many] = tuple(values[v] for v in _many(node))
        known |= {"x": values.get(str(node.gradient_inputs[index][1]))}
        known |= {"others": tuple(values[v] for v in _others(node, index))} if _names_around(node, index) else {}
    return known


def _rename(expression: str, names: Mapping[str, str]) -> str:
    return NAME.sub(lambda match: names.get(match[0], match[0]), expression)
