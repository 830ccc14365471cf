"""Means that are exact in pieces: what a loss divides by is known before any piece has run, a metric divides last."""

import math


def positions(ctx, shape):
    """How many positions the whole batch has, at least 1 so that the mean over nothing is 0.

    `shape` (N, ...) is that of a piece of it, which has N examples.
    """
    return ctx.examples * max(math.prod(shape[1:]), 1)


def mean(total, count):
    """The result of a metric from its totals; not a number where nothing was counted."""
    return float(total) / float(count) if count else float("nan")
