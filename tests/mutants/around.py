"""What breaches of the contract are made with: something done around the forward or the backward of any block."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Change = Callable[[Any], Any]


def is_float(x: Any) -> bool:
    return hasattr(x, "dtype") and x.dtype.kind == "f"


def arrays(saved: Any) -> list[Any]:
    """All floating arrays in nested tuples."""
    if isinstance(saved, tuple):
        return [x for part in saved for x in arrays(part)]
    return [saved] if is_float(saved) else []


def rebuilt(saved: Any, change: Change) -> Any:
    """Nested tuples with `change` applied to every floating array."""
    if isinstance(saved, tuple):
        return tuple(rebuilt(part, change) for part in saved)
    return change(saved) if is_float(saved) else saved


def around_forward(cls: Any, change: Callable[..., Any]) -> None:
    """Put change(go, self, ctx, inputs, params) in the place of forward; go() is what it was."""
    forward = cls.forward

    def changed(self: Any, ctx: Any, *inputs: Any, **params: Any) -> Any:
        return change(lambda: forward(self, ctx, *inputs, **params), self, ctx, inputs, params)

    cls.forward = changed


def around_backward(cls: Any, change: Callable[..., Any]) -> None:
    """Put change(go, self, ctx, saved, dy) in the place of backward; go(saved, dy) is what it was."""
    backward = cls.backward

    def changed(self: Any, ctx: Any, saved: Any, *dy: Any) -> Any:
        return change(lambda saved, dy: backward(self, ctx, saved, *dy), self, ctx, saved, dy)

    cls.backward = changed


def first_output(cls: Any, change: Change) -> None:
    """Apply `change` to the first output."""

    def changed(go: Any, *_: Any) -> Any:
        outputs, saved = go()
        if isinstance(outputs, tuple):
            return (change(outputs[0]), *outputs[1:]), saved
        return change(outputs), saved

    around_forward(cls, changed)


def gradients(cls: Any, change: Callable[[Any, Any], Any], position: int | None = None) -> None:
    """Apply change(dx, ctx) to every gradient that backward returns, or to the one at `position`."""

    def changed(go: Any, _self: Any, ctx: Any, saved: Any, dy: Any) -> Any:
        found = go(saved, dy)
        if not isinstance(found, tuple):
            return change(found, ctx)
        at = range(len(found)) if position is None else [position]
        return tuple(change(dx, ctx) if i in at and is_float(dx) else dx for i, dx in enumerate(found))

    around_backward(cls, changed)


def incoming(cls: Any, change: Change) -> None:
    """Apply `change` to the gradients that backward is given."""

    def changed(go: Any, _self: Any, _ctx: Any, saved: Any, dy: Any) -> Any:
        return go(saved, tuple(change(v) if is_float(v) else v for v in dy))

    around_backward(cls, changed)
