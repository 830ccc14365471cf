"""What is known of one node in a summary."""

from __future__ import annotations

from dataclasses import dataclass

Pair = tuple[int, int]


@dataclass(frozen=True)
class Row:
    """One node. Sizes count what is made for this node; `shared` says what it takes from others instead.

    shape            of the first output, None for the batch axis
    multiply_adds    per example, of the products with parameters; None for nodes without one
    receptive_field  (height, width) in pixels of the input; None where no window has slid over an image
    frozen           how many of the parameters are left as they are
    """

    node: str
    block: str
    reads: tuple[str, ...]
    shape: tuple[int | None, ...]
    parameters: int
    state: int
    shared: dict[str, str]
    multiply_adds: int | None
    receptive_field: Pair | None
    frozen: int = 0
