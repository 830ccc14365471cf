"""The geometry of convolution and pooling along any number of axes: where a window stands, and what lies under it."""

import itertools
import math
from collections.abc import Iterator
from functools import lru_cache
from typing import Annotated, Any, Literal, NamedTuple

import numpy as np
from annotated_types import Ge

Size = Annotated[int, Ge(1)]
Border = Annotated[int, Ge(0)]
Sides = tuple[Border, Border]  # before, after
Named = Literal["same", "valid"]
Size2 = Size | tuple[Size, Size]  # one number for both axes, or (height, width)
Size3 = Size | tuple[Size, Size, Size]  # one number for all axes, or (depth, height, width)
Pad1 = Named | Border | Sides
Pad2 = Named | Border | tuple[Border, Border] | tuple[Sides, Sides]
Pad3 = Named | Border | tuple[Border, Border, Border] | tuple[Sides, Sides, Sides]

Axes = tuple[int, ...]


class Window(NamedTuple):
    """A window that slides over images (N, ..., C). Every field has an entry for each axis between N and C.

    Blocks save it for backward, where `Window(*win)` makes one again of what may have become a plain tuple.


    kernel     how many positions are read;   dilation   how far apart they are
    stride     how far the window moves at a time
    pad        (before, after), what the last window overhangs included
    overhang   how much of the padding after is there only for the last window
    output     how many places it stands at
    """

    kernel: Axes
    dilation: Axes
    stride: Axes
    pad: tuple[Sides, ...]
    overhang: Axes
    output: Axes

    @property
    def positions(self) -> int:
        """How many positions are read at one place."""
        return math.prod(self.kernel)

    @property
    def places(self) -> int:
        """How many places the window stands at in one image."""
        return math.prod(self.output)

    def frame(self, like: Any, shape: Axes, border: float = 0) -> Any:
        """An array of the kind of `like` for images of `shape` together with their padding, filled with `border`."""
        sizes = [size + sum(pad) for size, pad in zip(shape[1:-1], self.pad, strict=True)]
        return np.full_like(like, border, shape=(shape[0], *sizes, shape[-1]), order="C")

    def inside(self, frame: Any) -> Any:
        """The view of `frame` that holds the images, without the padding."""
        axes = zip(frame.shape[1:-1], self.pad, strict=True)
        return frame[(slice(None), *(slice(before, size - after) for size, (before, after) in axes))]

    def padded(self, x: Any, border: float = 0) -> Any:
        """`x` with its padding; `x` itself if there is none."""
        if not any(map(any, self.pad)):
            return x
        frame = self.frame(x, x.shape, border)
        self.inside(frame)[...] = x
        return frame

    def taps(self, frame: Any) -> Iterator[Any]:
        """For each position in the window, in row order, the view (N, *output, C) of what it reads in `frame`."""
        reaches = ([self._reach(axis, i) for i in range(size)] for axis, size in enumerate(self.kernel))
        for reach in itertools.product(*reaches):
            yield frame[(slice(None), *reach)]

    def views(self, frame: Any) -> Any:
        """All that the window reads in `frame`, as a view (N, *output, C, *kernel)."""
        spans = tuple(map(span, self.kernel, self.dilation))
        views = np.lib.stride_tricks.sliding_window_view(frame, spans, axis=tuple(range(1, frame.ndim - 1)))
        every = [slice(None, None, step) for step in (1, *self.stride, 1, *self.dilation)]
        return views[tuple(every)]

    def sums(self, x: Any) -> Any:
        """The sum of all that the window reads in `x` and its padding, (N, *output, C): one axis after another."""
        y = self.padded(x)
        for axis in range(len(self.kernel)):
            first, *others = self._along(y, axis)
            y = first.copy(order="C")
            for other in others:
                y += other
        return y

    def spread(self, dy: Any, shape: Axes) -> Any:
        """The gradient of `sums` for x of `shape`: every number of `dy` added to all that its window read."""
        for axis in reversed(range(len(self.kernel))):
            size = shape[axis + 1] + sum(self.pad[axis])
            dframe = np.zeros_like(dy, shape=(*dy.shape[: axis + 1], size, *dy.shape[axis + 2 :]), order="C")
            for read in self._along(dframe, axis):
                read += dy
            dy = dframe
        return self.inside(dy)

    def _along(self, frame: Any, axis: int) -> Iterator[Any]:
        """For each position in the window along one axis the view of what it reads there."""
        for position in range(self.kernel[axis]):
            yield frame[(*(slice(None),) * (axis + 1), self._reach(axis, position))]

    def _reach(self, axis: int, position: int) -> slice:
        start = position * self.dilation[axis]
        return slice(start, start + (self.output[axis] - 1) * self.stride[axis] + 1, self.stride[axis])


@lru_cache(maxsize=256)
def window(shape: Axes, kernel: Any, stride: Any, pad: Any, dilation: Any, ceil: bool) -> Window:
    """The window that these options describe on images of `shape` (N, ..., C); `ValueError` if none fits.

    With `ceil` a last window that hangs over the padded end counts too, if it starts before the end of the image.
    """
    sizes = shape[1:-1]
    kernel, stride, dilation = (per_axis(value, len(sizes)) for value in (kernel, stride, dilation))
    spans = tuple(map(span, kernel, dilation))
    pads = tuple(map(_sides, pad_per_axis(pad, len(sizes)), sizes, spans, stride))
    overhang = tuple(map(_overhang, sizes, spans, stride, pads)) if ceil else (0,) * len(sizes)
    padded = [size + sum(pad) + over for size, pad, over in zip(sizes, pads, overhang, strict=True)]
    output = tuple((size - width) // step + 1 for size, width, step in zip(padded, spans, stride, strict=True))
    if min(output) < 1:
        raise ValueError(_does_not_fit(spans, sizes, pads))
    pads = tuple((before, after + over) for (before, after), over in zip(pads, overhang, strict=True))
    return Window(kernel, dilation, stride, pads, overhang, output)


def per_axis(value: Any, axes: int) -> Axes:
    """A number for all axes as one for each."""
    return value if isinstance(value, tuple) else (value,) * axes


def sides(value: Any) -> Sides:
    """A number for both sides as (before, after)."""
    return value if isinstance(value, tuple) else (value, value)


def pad_per_axis(pad: Any, axes: int) -> tuple[Any, ...]:
    """`pad` as it is for each axis; along one axis a list of two is (before, after)."""
    return (pad,) if axes == 1 else per_axis(pad, axes)


def span(kernel: int, dilation: int) -> int:
    """How far it is from the first to the last position in a window, both included."""
    return (kernel - 1) * dilation + 1


def _sides(pad: Any, size: int, span: int, stride: int) -> Sides:
    """(before, after) of one axis; `same` gives ⌈size / stride⌉ places, the odd one of its padding after."""
    if pad == "same":
        total = max((-(-size // stride) - 1) * stride + span - size, 0)
        return total // 2, total - total // 2
    return (0, 0) if pad == "valid" else sides(pad)


def _overhang(size: int, span: int, stride: int, pad: Sides) -> int:
    """How far a last window hangs over the padded end of one axis; 0 for one that would not start in the image."""
    free = size + sum(pad) - span
    over = -free % stride
    return over if free + over < size + pad[0] else 0


def _does_not_fit(spans: Axes, sizes: Axes, pads: tuple[Sides, ...]) -> str:
    names = ("in front", "behind", "above", "below", "left", "right")[-2 * len(sizes) :]
    widths = [f"{width} {name}" for width, name in zip(itertools.chain(*pads), names, strict=True)]
    shown = [" × ".join(map(str, lengths)) for lengths in (spans, sizes)]
    return (
        f"the window spans {shown[0]} but the image is {shown[1]}, padded by {', '.join(widths)}; "
        "it must fit in at least once"
    )
