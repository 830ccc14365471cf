"""Breaches of the block contract, each applied to any block: its forward or backward with something done around it.

A breach is a function of a class, made for this one purpose, that it changes; it returns whether it applies at all.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from blockrun.core import Block

Breach = Callable[[Any], None]
Arrays = tuple[Any, ...]


def is_float(x: Any) -> bool:
    return hasattr(x, "dtype") and x.dtype.kind == "f"


def arrays(saved: Any) -> list[Any]:
    """All arrays in nested tuples."""
    if isinstance(saved, tuple):
        return [x for part in saved for x in arrays(part)]
    return [saved] if hasattr(saved, "dtype") else []


def around_forward(cls: Any, change: Callable[..., Any]) -> None:
    """Put change(self, ctx, inputs, params, go) in the place of forward; go(*inputs, **params) is what it was."""
    forward = cls.forward

    def changed(self: Any, ctx: Any, *inputs: Any, **params: Any) -> Any:
        return change(self, ctx, inputs, params, lambda *xs, **ps: forward(self, ctx, *xs, **ps))

    cls.forward = changed


def around_backward(cls: Any, change: Callable[..., Any]) -> None:
    """Put change(self, ctx, saved, dy, go) in the place of backward; go(saved, dy) is what it was."""
    backward = cls.backward

    def changed(self: Any, ctx: Any, saved: Any, *dy: Any) -> Any:
        return change(self, ctx, saved, dy, lambda saved, dy: backward(self, ctx, saved, *dy))

    cls.backward = changed


def each_output(cls: Any, change: Callable[[Any, Any], Any]) -> None:
    """Apply change(y, ctx) to the floating outputs that gradients come from."""

    def changed(self: Any, ctx: Any, inputs: Arrays, params: dict[str, Any], go: Any) -> Any:
        outputs, saved = go(*inputs, **params)
        if isinstance(outputs, tuple):
            return (change(outputs[0], ctx) if is_float(outputs[0]) else outputs[0], *outputs[1:]), saved
        return change(outputs, ctx) if is_float(outputs) else outputs, saved

    around_forward(cls, changed)


def each_gradient(cls: Any, change: Callable[[Any, Any], Any]) -> None:
    """Apply change(dx, ctx) to every gradient that backward returns."""

    def changed(self: Any, ctx: Any, saved: Any, dy: Arrays, go: Any) -> Any:
        found = go(saved, dy)
        if isinstance(found, tuple):
            return tuple(change(dx, ctx) if is_float(dx) else dx for dx in found)
        return change(found, ctx)

    around_backward(cls, changed)
