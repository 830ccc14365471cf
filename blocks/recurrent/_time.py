"""What the recurrent blocks share: the order of the steps, and what is done for all of them at once.

Inside, time is the first axis, (T, N, ...), so that a step is contiguous, and steps stand in the order they are taken.
States are (T + 1, N, H), the initial one first.
"""

import numpy as np

from .._broadcast import sum_rows
from .._rows import rows


def by_step(x, reverse):
    """x (N, T, ...) → (T, N, ...) in the order of the steps: the last is the first if `reverse`."""
    x = x.swapaxes(0, 1)
    return x[::-1] if reverse else x


def by_example(x, reverse):
    """What `by_step` made (T, N, ...) → (N, T, ...)."""
    x = x[::-1] if reverse else x
    return x.swapaxes(0, 1)


def live_steps(lengths, x, reverse):
    """(T, N, 1), by step: whether the step is within the length of the example; None for None.

    Raises `ValueError` unless all lengths are integers from 0 to T.      x (N, T, ...)
    """
    if lengths is None:
        return None
    steps = x.shape[1]
    if lengths.dtype.kind not in "iu":
        raise ValueError(f"lengths is {lengths.dtype}; lengths must be integers from 0 to {steps}, the steps of x")
    if lengths.size and (lengths.min() < 0 or lengths.max() > steps):
        place = int(np.argmax((lengths < 0) | (lengths > steps)))
        raise ValueError(f"length {lengths[place]} at position {place} is not from 0 to {steps}, the steps of x")
    live = np.arange(steps, like=lengths)[:, None, None] < lengths[:, None]
    return live[::-1] if reverse else live


def start(h0, a, units):
    """Room for the states before and after every step of a (T, N, ...), the first of them h0, or 0 for None."""
    hs = np.empty_like(a, shape=(len(a) + 1, a.shape[1], units), order="C")
    hs[0] = 0 if h0 is None else h0
    return hs


def along(step, live, *states):
    """Call step(t), which writes states[t + 1], from step to step; an example that is at its end keeps its states."""
    for t in range(len(states[0]) - 1):
        step(t)
        if live is not None:
            for s in states:
                s[t + 1] = np.where(live[t], s[t + 1], s[t])


def back(step, live, dy, dh, *others):
    """The gradients of the initial states, from those of the last and those of y (T, N, H), which are the first state.

    step(t, *gradients of the states after step t) gives those of the states before it. Past the end of an example its
    y has none, and those of its states pass by the step.
    """
    for t in reversed(range(len(dy))):
        if live is None:
            dh, *others = step(t, dh + dy[t], *others)
            continue
        after = dh + live[t] * dy[t], *others
        before = step(t, *(live[t] * d for d in after))
        dh, *others = (np.where(live[t], d, by) for d, by in zip(before, after, strict=True))
    return dh, *others


def gradients(needs, x, W, h, da, du):
    """dx, dW, dU, db from the gradients of x Wᵀ + b, da, and of h Uᵀ, du; each for all steps in one product."""
    dx = (rows(da) @ W).reshape(x.shape) if needs.x else None
    dW = rows(da).T @ rows(x) if needs.W else None
    dU = rows(du).T @ rows(h) if needs.U else None
    db = sum_rows(da) if needs.b else None
    return dx, dW, dU, db


def parts(a, count):
    """a (N, count H) as `count` views (N, H)."""
    units = a.shape[1] // count
    return [a[:, j * units : (j + 1) * units] for j in range(count)]
