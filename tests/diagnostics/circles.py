"""Random networks in which one wire leads back: the circle is found, and the one that is shown is there (promise 8)."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from itertools import pairwise

from blockrun.plugins.host import Host
from blockrun.plugins.network.build import build
from blockrun.plugins.network.diagnostics import ConfigError
from blockrun.plugins.network.scan import parse_document

FACT = re.compile(r"a circle: (.*), each read by the next")
HEAD = "blockrun: 1\ninputs: {x: [3]}\n"


def graph(rng: random.Random) -> dict[str, list[str]]:
    """What each node reads: earlier ones at random, and one of them a later one from which a way leads to it."""
    names = [f"n{i}" for i in range(rng.randint(1, 12))]
    reads = {n: rng.sample(["x", *names[:i]], rng.randint(1, min(3, i + 1))) for i, n in enumerate(names)}
    first = rng.choice(names)
    last = rng.choice(sorted(_readers(reads, first)))
    reads[first].append(last)
    return reads


def _readers(reads: dict[str, list[str]], name: str) -> set[str]:
    """`name` and all that depend on it."""
    found = {name}
    for node, inputs in reads.items():
        found |= {node} if not found.isdisjoint(inputs) else set()
    return found


def written(reads: dict[str, list[str]], rng: random.Random) -> tuple[str, str]:
    """The network as a file, its nodes in any order and perhaps inside a template, and what their names begin with."""
    nodes = [f"{name}: {{block: add, in: [{', '.join(inputs)}]}}" for name, inputs in reads.items()]
    rng.shuffle(nodes)
    if rng.random() < 0.5:
        return HEAD + "net:\n" + "".join(f"  {node}\n" for node in nodes), ""
    template = "templates:\n  t:\n    net:\n" + "".join(f"      {node}\n" for node in nodes)
    return f"{HEAD}{template}net: {{inside: {{use: t, in: x}}}}\n", "inside/"


def cases(count: int, host: Host, seed: int = 0) -> Iterator[tuple[str, str]]:
    """So many graphs with a circle, and what was wrong with what was said of each."""
    for i in range(count):
        rng = random.Random(f"{seed} {i}")
        reads = graph(rng)
        text, before = written(reads, rng)
        yield f"graph {i}", wrong(text, reads, before, host)


def wrong(text: str, reads: dict[str, list[str]], before: str, host: Host) -> str:
    try:
        build(parse_document(text), host)
    except ConfigError as error:
        found = [d for d in error.diagnostics if d.code == "E034"]
        if not found:
            return f"not found: {error}"
        return next((problem for d in found if (problem := _not_there(d.message, reads, before))), "")
    return f"accepted:\n{text}"


def _not_there(message: str, reads: dict[str, list[str]], before: str) -> str:
    """What is wrong with a circle that is shown."""
    alone = re.fullmatch(r"node `(.*)` reads itself", message)
    shown = FACT.fullmatch(message)
    names = [alone[1], alone[1]] if alone else re.findall(r"`([^`]+)`", shown[1]) if shown else []
    loop = [name.removeprefix(before) for name in names]
    real = len(loop) > 1 and loop[0] == loop[-1] and all(a in reads[b] for a, b in pairwise(loop))
    return "" if real else f"no circle: {message}"
