"""What holds for any file: a message with a place and never a traceback, and the right suggestion for a slip."""

import re
from pathlib import Path

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings

import blockrun
from blockrun.plugins.host import load_host
from blockrun.plugins.network.build import build
from blockrun.plugins.network.diagnostics import ConfigError
from blockrun.plugins.network.scan import read_document
from blockrun.plugins.network.settings import TOP
from blockrun.plugins.suggest import closest

CONFIGS = sorted((Path(blockrun.__file__).parent / "configs").glob("*.yaml"))
ORIGINALS = [path.read_bytes() for path in CONFIGS]
HOST = load_host(entry_points=False)
FIXED = settings(derandomize=True, deadline=None, database=None)
GARBAGE = [b"\0", b"\t", b"\r", b"{", b"]", b"'", b'"', b"&a ", b"*a", b"!!x ", b"$x", b"${1}", b"<<: ", b"- ", b": ",
           b"? ", b"# ", b"\xff", b"\xc3", "\u2028".encode(), "\ufeff".encode(), b"|\n", b"---\n", b"010", b"1e999",
           b"net: 1\n", b"in: [a, b, c]", b"in: {x: y}", b"share: loss", b"params: {W: x.W}",
           b"value: [1, [2]]"]  # fmt: skip


@st.composite
def mutated(draw) -> bytes:
    """One of the shipped configs after one to four random changes."""
    raw = draw(st.sampled_from(ORIGINALS))
    for _ in range(draw(st.integers(1, 4))):
        raw = draw(st.sampled_from([flip, cut, drop_line, double_line, insert, swap_words]))(draw, raw)
    return raw


def flip(draw, raw: bytes) -> bytes:
    if not raw:
        return raw
    at = draw(st.integers(0, len(raw) - 1))
    return raw[:at] + bytes([raw[at] ^ (1 << draw(st.integers(0, 7)))]) + raw[at + 1 :]


def cut(draw, raw: bytes) -> bytes:
    return raw[: draw(st.integers(0, len(raw)))]


def drop_line(draw, raw: bytes) -> bytes:
    lines = raw.splitlines(keepends=True)
    at = draw(st.integers(0, max(0, len(lines) - 1)))
    return b"".join(lines[:at] + lines[at + 1 :])


def double_line(draw, raw: bytes) -> bytes:
    lines = raw.splitlines(keepends=True)
    at = draw(st.integers(0, max(0, len(lines) - 1)))
    return b"".join(lines[: at + 1] + lines[at:])


def insert(draw, raw: bytes) -> bytes:
    at = draw(st.integers(0, len(raw)))
    piece = draw(st.one_of(st.sampled_from(GARBAGE), st.text(max_size=6).map(lambda t: t.encode("utf-8", "replace"))))
    return raw[:at] + piece + raw[at:]


def swap_words(draw, raw: bytes) -> bytes:
    words = re.findall(rb"\w+", raw) or [b""]
    return raw.replace(draw(st.sampled_from(words)), draw(st.sampled_from(words)), 1)


@pytest.fixture(scope="module")
def file(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("mutated") / "net.yaml"


@settings(FIXED, max_examples=1000)
@given(raw=mutated())
def test_a_damaged_config_is_accepted_or_refused_with_a_place_for_every_error(file, raw):
    """Promise 1: 1,000 mutated configs, no traceback, every error at file:line:col."""
    file.write_bytes(raw)
    try:
        build(read_document(file), HOST)
    except ConfigError as error:
        placed = re.compile(rf"^ *--> {re.escape(str(file))}:\d+:\d+$", re.MULTILINE)
        for diagnostic in error.diagnostics:
            shown = diagnostic.render()
            assert placed.search(shown) or str(file) in shown.splitlines()[0]
            assert "internal" not in shown


def one_edit(word: str) -> set[str]:
    """Every word that one slip makes of `word`: a letter left out, doubled, swapped with the next, or replaced."""
    near = "aeinst_"
    cuts = [(word[:i], word[i:]) for i in range(len(word) + 1)]
    found = {a + b[1:] for a, b in cuts if b} | {a + b[0] + b for a, b in cuts if b}
    found |= {a + b[1] + b[0] + b[2:] for a, b in cuts if len(b) > 1}
    found |= {a + c + b[1:] for a, b in cuts if b for c in near} | {a + c + b for a, b in cuts for c in near}
    return found - {word, ""}


def vocabularies() -> dict[str, list[str]]:
    """Every list of names that a key, a block, a component or an option is looked up in."""
    kinds = ("blocks", "sources", "optimizers", "schedules")
    found = {"sections": list(TOP), **{kind: HOST.names(kind) for kind in kinds}}
    for kind in kinds:
        for name in HOST.names(kind):
            options = list(HOST.find(kind, name).option_types)
            found |= {f"options of {name}": options} if options else {}
    return found


def test_the_right_name_is_suggested_first_for_at_least_95_percent_of_slips():
    """Promise 6, over all names of at least three letters; shorter ones have too many neighbours to be told apart."""
    right = total = 0
    for known in vocabularies().values():
        for name in (name for name in known if len(name) >= 3):
            slips = one_edit(name) - set(known)
            total += len(slips)
            right += sum(closest(slip, known) == name for slip in slips)
    assert total > 5_000
    assert right / total >= 0.95


def test_nothing_is_suggested_for_a_word_that_is_like_no_other():
    assert closest("xylophone", HOST.names("blocks")) is None
    assert closest("", ["linear"]) is None
