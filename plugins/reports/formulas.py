"""Formulas that run, written with the names of a network: `y = 1 / (1 + exp(-x))` as `a = 1 / (1 + exp(-y))`."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from blockrun.core import Node
from blockrun.plugins.testing.declared import evaluate, functions

NAME = re.compile(r"(?<![\w.])[A-Za-z_]\w*\b(?!\s*=(?!=))")  # neither an attribute nor the name of a keyword argument
PRODUCT = re.compile(r"prod\(\(([^()]*)\)\)")


def forward_line(node: Node) -> str:
    """The equation of a node, such as `b = x + a`; a call of the block by name if it states no formula."""
    block, given = node.block, [v for v in node.inputs if v is not None]
    infix = getattr(block, "infix", None)
    if infix and block.signature.many:
        return f"{node.name} = {f' {infix} '.join(given)}"
    if block.formula is None:
        return f"{', '.join(_differentiated(node))} = {block.name}({', '.join([*given, *node.params.values()])})"
    return f"{node.name} = {_rewrite(block.formula, _names(node, None))}"


def gradient_term(node: Node, index: int) -> str:
    """What backward sends to the input at `index` of `node.gradient_inputs`, such as `delta_a * ((1 - a) * a)`."""
    stated = _stated(node, index)
    if stated is None:
        deltas = ", ".join(delta(v) for v in _differentiated(node))
        return f"{node.block.name}.backward({deltas})[{node.gradient_inputs[index][0]}]"
    return _rewrite(stated, _names(node, index))


def summed_term(
    node: Node, index: int, values: Mapping[str, Any], gradients: Mapping[str, Any], shape: tuple[int, ...]
) -> str:
    """`gradient_term`, and if its input, of that `shape`, was broadcast, the sum over the axes along which it was.

    `values` are arrays by variable, `gradients` those of the node's outputs.
    """
    term, stated = gradient_term(node, index), _stated(node, index)
    if stated is None:
        return term
    first = next((values[v] for v in node.inputs if v is not None and values[v].ndim), None)
    known = functions() | {"training": True, "examples": 1 if first is None else len(first) or 1}
    try:
        found = evaluate(stated, known | _arrays(node, index, values, gradients)).shape
    except Exception:  # a formula may hold for batches only, and is no more than text here
        return term
    return _sum_to(term, found, shape)


def delta(variable: str) -> str:
    """The name of the accumulator of a variable."""
    return f"delta_{variable}"


def _differentiated(node: Node) -> list[str]:
    """The variables that the node writes, less the updates of state."""
    return [variable for variable in node.outputs if variable not in node.updates.values()]


def _stated(node: Node, index: int) -> str | None:
    """The gradient that the block states for an input, in the block's own names."""
    stated: str | None = (node.block.gradients or {}).get(node.gradient_inputs[index][0])
    return stated


def _sum_to(term: str, found: tuple[int, ...], shape: tuple[int, ...]) -> str:
    new = len(found) - len(shape)
    if new < 0:
        return term
    axes = tuple(i for i, size in enumerate(found) if i < new or (shape[i - new] == 1 != size))
    if not axes:
        return term
    keep = ", keepdims=True" if len(axes) > new else ""
    summed = f"sum({term}, axis={axes[0] if len(axes) == 1 else axes}{keep})"
    return f"{summed}.reshape{shape}" if keep and new else summed


def _names(node: Node, index: int | None) -> dict[str, str]:
    """What each name in a block's formulas is called in the network; options become their values."""
    return _meanings(node, index, str, delta, repr, lambda names: f"({', '.join(names)})")


def _arrays(node: Node, index: int, values: Mapping[str, Any], gradients: Mapping[str, Any]) -> dict[str, Any]:
    """What each name in a block's formulas stands for."""
    return _meanings(node, index, values.get, gradients.get, lambda option: option, tuple)


def _meanings(
    node: Node,
    index: int | None,
    variable: Callable[[Any], Any],
    gradient: Callable[[str], Any],
    option: Callable[[Any], Any],
    group: Callable[[Sequence[Any]], Any],
) -> dict[str, Any]:
    """The names in a block's formulas, as the given functions express variables, gradients, options and `*xs`.

    For the gradient of one of `*xs`, at `index`, `x` is itself and `others` are the others.
    """
    block, inputs = node.block, node.gradient_inputs
    found = {name: option(getattr(block, name)) for name in block.option_types}
    found |= {name: variable(v) for name, v in (*inputs, *node.params.items())}
    if block.signature.many:
        many = {i: variable(v) for i, (name, v) in enumerate(inputs) if name == block.signature.many}
        found |= (
            {"x": many[index], "others": group([x for i, x in many.items() if i != index])} if index in many else {}
        )
        found |= {block.signature.many: group(list(many.values()))}
    for output, v in (*zip(block.outputs, node.outputs, strict=True), ("y", node.name)):
        found |= {output: variable(v), f"d{output}": gradient(v)}
    return found


def _rewrite(expression: str, names: Mapping[str, str]) -> str:
    """`expression` with its names replaced, and a product over several variables written out."""
    return PRODUCT.sub(_product, NAME.sub(lambda match: names.get(match[0], match[0]), expression))


def _product(match: re.Match[str]) -> str:
    product = match[1].replace(", ", " * ") or "1"
    return f"({product})" if " " in product else product
