"""What the executor adds to an exception that a block raised: which node, with which options, given what."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .graph import Node


def explain_forward(error: Exception, node: Node, args: list[Any], kwargs: dict[str, Any]) -> None:
    """Note on `error` that it comes from the forward of `node`, and the shapes it was given."""
    names = node.block.signature.bind(len(args))
    _note(error, node, "given", [*zip(names, args, strict=True), *kwargs.items()])


def explain_backward(error: Exception, node: Node, douts: list[Any]) -> None:
    """Note on `error` that it comes from the backward of `node`, and the gradients it was given."""
    names = [f"d{name}" for name in node.block.outputs]
    _note(error, node, "backward, given the gradients", zip(names, douts, strict=False))


def _note(error: Exception, node: Node, doing: str, given: Iterable[tuple[str, Any]]) -> None:
    shown = ", ".join(f"{name} {_describe(x)}" for name, x in given)
    error.add_note(f"in node {node}, {node.block!r}, {doing} {shown or 'nothing'}")


def _describe(x: Any) -> str:
    return "nothing" if x is None else f"{tuple(x.shape)} {x.dtype}"
