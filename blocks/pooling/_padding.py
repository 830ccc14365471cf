"""What padding the blocks of pooling refuse."""

from typing import Any

from blockrun.core.options import OptionError

from .._window import pad_per_axis, per_axis, sides


def refuse_wide_pad(block: Any, axes: int) -> None:
    """Raise `OptionError` where a window would see nothing but padding: it has neither a maximum nor a mean."""
    if isinstance(block.pad, str):
        return
    for pad, size in zip(pad_per_axis(block.pad, axes), per_axis(block.size, axes), strict=True):
        if max(sides(pad)) >= size:
            raise OptionError("pad", f"`pad` is {block.pad}; it must be smaller than `size`, {block.size}")
