"""Wrong outputs and gradients, everywhere or only in some circumstances; each is a function that changes a class."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .around import around_backward, around_forward, first_output, gradients, incoming

Breach = Callable[[Any], None]


def entry_set(x: Any, position: int, value: float) -> Any:
    """`x` with one entry replaced; `x` itself if it has none."""
    x = np.array(x)
    if x.size:
        x.reshape(-1)[position] = value
    return x


# NaN


def nan_in_the_output(cls: Any) -> None:
    first_output(cls, lambda y: entry_set(y, -1, np.nan))


def nan_in_the_gradients(cls: Any) -> None:
    gradients(cls, lambda dx, ctx: entry_set(dx, -1, np.nan))


def infinity_in_the_gradients(cls: Any) -> None:
    gradients(cls, lambda dx, ctx: entry_set(dx, -1, np.inf))


def nan_in_evaluation(cls: Any) -> None:
    gradients(cls, lambda dx, ctx: dx if ctx.training else dx * dx.dtype.type(np.nan))


def nan_without_examples(cls: Any) -> None:
    """What a mean over an empty batch makes: parameters get no gradient but NaN."""

    def backward(go: Any, self: Any, ctx: Any, saved: Any, dy: Any) -> Any:
        found = go(saved, dy)
        wrong = not all(v.size for v in dy)
        return tuple(dx * dx.dtype.type(np.nan) if wrong and dx is not None else dx for dx in found)

    around_backward(cls, backward)


# One gradient of several: position counts what backward returns


def gradient_none(position: int) -> Breach:
    return lambda cls: gradients(cls, lambda dx, ctx: None, position)


def gradient_zero(position: int) -> Breach:
    return lambda cls: gradients(cls, lambda dx, ctx: np.zeros_like(dx), position)


def gradient_zero_in_one_entry(position: int) -> Breach:
    return lambda cls: gradients(cls, lambda dx, ctx: entry_set(dx, dx.size // 2, 0), position)


def gradient_nan_in_one_entry(position: int) -> Breach:
    return lambda cls: gradients(cls, lambda dx, ctx: entry_set(dx, 0, np.nan), position)


def gradient_negative(position: int) -> Breach:
    return lambda cls: gradients(cls, lambda dx, ctx: -dx, position)


def gradient_doubled(position: int) -> Breach:
    return lambda cls: gradients(cls, lambda dx, ctx: 2 * dx, position)


def gradient_off_by_a_hundred_thousandth(position: int) -> Breach:
    return lambda cls: gradients(cls, lambda dx, ctx: dx * dx.dtype.type(1 + 1e-5), position)


def gradient_with_an_axis_more(position: int) -> Breach:
    return lambda cls: gradients(cls, lambda dx, ctx: dx[None], position)


def gradient_shifted(position: int) -> Breach:
    """Every entry in the place of its neighbour along the last axis."""
    return lambda cls: gradients(cls, lambda dx, ctx: np.roll(dx, 1, axis=-1) if dx.ndim else 0 * dx, position)


def gradient_halved_when_alone(position: int) -> Breach:
    """Wrong only when no other gradient is asked for."""

    def change(dx: Any, ctx: Any) -> Any:
        asked = np.hstack([np.ravel(need) for need in vars(ctx.needs).values()])
        return dx / 2 if asked.sum() == 1 else dx

    return lambda cls: gradients(cls, change, position)


EACH: tuple[Callable[[int], Breach], ...] = (
    gradient_none,
    gradient_zero,
    gradient_zero_in_one_entry,
    gradient_nan_in_one_entry,
    gradient_negative,
    gradient_doubled,
    gradient_off_by_a_hundred_thousandth,
    gradient_with_an_axis_more,
    gradient_shifted,
    gradient_halved_when_alone,
)


# The incoming gradient


def incoming_gradient_ignored(cls: Any) -> None:
    incoming(cls, np.ones_like)


def incoming_gradient_clipped(cls: Any) -> None:
    incoming(cls, lambda v: np.clip(v, -0.5, 0.5))


def incoming_gradient_made_positive(cls: Any) -> None:
    incoming(cls, np.abs)


def incoming_gradient_assumed_constant(cls: Any) -> None:
    """What testing with y.sum() never shows."""
    incoming(cls, lambda v: np.full_like(v, v.reshape(-1)[0]) if v.size else v)


def incoming_gradient_rounded(cls: Any) -> None:
    incoming(cls, lambda v: v.astype(np.float16).astype(v.dtype))


# Memory: numbers read in the order in which they lie, not in that of the indices


def as_it_lies(x: Any) -> Any:
    return x.ravel(order="K").reshape(x.shape)


def incoming_gradient_read_as_it_lies(cls: Any) -> None:
    incoming(cls, as_it_lies)


def inputs_read_as_they_lie(cls: Any) -> None:
    forward = cls.forward
    cls.forward = lambda self, ctx, *xs, **params: forward(self, ctx, *map(_as_it_lies_or_none, xs), **params)


def _as_it_lies_or_none(x: Any) -> Any:
    return None if x is None else as_it_lies(x)


def wrong_where_gaps_lie_between(cls: Any) -> None:
    """A copy of the memory from the first entry on, whatever the strides."""

    def change(v: Any) -> Any:
        x = np.zeros_like(v, order="C")
        base = v if v.base is None else v.base
        x.reshape(-1)[...] = np.resize(base.ravel(order="K"), x.size)
        return x if not v.flags.c_contiguous else v

    incoming(cls, change)


# Modes, sizes and precision


def doubled_in_evaluation(cls: Any) -> None:
    gradients(cls, lambda dx, ctx: dx if ctx.training else 2 * dx)


def doubled_in_training(cls: Any) -> None:
    gradients(cls, lambda dx, ctx: 2 * dx if ctx.training else dx)


def doubled_in_float32(cls: Any) -> None:
    gradients(cls, lambda dx, ctx: 2 * dx if dx.dtype == np.float32 else dx)


def output_doubled_in_float32(cls: Any) -> None:
    first_output(cls, lambda y: 2 * y if y.dtype == np.float32 else y)


def mean_over_examples(cls: Any) -> None:
    gradients(cls, lambda dx, ctx: dx / ctx.examples)


def doubled_for_one_example(cls: Any) -> None:
    gradients(cls, lambda dx, ctx: dx / 2 if ctx.examples == 1 else dx)


def refuses_no_examples(cls: Any) -> None:
    def forward(go: Any, self: Any, ctx: Any, inputs: Any, params: Any) -> Any:
        if not all(x.size for x in inputs if x is not None):
            raise ValueError("no examples")
        return go()

    around_forward(cls, forward)
