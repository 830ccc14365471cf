"""The executor's checks of what a block returns, run in full on the first step and in check mode."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .graph import GraphError
from .shapes import check_shapes
from .tape import stand_in

if TYPE_CHECKING:
    from .block import Array
    from .context import Context
    from .plan import Step


class ContractError(GraphError):
    """A block did not keep the block contract; the message says which rule and how."""


def stand_ins(args: list[Any], kwargs: dict[str, Any]) -> tuple[list[Any], dict[str, Any]]:
    """What the inputs of a node looked like, in no memory."""
    return [stand_in(x) for x in args], {name: stand_in(x) for name, x in kwargs.items()}


def locked(x: Any) -> Any:
    """`x`, or every array in nested tuples of them, such that writing raises."""
    if isinstance(x, tuple):
        return tuple(locked(part) for part in x)
    if isinstance(x, np.ndarray):
        x = x.view()
        x.flags.writeable = False
    return x


def checked_forward(step: Step, ctx: Context, args: list[Any], kwargs: dict[str, Any]) -> tuple[Any, Any]:
    """`forward` with its arguments locked and everything it returns inspected."""
    block = step.node.block
    names = block.signature.bind(len(args))
    given = [*zip(names, args, strict=True), *kwargs.items()]
    bindings = check_shapes(block, given, "input")
    before = dict(vars(block))
    returned = _call(step.forward, ctx, *[locked(x) for x in args], **{k: locked(x) for k, x in kwargs.items()})
    _unchanged(block, before, "forward")
    if not isinstance(returned, tuple) or len(returned) != 2:
        raise ContractError("forward must return a pair: the outputs, and what backward needs (None if nothing)")
    outputs, saved = returned
    found = _as_tuple(outputs, step.single, len(step.outputs), "forward", "output")
    for name, output in zip(block.outputs, found, strict=True):
        _is_array(output, f"output `{name}`")
        if not hasattr(block, "result"):  # sums of a metric may be wider, so that small differences of them are left
            _keeps_dtype(name, output, given)
    check_shapes(block, list(zip(block.outputs, found, strict=True)), "output", bindings)
    _is_plain(saved)
    return outputs, locked(saved)


def checked_backward(
    step: Step, ctx: Context, saved: Any, douts: list[Any], inputs: tuple[list[Any], dict[str, Any]]
) -> Any:
    """`backward` with everything it returns compared with the inputs that the gradients are for."""
    block = step.node.block
    before = dict(vars(block))
    assert step.backward is not None
    returned = _call(step.backward, ctx, saved, *douts)
    _unchanged(block, before, "backward")
    names = [name for name, _ in step.node.gradient_inputs]
    found = _as_tuple(returned, step.single_gradient, len(names), "backward", "gradient", ", ".join(names))
    args, kwargs = inputs
    values = [*args, *[None] * len(names)]
    for i, (name, gradient, slot) in enumerate(zip(names, found, step.dinputs, strict=True)):
        _check_gradient(name, gradient, kwargs.get(name, values[i]), slot is not None)
    return returned


def _call(method: Any, *args: Any, **kwargs: Any) -> Any:
    try:
        return method(*args, **kwargs)
    except ValueError as error:
        if "read-only" in str(error):
            error.add_note("a block must not write to its inputs, to what it saved, or to the gradients it is given")
        raise


def _unchanged(block: Any, before: dict[str, Any], method: str) -> None:
    after = vars(block)
    changed = [k for k in {**before, **after} if k not in before or k not in after or after[k] is not before[k]]
    if changed:
        raise ContractError(f"{method} changed `self.{changed[0]}`; return it from forward as saved instead")


def _as_tuple(returned: Any, single: bool, count: int, method: str, what: str, names: str = "") -> tuple[Any, ...]:
    if single:
        if isinstance(returned, (tuple, list)):
            raise ContractError(f"{method} returned a {type(returned).__name__}; with one {what} it is the bare array")
        return (returned,)
    if not isinstance(returned, tuple):
        raise ContractError(f"{method} returned one {type(returned).__name__}; {count} {what}s make a tuple of {count}")
    if len(returned) != count:
        wanted = f"; one for each of {names}" if names else ""
        raise ContractError(f"{method} returned {len(returned)} {what}s; it must return {count}{wanted}")
    return returned


def _is_array(x: Any, what: str) -> None:
    if not hasattr(x, "dtype") or not hasattr(x, "shape"):
        raise ContractError(f"{what} is a {type(x).__name__}; it must be an array")


def _keeps_dtype(name: str, output: Array, given: list[tuple[str, Any]]) -> None:
    floats = {x.dtype for _, x in given if x is not None and x.dtype.kind == "f"}
    if output.dtype.kind == "f" and floats and output.dtype not in floats:
        raise ContractError(f"output `{name}` is {output.dtype} but the inputs are {floats.pop()}; keep their dtype")


def _is_plain(saved: Any) -> None:
    if isinstance(saved, tuple):
        for part in saved:
            _is_plain(part)
    elif not (saved is None or isinstance(saved, (bool, int, float)) or hasattr(saved, "dtype")):
        raise ContractError(f"saved holds a {type(saved).__name__}; it may hold tuples, arrays, numbers and None")


def _check_gradient(name: str, gradient: Any, value: Any, asked: bool) -> None:
    floating = value is not None and value.dtype.kind == "f"
    if gradient is None:
        if asked and floating:
            raise ContractError(f"the gradient of `{name}` is None but was asked for; list it in nograd if it has none")
        return
    if value is None or not floating:
        kind = "is not given" if value is None else f"is {value.dtype}"
        raise ContractError(f"backward returned a gradient for `{name}`, which {kind}; return None for it")
    _is_array(gradient, f"the gradient of `{name}`")
    if tuple(gradient.shape) != tuple(value.shape):
        raise ContractError(f"the gradient of `{name}` has shape {gradient.shape}; `{name}` has shape {value.shape}")
    if gradient.dtype != value.dtype:
        raise ContractError(f"the gradient of `{name}` is {gradient.dtype}; `{name}` is {value.dtype}")
