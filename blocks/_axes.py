"""Axes as options: which axes of an array they name, and whether they can name the one that counts examples."""

import numpy as np

from blockrun.core.shapes import show_shape

Axes = int | tuple[int, ...]


def axis_of(shape, axis, new=0):
    """`axis` of an array of `shape`, or of that with `new` axes more, counted from the front.

    Raises `ValueError` if there is none, and if a negative one reaches axis 0: what an option leaves alone must not
    depend on the number of axes, or pieces of a batch would give other numbers than the whole.
    """
    ndim = len(shape) + new
    if not -ndim <= axis < ndim:
        raise ValueError(f"there is no axis {axis} in {_described(shape, new)}; {_choices(ndim)}")
    if axis == -ndim:
        raise ValueError(f"axis {axis} of {_described(shape, new)} is that of the examples; write 0 if it is meant")
    return axis % ndim


def axes_of(shape, axes):
    """All that `axes`, one or several, name, counted from the front; all there are for None. Raises `ValueError`."""
    if axes is None:
        return tuple(range(len(shape)))
    found = tuple(axis_of(shape, axis) for axis in as_tuple(axes))
    if len(set(found)) < len(found):
        raise ValueError(f"axes {list(found)} of shape {show_shape(shape)} name one axis twice")
    return found


def as_tuple(axes):
    return axes if isinstance(axes, tuple) else (axes,)


def leaves_examples(axes):
    """Whether none of `axes`, one or several, is axis 0."""
    return 0 not in as_tuple(axes)


def along(axis, part):
    """The index that takes `part` along `axis`, counted from the front, and all of every other axis."""
    return (*(slice(None),) * axis, part)


def largest(x, axes):
    """The largest x over `axes`, counted from the front, which stay with length 1; −∞ of no numbers."""
    if x.size == 0:
        return np.full_like(x, -np.inf, shape=[1 if i in axes else size for i, size in enumerate(x.shape)])
    return x.max(axes, keepdims=True)


def _described(shape, new):
    return f"shape {show_shape(shape)}" + (f" with {new} axis more" if new else "")


def _choices(ndim):
    return f"there are 0 to {ndim - 1}" if ndim else "it has no axes"
