"""Checkpoints that are damaged, cut off or made to mislead: never loaded, never large, never in the way of a run."""

from __future__ import annotations

import hashlib
import io
import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from blockrun.plugins.errors import RunError
from blockrun.plugins.training.checkpoint import load_checkpoint, load_latest, save_checkpoint, save_rotating
from blockrun.plugins.training.container import Damage, decode

TENSORS: dict[str, Any] = {
    "params/fc.W": np.random.default_rng(0).standard_normal((40, 50)).astype(np.float32),
    "optimizer/fc.W/m": np.random.default_rng(1).standard_normal((40, 50)).astype(np.float32),
    "state/norm.mean": np.arange(50, dtype=np.float64),
    "state/mask": np.array([True, False, True]),
    "params/none": np.zeros((0, 3), np.float32),
}
MEBIBYTE, SLOWEST = 1 << 20, 5.0
NAMES = ("../../etc/passwd", "/etc/passwd", "..", "a\0b", "CON", "\u202egnp.exe", "e\u0301", "x" * MEBIBYTE)


def write_pair(folder: Path) -> tuple[Path, bytes]:
    """A last checkpoint of about 20 kB and the one before it; the path and the bytes of the last."""
    folder.mkdir(parents=True, exist_ok=True)
    for step in (1, 2):
        newest = save_rotating(folder, "last", {n: x * (step == 2) for n, x in TENSORS.items()}, {"step": step})
    return newest, newest.read_bytes()


def _falls_back(folder: Path) -> str:
    found = load_latest(folder, "last")
    good = found.about["step"] == 1 and found.warning.endswith("took last.previous.safetensors instead")
    return "" if good else f"took {found.path.name} of step {found.about['step']}: {found.warning!r}"


def flips(folder: Path, every: int = 1) -> Iterator[tuple[str, str]]:
    """Each byte changed, in one bit and in all: the one before is used, with a warning."""
    newest, whole = write_pair(folder)
    for i in range(0, len(whole), every):
        flip = 0xFF if i % 2 else 1 << i // 2 % 8
        newest.write_bytes(whole[:i] + bytes([whole[i] ^ flip]) + whole[i + 1 :])
        yield f"byte {i} flipped by {flip:#x}", _falls_back(folder)


def truncations(folder: Path, every: int = 1) -> Iterator[tuple[str, str]]:
    """Each length that is too short: the same."""
    newest, whole = write_pair(folder)
    for size in range(0, len(whole), every):
        newest.write_bytes(whole[:size])
        yield f"cut to {size} bytes", _falls_back(folder)


def fuzz(count: int, seed: int = 0) -> Iterator[tuple[str, str]]:
    """Mutated at random: refused in a line, or loaded as what it was, and within a second."""
    draw, whole = random.Random(seed), _bytes_of({"w": np.arange(6.0), "b": np.ones(2, np.int8)})
    for number in range(count):
        data = _mutate(draw, bytearray(whole))
        began = time.perf_counter()
        try:
            decode(io.BytesIO(data), len(data))
            wrong = "" if bytes(data) == whole else "loaded although it was changed"
        except Damage as damage:
            wrong = "" if "\n" not in str(damage) and len(str(damage)) < 400 else f"says {damage}"
        except Exception as error:
            wrong = f"{type(error).__name__}: {error}"
        took = time.perf_counter() - began
        yield f"mutant {number}", wrong or (f"took {took:.1f} s" if took > 1 else "")


def _bytes_of(tensors: dict[str, Any]) -> bytes:
    path = Path("/dev/shm" if os.path.isdir("/dev/shm") else "/tmp") / f"blockrun_{os.getpid()}"
    save_checkpoint(path, tensors, {"step": 1})
    data = path.read_bytes()
    path.unlink()
    return data


def _mutate(draw: random.Random, data: bytearray) -> bytes:
    for _ in range(draw.choice((1, 1, 2, 5))):
        i, j = sorted((draw.randrange(len(data) + 1), draw.randrange(len(data) + 1)))
        kind = draw.randrange(6)
        if kind == 0 and i < len(data):
            data[i] = draw.randrange(256)
        elif kind == 1:
            del data[i:j]
        elif kind == 2:
            data[i:i] = data[i:j]
        elif kind == 3:
            data[i:i] = draw.randbytes(draw.randrange(1, 9))
        elif kind == 4:
            data[i : i + 1] = draw.choice((b"9", b'"', b"{", b"}", b"[", b",", b"\\", b"\x00", b"e99", b"-"))
        else:
            data[:8] = draw.randrange(1 << draw.choice((8, 16, 32, 64))).to_bytes(8, "little")
    return bytes(data)


def hostile_files(folder: Path) -> dict[str, Path]:
    """Files made by somebody who knows the format and can compute digests."""
    folder.mkdir(parents=True, exist_ok=True)
    huge, one = 10**15, {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}
    entries: dict[str, Any] = {
        "a shape of a petabyte": {"a": {"dtype": "F32", "shape": [huge], "data_offsets": [0, 4 * huge]}},
        "a shape that overflows": {"a": {"dtype": "F32", "shape": [2**62, 2**62], "data_offsets": [0, 4]}},
        "a shape of nothing times much": {"a": {"dtype": "F32", "shape": [0, 2**62, 2**62], "data_offsets": [0, 0]}},
        "ranges that overlap": {"a": one, "b": one},
        "a range that is missing": {"a": one, "b": {"dtype": "F32", "shape": [1], "data_offsets": [8, 12]}},
        "a range beyond the end": {"a": {"dtype": "F32", "shape": [9], "data_offsets": [0, 36]}},
        "a range that runs backwards": {"a": {"dtype": "F32", "shape": [1], "data_offsets": [4, 0]}},
        **{f"a name such as {name[:20]!r}": {name: one} for name in NAMES},
        "four thousand tensors of nothing": {
            f"t{i}": {"dtype": "F32", "shape": [0], "data_offsets": [0, 0]} for i in range(4000)
        },
    }
    made = {what: _write(folder, f"f{i}", entry) for i, (what, entry) in enumerate(entries.items())}
    raw = b'{"a":%s,"a":%s}' % ((json.dumps(one).encode(),) * 2)
    made["a name given twice"] = _raw(folder, "twice", len(raw).to_bytes(8, "little") + raw + bytes(4))
    made["a header of 16 exabytes"] = _raw(folder, "header", b"\xff" * 8 + b"{}")
    for what, raw in (("as deep", b"[" * MEBIBYTE), ("as wide", b"[" + b"[]," * (MEBIBYTE // 3 - 2) + b"[]]")):
        made[f"a header {what} as can be"] = _raw(folder, what, len(raw).to_bytes(8, "little") + raw)
    made["a file of a terabyte of holes"] = _sparse(folder / "sparse")
    return made


def _write(folder: Path, name: str, entries: dict[str, Any]) -> Path:
    body = bytes(4) if any(any(entry["data_offsets"]) for entry in entries.values()) else b""
    seals = {n: ["float32", entry["shape"], hashlib.sha256(body).hexdigest()] for n, entry in entries.items()}
    text = json.dumps({"format": 1, "about": {}, "tensors": seals}, sort_keys=True, separators=(",", ":"))
    header = {"__metadata__": {"blockrun": f"{hashlib.sha256(text.encode()).hexdigest()} {text}"}, **entries}
    raw = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    return _raw(folder, name, len(raw).to_bytes(8, "little") + raw + body)


def _raw(folder: Path, name: str, data: bytes) -> Path:
    (folder / name).write_bytes(data)
    return folder / name


def _sparse(path: Path) -> Path:
    with path.open("wb") as file:
        file.truncate(1 << 40)
    return path


LOADER = """
import json, sys, time
from pathlib import Path
from blockrun.plugins.errors import RunError
from blockrun.plugins.training.checkpoint import load_checkpoint, save_checkpoint

save_checkpoint(Path(sys.argv[1] + ".ours"), {}, {})
load_checkpoint(Path(sys.argv[1] + ".ours"))
def peak():
    return next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM"))

open("/proc/self/clear_refs", "w").write("5")  # let the peak be that of now
before, began = peak(), time.perf_counter()
try:
    load_checkpoint(Path(sys.argv[1]))
    said = ""
except RunError as error:
    said = error.message
took = time.perf_counter() - began
print(json.dumps({"said": said, "kilobytes": peak() - before, "seconds": took}))
"""


def hostile(folder: Path) -> Iterator[tuple[str, str]]:
    """Each is refused in a line, in seconds, and in the memory of the file and 32 MiB (promise 30).

    A name may be anything, since it is a key and never a path; what has a strange one is of another network.
    """
    for what, path in hostile_files(folder).items():
        done = subprocess.run([sys.executable, "-c", LOADER, path], capture_output=True, text=True, check=False)
        if done.returncode:
            yield what, f"exit code {done.returncode}: {done.stderr.strip()[-300:]}"
            continue
        found = json.loads(done.stdout)
        limit = 1.1 * min(path.stat().st_blocks * 512, path.stat().st_size) + 32 * MEBIBYTE
        wrong = "" if found["said"] or what.startswith(("a name such", "four")) else "it was loaded"
        if found["kilobytes"] * 1024 > limit or found["seconds"] > SLOWEST:
            wrong = f"took {found['kilobytes']} kB and {found['seconds']:.2f} s"
        yield f"{what} ({found['kilobytes']} kB)", wrong


def refusals(folder: Path) -> list[str]:
    """What is said about each hostile file, in this process."""
    said = []
    for path in hostile_files(folder).values():
        try:
            load_checkpoint(path)
            said.append("")
        except RunError as error:
            said.append(error.message)
    return said
