"""What the blocks of pooling share: how much of a batch they pool at a time, and what padding they refuse."""

from typing import Any

from blockrun.core.options import OptionError

from .._window import pad_per_axis, per_axis, sides

PIECE = 2**19  # bytes of images pooled at a time: they and all that is made of them stay in the cache


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
