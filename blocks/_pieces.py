"""Arrays in pieces that stay in the cache, where every number is read several times."""

from typing import Any

import numpy as np

ENTRIES = 2**15  # of one piece; the best of the powers of two for GELU, which makes forty passes
BYTES = 2**19  # of a batch that are worked on at a time


def by_pieces(function: Any, x: Any) -> Any:
    """What `function` makes of `x`: a tuple of arrays of the shape of `x`, entry by entry, or None among them."""
    if x.size <= ENTRIES:
        return function(x)
    entries = x.reshape(-1)
    pieces = [function(entries[start : start + ENTRIES]) for start in range(0, x.size, ENTRIES)]
    return tuple(None if y[0] is None else np.concatenate(y).reshape(x.shape) for y in zip(*pieces, strict=True))


def pieces(x: Any) -> list[slice]:
    """Slices of the batch of which each is about `BYTES` bytes."""
    step = max(1, BYTES // max(1, x[:1].nbytes))
    return [slice(start, start + step) for start in range(0, len(x), step)]
