"""How much of a batch is worked on at a time, where every number is read several times."""

from typing import Any

PIECE = 2**19  # bytes of a batch that are worked on at a time: they and what is made of them stay in the cache


def pieces(x: Any) -> list[slice]:
    """Slices of the batch of which each is about `PIECE` bytes."""
    step = max(1, PIECE // max(1, x[:1].nbytes))
    return slices(len(x), step)


def slices(count: int, step: int) -> list[slice]:
    """Slices of `step`, the last perhaps shorter, that make up `count`."""
    return [slice(start, min(start + step, count)) for start in range(0, count, step)]
