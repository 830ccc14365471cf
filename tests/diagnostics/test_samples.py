"""A sample of every campaign about mistakes in network files; `make diagnostics` runs them in full."""

from __future__ import annotations

import subprocess
import sys

import pytest

from blockrun.plugins.host import load_host
from blockrun.plugins.network.diagnostics import ConfigError
from blockrun.plugins.network.limits import limit
from blockrun.plugins.network.scan import parse_document, read_document
from blockrun.plugins.suggest import closest

from . import circles, edges, hostile, mutated, shapes, slips

HOST = load_host(entry_points=False)
WATCHED = """
import sys
from blockrun.plugins.host import load_host
from tests.diagnostics.hostile import HEAD, injections, take

host = load_host(entry_points=False)
for text in ("{a: {block: linear, units: '${1 + 2}'}}", "{a: {use: t}}", "{a: [", "{a: &x *y}", "{a: \u00e9}"):
    take(HEAD + "net: " + text, host)  # whatever is imported on first use
for name in host.names("blocks"):
    host.find("blocks", name)
documents = list(injections().values())
seen = []
EVENTS = ("import", "open", "exec", "compile", "socket", "subprocess", "os.system", "ctypes", "pickle", "marshal")
sys.addaudithook(lambda event, args: seen.append((event, args)) if event.startswith(EVENTS) else None)
for text in documents:
    take(text, host)
parsed = ("<expression>", b"<expression>")
print(len(documents), [event for event in list(seen) if event[0] != "compile" or event[1][1] not in parsed])
"""


def wrong(cases):
    """What was wrong in any case; there must be cases."""
    found = list(cases)
    assert found
    return [f"{what}: {problem}" for what, problem in found if problem]


def share_right(cases):
    found = list(cases)
    return sum(not problem for _, problem in found) / len(found)


def test_a_damaged_file_is_accepted_or_refused_with_a_place_for_every_error(tmp_path):
    """Promise 1."""
    assert wrong(mutated.cases(tmp_path, 120, HOST)) == []


def test_the_file_that_uses_everything_is_right(tmp_path):
    """So that damaging it finds what is behind the first check."""
    (tmp_path / "base.yaml").write_text(mutated.BASE)
    (tmp_path / "net.yaml").write_text(mutated.GRAMMAR)
    network = mutated.build(mutated.read_file(tmp_path / "net.yaml"), HOST)
    assert len(network.graph.nodes) > 20


def test_the_right_word_is_suggested_for_at_least_95_percent_of_slips():
    """Promises 6 and 7, over all names of at least three letters; shorter ones have too many neighbours."""
    assert share_right(slips.cases(HOST, 0.02)) >= 0.95


def test_a_slip_in_a_file_is_shown_with_the_right_word(tmp_path):
    """Promises 6 and 7, as a user meets them."""
    assert share_right(slips.in_files(tmp_path, 60, HOST)) >= 0.95


def test_a_word_is_taken_for_what_it_shortens():
    """Otherwise `global_max_pool` would be nearest, which is another network."""
    assert closest("global_avg_pool", HOST.names("blocks")) == "global_average_pool"
    assert closest("avg_pool2d", HOST.names("blocks")) == "average_pool2d"
    assert closest("batchnorm", HOST.names("blocks")) == "batch_norm"


def test_nothing_is_suggested_for_a_word_that_is_like_no_other():
    assert closest("xylophone", HOST.names("blocks")) is None
    assert closest("", ["linear"]) is None


@pytest.mark.parametrize("name", [*hostile.text_bombs(), *hostile.network_bombs()])
def test_a_hostile_file_is_done_with_quickly(name):
    """Promise 4."""
    text = hostile.files()[name]
    assert hostile.take(text, HOST) == ""
    assert hostile.seconds(text, HOST) < hostile.LIMIT_S


@pytest.mark.parametrize("name", [*hostile.text_bombs(), *hostile.network_bombs()])
def test_a_hostile_file_takes_little_memory(name):
    """Promise 4."""
    assert hostile.peak(hostile.files()[name], HOST) < hostile.LIMIT_BYTES


@pytest.mark.parametrize("name", ["flow lists", "indentation", "many keys", "many values in a line"])
def test_what_is_too_deep_or_too_much_is_said_to_be(name):
    with pytest.raises(ConfigError) as caught:
        parse_document(hostile.text_bombs()[name])
    assert "E006" in [diagnostic.code for diagnostic in caught.value.diagnostics]


def test_a_file_that_never_ends_is_not_read_to_its_end():
    with pytest.raises(ConfigError, match="is larger than") as caught:
        read_document("/dev/zero")
    assert f"{limit('bytes'):,}" in caught.value.message
    assert "BLOCKRUN_MAX_BYTES" in caught.value.help


def test_a_limit_is_raised_where_no_file_can_reach_and_only_as_far_as_is_safe(monkeypatch):
    text = "[" * 80 + "]" * 80
    monkeypatch.setenv("BLOCKRUN_MAX_DEPTH", "100")
    assert parse_document(text).data
    monkeypatch.setenv("BLOCKRUN_MAX_DEPTH", "1000000")
    with pytest.raises(ConfigError, match="more than 200 levels"):
        parse_document("[" * 300)
    monkeypatch.setenv("BLOCKRUN_MAX_DEPTH", "lots")
    with pytest.raises(ConfigError, match="more than 64 levels"):
        parse_document(text)


def test_building_imports_opens_and_runs_nothing():
    """Promise 5: an audit hook in a process of its own sees every import, open, exec and socket of the interpreter.

    An expression is parsed, which the interpreter calls compiling, under a name of its own; it is never executed.
    """
    result = subprocess.run([sys.executable, "-c", WATCHED], capture_output=True, text=True, timeout=120)
    assert (result.stderr, result.stdout) == ("", f"{len(hostile.injections())} []\n")
    assert len(hostile.injections()) >= 200


def test_a_wire_that_leads_back_is_shown_as_a_circle_that_is_there():
    """Promise 8."""
    assert wrong(circles.cases(300, HOST)) == []


def test_a_node_that_is_gone_or_given_twice_is_said_in_every_shipped_network():
    """Promises 3 and 9."""
    assert wrong(edges.cases(HOST)) == []


def test_no_block_answers_a_wrong_shape_in_the_words_of_numpy():
    """Promise 10."""
    assert wrong(shapes.cases(HOST, 3)) == []
