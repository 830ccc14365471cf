"""Seeds: everything random in a run derives from one number and a path of names, so that nothing depends on order."""

from __future__ import annotations

import hashlib

import numpy as np


def derive(seed: int, *path: str | int) -> np.random.SeedSequence:
    """The seed for `path`, such as `("init", "fc1.W")`; other paths are independent of it."""
    words = [part if isinstance(part, int) else _number(part) for part in path]
    return np.random.SeedSequence([seed, *words])


def _number(name: str) -> int:
    return int(hashlib.sha256(name.encode()).hexdigest()[:16], 16)
