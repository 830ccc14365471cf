"""Breaches of the block contract in calls, memory and types; each is a function that changes a class."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .around import around_backward, around_forward, arrays, first_output, gradients, rebuilt

Breach = Callable[[Any], None]


# What is kept between calls


def stash_on_self(cls: Any) -> None:
    def forward(go: Any, self: Any, *_: Any) -> Any:
        outputs, saved = go()
        object.__setattr__(self, "stash", saved)
        return outputs, None

    around_forward(cls, forward)
    around_backward(cls, lambda go, self, ctx, saved, dy: go(self.stash, dy))


def counted_on_self(cls: Any) -> None:
    def forward(go: Any, self: Any, *_: Any) -> Any:
        object.__setattr__(self, "calls", getattr(self, "calls", 0) + 1)
        return go()

    around_forward(cls, forward)


def saved_of_last_call(cls: Any) -> None:
    """One place on the class for what forward leaves to backward."""
    kept = {}

    def forward(go: Any, *_: Any) -> Any:
        outputs, kept["saved"] = go()
        return outputs, None

    around_forward(cls, forward)
    around_backward(cls, lambda go, self, ctx, saved, dy: go(kept["saved"], dy))


def forward_cached_by_shape(cls: Any) -> None:
    cache: dict[Any, Any] = {}

    def forward(go: Any, self: Any, ctx: Any, inputs: Any, params: Any) -> Any:
        key = (repr(self), ctx.training, *((x.shape, x.dtype) for x in (*inputs, *params.values()) if x is not None))
        return cache[key] if key in cache else cache.setdefault(key, go())

    around_forward(cls, forward)


def backward_cached_by_shape(cls: Any) -> None:
    cache: dict[Any, Any] = {}

    def backward(go: Any, self: Any, ctx: Any, saved: Any, dy: Any) -> Any:
        shapes = [(x.shape, x.dtype) for x in (*arrays(saved), *dy) if x is not None]
        key = (repr(self), ctx.training, str(ctx.needs), *shapes)
        return cache[key] if key in cache else cache.setdefault(key, go(saved, dy))

    around_backward(cls, backward)


def _buffered() -> Callable[[Any], Any]:
    """Copies of all arrays of one shape and dtype go to one place in memory."""
    buffers: dict[Any, Any] = {}

    def kept(x: Any) -> Any:
        buffer = buffers.setdefault((x.shape, x.dtype), np.empty_like(x))
        buffer[...] = x
        return buffer

    return kept


def output_buffer_reused(cls: Any) -> None:
    first_output(cls, _buffered())


def gradient_buffer_reused(cls: Any) -> None:
    kept = _buffered()
    gradients(cls, lambda dx, ctx: kept(dx))


def saved_buffer_reused(cls: Any) -> None:
    kept = _buffered()

    def forward(go: Any, *_: Any) -> Any:
        outputs, saved = go()
        return outputs, rebuilt(saved, kept)

    around_forward(cls, forward)


# What is written to


def input_written(cls: Any) -> None:
    def forward(go: Any, self: Any, ctx: Any, inputs: Any, params: Any) -> Any:
        np.add(inputs[0], 1, out=inputs[0])
        return go()

    around_forward(cls, forward)


def input_written_after_use(cls: Any) -> None:
    def forward(go: Any, self: Any, ctx: Any, inputs: Any, params: Any) -> Any:
        result = go()
        np.multiply(inputs[-1], 0, out=inputs[-1])
        return result

    around_forward(cls, forward)


def input_written_behind_its_lock(cls: Any) -> None:
    def forward(go: Any, self: Any, ctx: Any, inputs: Any, params: Any) -> Any:
        x = inputs[0]
        while x.base is not None:
            x = x.base
        if x.flags.writeable:
            x += 1
        return go()

    around_forward(cls, forward)


def parameter_written(cls: Any) -> None:
    def forward(go: Any, self: Any, ctx: Any, inputs: Any, params: Any) -> Any:
        for x in params.values():
            x *= 0.9
        return go()

    around_forward(cls, forward)


def incoming_gradient_written(cls: Any) -> None:
    def backward(go: Any, self: Any, ctx: Any, saved: Any, dy: Any) -> Any:
        found = go(saved, dy)
        np.multiply(dy[0], 2, out=dy[0])
        return found

    around_backward(cls, backward)


def saved_written(cls: Any) -> None:
    def backward(go: Any, self: Any, ctx: Any, saved: Any, dy: Any) -> Any:
        found = go(saved, dy)
        for x in arrays(saved):
            x *= 0.5
        return found

    around_backward(cls, backward)


# Noise


def noise_of_its_own(cls: Any) -> None:
    first_output(cls, lambda y: y * (1 + 1e-3 * np.random.default_rng().random(dtype=y.dtype)))


def noise_in_the_gradient(cls: Any) -> None:
    gradients(cls, lambda dx, ctx: dx * (1 + 1e-7 * np.random.default_rng().random(dtype=dx.dtype)))


# Types and numbers of things


def output_always_float64(cls: Any) -> None:
    first_output(cls, lambda y: y.astype(np.float64))


def output_always_float32(cls: Any) -> None:
    first_output(cls, lambda y: y.astype(np.float32))


def output_rounded_to_float32(cls: Any) -> None:
    first_output(cls, lambda y: y.astype(np.float32).astype(y.dtype))


def output_no_array(cls: Any) -> None:
    first_output(cls, lambda y: y.tolist())


def gradient_always_float64(cls: Any) -> None:
    gradients(cls, lambda dx, ctx: dx.astype(np.float64))


def gradient_always_float32(cls: Any) -> None:
    gradients(cls, lambda dx, ctx: dx.astype(np.float32))


def gradient_rounded_to_float32(cls: Any) -> None:
    gradients(cls, lambda dx, ctx: dx.astype(np.float32).astype(dx.dtype))


def one_output_too_many(cls: Any) -> None:
    def forward(go: Any, *_: Any) -> Any:
        outputs, saved = go()
        return (*outputs, None) if isinstance(outputs, tuple) else (outputs, outputs), saved

    around_forward(cls, forward)


def saved_forgotten(cls: Any) -> None:
    around_forward(cls, lambda go, *_: go()[0])


def saved_no_tuple(cls: Any) -> None:
    def forward(go: Any, *_: Any) -> Any:
        outputs, saved = go()
        return outputs, [saved]

    around_forward(cls, forward)
    around_backward(cls, lambda go, self, ctx, saved, dy: go(saved[0], dy))


def one_gradient_too_few(cls: Any) -> None:
    def backward(go: Any, self: Any, ctx: Any, saved: Any, dy: Any) -> Any:
        found = go(saved, dy)
        return found[:-1] if isinstance(found, tuple) else ()

    around_backward(cls, backward)


def one_gradient_too_many(cls: Any) -> None:
    def backward(go: Any, self: Any, ctx: Any, saved: Any, dy: Any) -> Any:
        found = go(saved, dy)
        return (*found, None) if isinstance(found, tuple) else (found, None)

    around_backward(cls, backward)


def gradient_for_labels(cls: Any) -> None:
    def backward(go: Any, self: Any, ctx: Any, saved: Any, dy: Any) -> Any:
        return tuple(np.zeros(1) if dx is None else dx for dx in go(saved, dy))

    around_backward(cls, backward)
