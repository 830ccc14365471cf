"""The second implementation: for each block, a family a file, how PyTorch computes the same.

A family's file has `BLOCKS`, the counterparts, and may have `WITHOUT`, the blocks PyTorch has no counterpart of, each
with the reason.
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

from ..common import Counterparts

FAMILIES = [import_module(f".{file.stem}", __name__) for file in sorted(Path(__file__).parent.glob("[!_]*.py"))]
BLOCKS: Counterparts = {name: there for family in FAMILIES for name, there in getattr(family, "BLOCKS", {}).items()}
WITHOUT: dict[str, str] = {name: why for family in FAMILIES for name, why in getattr(family, "WITHOUT", {}).items()}
