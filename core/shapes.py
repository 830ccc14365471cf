"""The one-line shape notation, "x (..., K), W (M, K) -> y (..., M)": read once, matched against real shapes."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from .graph import GraphError

if TYPE_CHECKING:
    from .block import Block


class ShapeError(GraphError):
    """Shapes that do not fit a block; the message names the input, its shape and what would be right."""


class Pattern(NamedTuple):
    """The inputs and outputs of a notation, each name with its dimensions: numbers, symbols, options or "..."."""

    inputs: dict[str, tuple[str, ...]]
    outputs: dict[str, tuple[str, ...]]


@lru_cache(maxsize=1024)
def parse_shapes(text: str) -> Pattern:
    """Read the notation; raises `ValueError` saying which part is wrong."""
    left, arrow, right = text.partition("->")
    if not arrow:
        raise ValueError(f"shapes {text!r} has no `->` between inputs and outputs")
    return Pattern(_parse_side(left), _parse_side(right))


def _parse_side(text: str) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for name, dims in re.findall(r"\*?(\w+)\s*\(([^)]*)\)", text):
        found[name] = tuple(d.strip() for d in dims.split(",") if d.strip())
    rest = re.sub(r"\*?\w+\s*\([^)]*\)|[\s,]", "", text)
    if rest:
        raise ValueError(f"shapes: cannot read {rest!r} in {text.strip()!r}; write `name (A, B)` for each")
    return found


def check_shapes(
    block: Block, given: list[tuple[str, Any]], side: str, bindings: dict[str, Any] | None = None
) -> dict[str, Any]:
    """Match arrays against the block's notation, if it has one; returns what each symbol stands for.

    `given` are (name, array) pairs, `side` is "input" or "output". Raises `ShapeError`.
    """
    bindings = {} if bindings is None else bindings
    if block.shapes is None:
        return bindings
    pattern = parse_shapes(block.shapes)
    patterns = pattern.inputs if side == "input" else pattern.outputs
    for name, x in given:
        if name in patterns and x is not None:
            _match(block, name, tuple(x.shape), patterns[name], bindings)
    return bindings


def _match(block: Block, name: str, shape: tuple[int, ...], dims: tuple[str, ...], bindings: dict[str, Any]) -> None:
    wanted = f"`{name}` has shape {show_shape(shape)}; {block.name} wants {name} ({', '.join(dims)})"
    if "..." in dims:
        at = dims.index("...")
        before, after = dims[:at], dims[at + 1 :]
        if len(shape) < len(before) + len(after):
            raise ShapeError(f"{wanted}, at least {len(before) + len(after)} axes")
        middle = shape[len(before) : len(shape) - len(after)]
        _match_one(wanted, name, "...", middle, bindings, block)
        pairs = [*zip(before, shape, strict=False), *zip(after, shape[len(shape) - len(after) :], strict=True)]
    else:
        if len(shape) != len(dims):
            raise ShapeError(f"{wanted}, {len(dims)} axes, not {len(shape)}")
        pairs = list(zip(dims, shape, strict=True))
    for dim, size in pairs:
        _match_one(wanted, name, dim, size, bindings, block)


def _match_one(wanted: str, name: str, dim: str, size: Any, bindings: dict[str, Any], block: Block) -> None:
    if dim == "_":
        return
    known, source = bindings.get(dim, (None, ""))
    if dim.isdigit():
        known, source = int(dim), "fixed"
    elif known is None and isinstance(getattr(block, dim, None), int):
        known, source = getattr(block, dim), "an option"
    if known is None:
        bindings[dim] = (size, f"from {name}")
    elif known != size:
        raise ShapeError(f"{wanted}: {dim} is {show_size(known)} ({source}), not {show_size(size)}")


def show_size(size: Any) -> str:
    return show_shape(size) if isinstance(size, tuple) else str(size)


def show_shape(shape: tuple[int, ...]) -> str:
    """A shape in a message; a batch axis that is still open (0) reads N."""
    sizes = ["N" if i == 0 and size == 0 else str(size) for i, size in enumerate(shape)]
    return f"({', '.join(sizes)}{',' if len(sizes) == 1 else ''})"
