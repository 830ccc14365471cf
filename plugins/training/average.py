"""The moving average of what is learned, which is measured and kept beside it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]


class Average:
    """a ← a + w·(x − a) with w = (1 − d)/(1 − dᵗ), t the step from 1.

    So a = (1 − d)/(1 − dᵗ) · Σᵢ dᵗ⁻ⁱ xᵢ: the weights add up to 1 from the first step on, and the initial values have
    none. (Polyak & Juditsky 1992 average alike; the correction is that of Kingma & Ba 2015, section 3)
    """

    def __init__(self, decay: float) -> None:
        self.decay = decay
        self.values: dict[str, Array] = {}

    def take(self, arrays: Mapping[str, Array], step: int) -> None:
        """Add `arrays` as they are after step number `step`; integers are kept as they are."""
        if not self.values:
            self.values = {name: np.array(x) for name, x in arrays.items()}
            return
        weight = (1 - self.decay) / (1 - self.decay**step)
        for name, x in arrays.items():
            average = self.values[name]
            if average.dtype.kind == "f":
                difference = np.asarray(x - average)
                difference *= weight
                average += difference
            else:
                average[...] = x
