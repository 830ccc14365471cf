"""What the windows of pooling share: where they stand, and how much of a batch is pooled at a time."""

from typing import Any

from blockrun.core.options import OptionError

from .._window import Axes, Window, pad_per_axis, per_axis, sides, window

PIECE = 2**19  # bytes of images pooled at a time: they and all that is made of them stay in the cache


def window_of(block: Any, shape: Axes) -> Window:
    """The window of a pooling block on images of `shape`; it moves by its own size unless told otherwise."""
    stride = block.size if block.stride is None else block.stride
    return window(shape, block.size, stride, block.pad, ceil=block.ceil)


def pieces(x: Any) -> list[slice]:
    """Slices of the batch of which each is about `PIECE` bytes."""
    step = max(1, PIECE // max(1, x[:1].nbytes))
    return [slice(start, start + step) for start in range(0, len(x), step)]


def refuse_wide_pad(block: Any, axes: int) -> None:
    """Raise `OptionError` where a window would see nothing but padding: it has neither a maximum nor a mean."""
    if isinstance(block.pad, str):
        return
    for pad, size in zip(pad_per_axis(block.pad, axes), per_axis(block.size, axes), strict=True):
        if max(sides(pad)) >= size:
            raise OptionError("pad", f"`pad` is {block.pad}; it must be smaller than `size`, {block.size}")
