"""The geometry that convolution and pooling share: where a window stands on an image, and what lies under it."""

from collections.abc import Iterator
from typing import Annotated, Any, Literal, NamedTuple

import numpy as np
from annotated_types import Ge

Size = Annotated[int, Ge(1)]
Sizes = Size | tuple[Size, Size]  # one number for both axes, or (height, width)
Border = Annotated[int, Ge(0)]
Pad = Literal["same", "valid"] | Border | tuple[Border, Border] | tuple[tuple[Border, Border], tuple[Border, Border]]


class Window(NamedTuple):
    """A window that slides over images (N, H, W, C). Every field is a pair: height, width.

    kernel     how many positions are read;   dilation   how far apart they are
    stride     how far the window moves at a time
    pad        (before, after) of each axis
    output     how many places it stands at
    """

    kernel: tuple[int, int]
    dilation: tuple[int, int]
    stride: tuple[int, int]
    pad: tuple[tuple[int, int], tuple[int, int]]
    output: tuple[int, int]

    @property
    def places(self) -> int:
        """How many places the window stands at in one image."""
        return self.output[0] * self.output[1]

    def frame(self, x: Any, images: int, border: float = 0) -> Any:
        """An array for `images` images like those of `x` together with their padding, filled with `border`."""
        height, width = (size + sum(pad) for size, pad in zip(x.shape[1:3], self.pad, strict=True))
        return np.full_like(x, border, shape=(images, height, width, x.shape[3]), order="C")

    def inside(self, frame: Any) -> Any:
        """The view of `frame` that holds the images, without the padding."""
        (top, bottom), (left, right) = self.pad
        return frame[:, top : frame.shape[1] - bottom, left : frame.shape[2] - right]

    def padded(self, x: Any, border: float = 0) -> Any:
        """`x` with its padding; `x` itself if there is none."""
        if self.pad == ((0, 0), (0, 0)):
            return x
        frame = self.frame(x, len(x), border)
        self.inside(frame)[...] = x
        return frame

    def taps(self, frame: Any) -> Iterator[Any]:
        """For each position in the window, in row order, the view (N, *output, C) of what it reads in `frame`."""
        for i in range(self.kernel[0]):
            for j in range(self.kernel[1]):
                yield frame[:, self._reach(0, i), self._reach(1, j)]

    def views(self, frame: Any) -> Any:
        """All that the window reads in `frame`, as a view (N, *output, C, *kernel)."""
        spans = tuple(span(k, d) for k, d in zip(self.kernel, self.dilation, strict=True))
        views = np.lib.stride_tricks.sliding_window_view(frame, spans, axis=(1, 2))
        return views[:, :: self.stride[0], :: self.stride[1], :, :: self.dilation[0], :: self.dilation[1]]

    def _reach(self, axis: int, position: int) -> slice:
        start = position * self.dilation[axis]
        return slice(start, start + (self.output[axis] - 1) * self.stride[axis] + 1, self.stride[axis])


def window(shape: tuple[int, ...], kernel: Any, stride: Any, pad: Any, dilation: Any = 1) -> Window:
    """The window that these options describe on images of `shape` (N, H, W, C); `ValueError` if none fits."""
    kernel, stride, dilation = pair(kernel), pair(stride), pair(dilation)
    sizes = (shape[1], shape[2])
    spans = (span(kernel[0], dilation[0]), span(kernel[1], dilation[1]))
    pads = [_pads(*which) for which in zip(_per_axis(pad), sizes, spans, stride, strict=True)]
    output = [(n + sum(p) - s) // t + 1 for n, p, s, t in zip(sizes, pads, spans, stride, strict=True)]
    if min(output) < 1:
        (top, bottom), (left, right) = pads
        raise ValueError(
            f"the window spans {spans[0]} × {spans[1]} but the image is {sizes[0]} × {sizes[1]}, padded by "
            f"{top} above, {bottom} below, {left} left, {right} right; it must fit in at least once"
        )
    return Window(kernel, dilation, stride, (pads[0], pads[1]), (output[0], output[1]))


def pair(value: Any) -> tuple[int, int]:
    """A number for both axes as (height, width)."""
    return value if isinstance(value, tuple) else (value, value)


def span(kernel: int, dilation: int) -> int:
    """How far it is from the first to the last position in a window, both included."""
    return (kernel - 1) * dilation + 1


def _per_axis(pad: Any) -> tuple[Any, Any]:
    return (pad, pad) if isinstance(pad, str) else pair(pad)


def _pads(pad: Any, size: int, span: int, stride: int) -> tuple[int, int]:
    """(before, after) of one axis; `same` gives ⌈size / stride⌉ places, the odd one of its padding after."""
    if pad == "same":
        total = max((-(-size // stride) - 1) * stride + span - size, 0)
        return total // 2, total - total // 2
    return (0, 0) if pad == "valid" else pair(pad)
