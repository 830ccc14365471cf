"""Network files damaged at random: whatever is wrong with one is said in words and with its place (promise 1)."""

from __future__ import annotations

import random
import re
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path

import blockrun
from blockrun.plugins.host import Host
from blockrun.plugins.network.build import build
from blockrun.plugins.network.diagnostics import ConfigError
from blockrun.plugins.network.extends import read_file

CONFIGS = sorted((Path(blockrun.__file__).parent / "configs").glob("*.yaml"))
GRAMMAR = """\
blockrun: 1
extends: base.yaml
vars: {n: 2, width: "${4 * half}", half: 2, deep: true, name: "net${n}"}
inputs: {x: [4, 3], h0: [8], y: [4, 8]}
templates:
  cell:
    args: {units: required, bias: "${deep and n > 1}"}
    in: [x, h]
    out: {h: new, sum: mix}
    net:
      a:   {block: linear, units: $units, in: x, init: he}
      b:   {block: linear, units: $units, in: h, bias: $bias, freeze: W}
      mix: {block: add, in: [a, b]}
      new: {block: tanh}
  deep:
    net:
      fc:   {block: linear, units: $width, init: {W: {name: normal, std: 0.1}, b: zeros}}
      drop: {block: dropout, p: "${0.5 if deep else 0.1}", when: train}
      sum:  {block: add, in: [x, drop]}
net:
  rnn:   {use: cell, units: $width, repeat: {times: 4, share: true, carry: {h: h}, start: {h: h0}, each: {x: x}}}
  top:   {use: deep, in: rnn.all, repeat: $n, freeze: ["fc.*"]}
  same:  {use: deep, in: rnn.all, share: top/0}
  tied:  {block: linear, units: 8, in: same, params: {W: top/1/fc.W}}
  off:   {block: relu, when: "${n > 5}"}
  loss:  {block: sum_of_squares, in: [off, y]}
metrics: {error: {block: sum_of_squares, in: [tied, y]}}
train: {minimize: loss, epochs: 1, optimizer: {name: adam, lr: {name: cosine, peak: 1e-3}}}
"""
BASE = "blockrun: 1\nvars: {n: 3}\nrun: {seed: 3}\n"
GARBAGE = [b"\0", b"\t", b"\r", b"{", b"]", b"'", b'"', b"&a ", b"*a", b"!!x ", b"$x", b"${1}", b"<<: ", b"- ", b": ",
           b"? ", b"# ", b"\xff", b"\xc3", "\u2028".encode(), "\ufeff".encode(), b"|\n", b"---\n", b"010", b"1e999",
           b"net: 1\n", b"in: [a, b, c]", b"in: {x: y}", b"share: loss", b"params: {W: x.W}", b"value: [1, [2]]",
           b"${", b"${n/0}", b"${9**9**9}", b"use: cell, ", b"use: top, ", b"repeat: 3, ", b"repeat: {times: $n}, ",
           b"when: eval, ", b"when: false, ", b"freeze: true, ", b"init: {W: he}, ", b"share: top, ", b"/", b".all",
           b"extends: net.yaml\n", b"extends: [base.yaml, base.yaml]\n", b"required", b"first: {units: 3}, ",
           b"$width", b"$data.classes"]  # fmt: skip


def originals() -> list[bytes]:
    """The shipped networks, and one that uses everything of the language."""
    return [*(path.read_bytes() for path in CONFIGS), GRAMMAR.encode()]


def mutate(raw: bytes, rng: random.Random) -> bytes:
    """`raw` after one to four random changes."""
    for _ in range(rng.randint(1, 4)):
        raw = rng.choice(CHANGES)(raw, rng)
    return raw


def flip(raw: bytes, rng: random.Random) -> bytes:
    at = rng.randrange(len(raw) or 1)
    return raw[:at] + bytes([raw[at] ^ (1 << rng.randrange(8))]) + raw[at + 1 :] if raw else raw


def cut(raw: bytes, rng: random.Random) -> bytes:
    return raw[: rng.randint(0, len(raw))]


def drop_line(raw: bytes, rng: random.Random) -> bytes:
    lines = raw.splitlines(keepends=True)
    at = rng.randrange(len(lines) or 1)
    return b"".join(lines[:at] + lines[at + 1 :])


def double_line(raw: bytes, rng: random.Random) -> bytes:
    lines = raw.splitlines(keepends=True)
    at = rng.randrange(len(lines) or 1)
    return b"".join(lines[: at + 1] + lines[at:])


def insert(raw: bytes, rng: random.Random) -> bytes:
    at = rng.randint(0, len(raw))
    text = "".join(chr(rng.choice([rng.randrange(128), rng.randrange(0x3000)])) for _ in range(rng.randint(0, 6)))
    return raw[:at] + rng.choice([rng.choice(GARBAGE), text.encode("utf-8", "replace")]) + raw[at:]


def swap_words(raw: bytes, rng: random.Random) -> bytes:
    words = re.findall(rb"\w+", raw) or [b""]
    return raw.replace(rng.choice(words), rng.choice(words), 1)


CHANGES: list[Callable[[bytes, random.Random], bytes]] = [flip, cut, drop_line, double_line, insert, swap_words]


def cases(folder: Path, count: int, host: Host, seed: int = 0) -> Iterator[tuple[str, str]]:
    """So many damaged files, and what was wrong with how each was refused, "" if nothing or if it was not."""
    file = folder / "net.yaml"
    (folder / "base.yaml").write_text(BASE)
    files = originals()
    for i in range(count):
        rng = random.Random(f"{seed} {i}")
        file.write_bytes(mutate(files[i % len(files)], rng))
        yield f"mutation {i}", wrong(file, host)


def wrong(file: Path, host: Host) -> str:
    """What is wrong with how a file is taken: an exception that is no message, or a message without a place."""
    try:
        build(read_file(file), host, drawn=False)
    except ConfigError as error:
        placed = re.compile(rf"^ *--> {re.escape(str(file.parent))}/(net|base)\.yaml:\d+:\d+$", re.MULTILINE)
        shown = [diagnostic.render() for diagnostic in error.diagnostics]
        bare = [text for text in shown if not placed.search(text) and str(file) not in text.splitlines()[0]]
        return f"no place: {bare[0]}" if bare else ""
    except Exception:
        return traceback.format_exc()
    return ""
