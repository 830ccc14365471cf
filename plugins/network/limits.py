"""How large a network file and what it stands for may be, so that a file from elsewhere cannot fill the machine."""

from __future__ import annotations

import os

PREFIX = "BLOCKRUN_MAX_"
DEFAULTS = {"bytes": 2**20, "depth": 64, "values": 5_000, "nodes": 10_000}
HIGHEST = {"bytes": 2**30, "depth": 200, "values": 10**8, "nodes": 10**8}  # what reads a file deeper recurses too deep


def limit(what: str) -> int:
    """The most of `what` that is taken: what `BLOCKRUN_MAX_NODES` and the like say, or the default; no file can say."""
    said = os.environ.get(PREFIX + what.upper(), "")
    return min(int(said), HIGHEST[what]) if said.isdecimal() and len(said) < 19 else DEFAULTS[what]


def raised(what: str) -> str:
    """Help: how to raise the limit of `what`."""
    more = min(2 * limit(what), HIGHEST[what])
    return f"if that is meant, set {PREFIX}{what.upper()}={more} in the environment" if more > limit(what) else ""
