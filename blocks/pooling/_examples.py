"""What the windows of pooling are tried on: every option, every side of the padding, windows apart and overlapping."""

from collections.abc import Iterator
from typing import Any

import numpy as np

Options = dict[str, Any]

ONE: list[tuple[Options, tuple[int, ...]]] = [
    ({"size": 2}, (2, 13, 5)),
    ({"size": 3, "stride": 2, "pad": (2, 1)}, (3, 5, 2)),
    ({"size": 3, "stride": 2, "pad": "same"}, (2, 6, 3)),
    ({"size": 5, "stride": 1, "pad": "same"}, (2, 4, 3)),
    ({"size": 1, "stride": 2, "pad": "same"}, (3, 4, 2)),
    ({"size": 2, "stride": 1, "pad": "valid"}, (3, 4, 2)),
    ({"size": 4, "stride": 3, "pad": 1, "ceil": True}, (2, 6, 3)),
    ({"size": 2, "stride": 4, "pad": (0, 1), "ceil": True}, (2, 4, 3)),
    ({"size": 3, "stride": 5, "pad": (0, 2), "ceil": True}, (3, 4, 2)),
]
TWO: list[tuple[Options, tuple[int, ...]]] = [
    ({"size": 2}, (2, 5, 6, 3)),
    ({"size": (3, 2), "stride": (1, 2), "pad": 1}, (2, 4, 5, 3)),
    ({"size": 3, "stride": 2, "pad": "same"}, (2, 6, 5, 3)),
    ({"size": 3, "stride": 1, "pad": "same"}, (2, 4, 5, 3)),
    ({"size": 1, "stride": 2, "pad": "same"}, (2, 4, 2, 3)),
    *(
        ({"size": 2, "stride": 1, "pad": pad}, (2, 3, 4, 2))
        for pad in (((1, 0), (0, 0)), ((0, 1), (0, 0)), ((0, 0), (1, 0)), ((0, 0), (0, 1)))
    ),
    ({"size": (2, 3), "stride": 1, "pad": "valid"}, (2, 3, 5, 4)),
    ({"size": (2, 3), "stride": 4, "pad": ((0, 1), (2, 1))}, (2, 5, 6, 3)),
    ({"size": (3, 2), "stride": 2, "pad": 1, "ceil": True}, (2, 4, 5, 3)),
    ({"size": (2, 3), "stride": (4, 5), "pad": ((0, 1), (0, 2)), "ceil": True}, (2, 4, 4, 3)),
]
THREE: list[tuple[Options, tuple[int, ...]]] = [
    ({"size": 2}, (2, 3, 4, 6, 2)),
    ({"size": (1, 3, 5), "stride": (2, 1, 1), "pad": "same"}, (2, 2, 4, 3, 2)),
    ({"size": 2, "stride": 1, "pad": "valid"}, (2, 2, 3, 4, 1)),
    ({"size": 2, "stride": (2, 1, 3), "pad": ((1, 0), (0, 1), (0, 0))}, (2, 3, 2, 5, 1)),
    ({"size": (2, 1, 3), "stride": 2, "pad": (1, 0, 1), "ceil": True}, (2, 3, 2, 4, 3)),
    ({"size": (2, 3, 4), "stride": (4, 5, 3), "pad": ((0, 1), (0, 2), (1, 1)), "ceil": True}, (2, 4, 4, 6, 1)),
]


def examples(cls: Any, rng: np.random.Generator, cases: list[tuple[Options, tuple[int, ...]]]) -> Iterator[Any]:
    """The cases as instances of `cls` with numbers that differ enough for a small step not to change the largest."""
    for options, shape in cases:
        count = int(np.prod(shape))
        yield cls(**options), (rng.permutation(np.linspace(-2, 2, count)).reshape(shape),)
