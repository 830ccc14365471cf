"""Every block wired to shapes that are not for it: refused in its terms, never in NumPy's (promise 10)."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np

from blockrun.core import Block
from blockrun.plugins.host import Host
from blockrun.plugins.network.build import build
from blockrun.plugins.network.diagnostics import ConfigError
from blockrun.plugins.network.document import Document

WRONG, TRIES = 20, 400  # shapes that are refused, of so many that are tried
RAW = re.compile(
    r"operands could not|matmul: |could not be broadcast together with|cannot reshape|axes don't match|einstein sum|"
    r"all the input array|all input arrays|could not broadcast input|index \d+ is out of bounds|too many indices|"
    r"shapes \(.*\) not aligned|tuple index out of range|axis .* is out of bounds for array|zero-size array|"
    r"not enough values to unpack|too many values to unpack|must be a square|setting an array element|'NoneType'"
)


def cases(host: Host, wrong: int = WRONG, seed: int = 0) -> Iterator[tuple[str, str]]:
    """Every block with so many wrong shapes, and the message of each that is not in its terms."""
    for name in host.names("blocks"):
        rng = random.Random(f"{seed} {name}")
        examples = [e for e in host.find("blocks", name).examples(np.random.default_rng(seed)) if e[1]]
        refused = 0
        for _ in range(TRIES if examples else 0):
            block, inputs = rng.choice(examples)
            shapes = [(x.shape, str(x.dtype)) if x is not None else None for x in inputs]
            message = refusal(block, worse(shapes, rng), host)
            if message is not None:
                refused += 1
                yield f"{name} {refused}", message
            if refused == wrong:
                break


def worse(shapes: list[Any], rng: random.Random) -> list[Any]:
    """Shapes of which one is changed: another size, an axis less or more, or in another order."""
    i = rng.choice([i for i, given in enumerate(shapes) if given is not None] or [0])
    shape, dtype = list(shapes[i][0]), shapes[i][1]
    change = rng.randrange(5)
    if change == 0 and shape:
        shape[rng.randrange(len(shape))] += rng.randint(1, 3)
    elif change == 1 and shape:
        del shape[rng.randrange(len(shape))]
    elif change == 2:
        shape.insert(rng.randint(0, len(shape)), rng.randint(1, 5))
    elif change == 3:
        rng.shuffle(shape)
    else:
        shape = [rng.randint(1, 6) for _ in range(rng.randint(0, 5))]
    return [*shapes[:i], (tuple(shape), dtype), *shapes[i + 1 :]]


def refusal(block: Block, shapes: list[Any], host: Host) -> str | None:
    """None if a block takes these shapes; else what is wrong with how it is refused, "" if nothing."""
    names = {f"x{i}": given for i, given in enumerate(shapes) if given is not None}
    inputs = {name: _input(shape, dtype) for name, (shape, dtype) in names.items()}
    options = {f.name: _plain(getattr(block, f.name)) for f in fields(block)}  # type: ignore[arg-type]
    bound = block.signature.bind(len(shapes))
    wired: Any = [f"x{i}" for i in range(len(shapes))]
    if len(names) < len(shapes):
        wired = {bound[i]: f"x{i}" for i, given in enumerate(shapes) if given is not None}
    data = {
        "blockrun": 1,
        "inputs": inputs,
        "net": {"n": {"block": block.name, **options, **({"in": wired} if names else {})}},
    }
    try:
        build(Document(data), host, drawn=False)
    except ConfigError as error:
        bad = [d for d in error.diagnostics if d.code == "E042" or RAW.search(d.render())]
        return f"{list(shapes)}: {bad[0].render()}" if bad else ""
    return None


def _input(shape: tuple[int, ...], dtype: str) -> dict[str, Any]:
    """As an input of a file: without its first axis, unless there is none."""
    kind = {"f": "float32", "i": "int64", "u": "int64", "b": "bool"}[np.dtype(dtype).kind]
    return {"shape": list(shape[1:]), "dtype": kind, "batch": bool(shape)}


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_plain(part) for part in value]
    return str(value) if isinstance(value, Path) else value
