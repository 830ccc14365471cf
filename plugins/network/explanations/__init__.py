"""Every error code explained at length, with a small file that has the error and its correction."""

from __future__ import annotations

from .explanation import Explanation
from .net import NET
from .surroundings import SURROUNDINGS
from .text import TEXT
from .warnings import WARNINGS

EXPLANATIONS: dict[str, Explanation] = {**TEXT, **NET, **SURROUNDINGS, **WARNINGS}
