"""Text as windows: what is read is the text, and what follows it."""

import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import blockrun.plugins.data.text as text_module
from blockrun.plugins.data.text import Text
from blockrun.plugins.errors import DataError

WORDS = "the quick brown fox – déjà vu 😀"


@pytest.fixture
def text(tmp_path):
    (tmp_path / "t.txt").write_text(WORDS, encoding="utf-8")
    return lambda **options: Text(path=tmp_path / "t.txt", **options)


def test_windows_put_together_are_the_text_and_y_is_one_further_on(text):
    source = text(window=5)
    known = source.describe()
    letters = known.values["characters"]
    assert letters == "".join(sorted(set(WORDS)))
    assert known.values["vocab"] == len(letters)
    found = source.read(np.arange(known.examples))
    assert known.examples == (len(WORDS) - 1) // 5
    assert "".join(letters[i] for i in found["x"].ravel()) == WORDS[: 5 * known.examples]
    assert "".join(letters[i] for i in found["y"].ravel()) == WORDS[1 : 5 * known.examples + 1]
    assert found["x"].dtype == np.int64


def test_a_stride_lets_windows_overlap(text):
    source = text(window=4, stride=1)
    assert source.describe().examples == len(WORDS) - 4
    x = source.read(np.array([0, 1]))["x"]
    np.testing.assert_array_equal(x[0, 1:], x[1, :-1])


def test_reading_a_batch_costs_what_is_in_it_and_not_a_number_for_every_window_of_the_text(tmp_path):
    """Of a megabyte of text whose windows begin everywhere, where a step of training would else mostly count them."""
    (tmp_path / "t.txt").write_text("to be or not " * 80_000)
    source = Text(path=tmp_path / "t.txt", window=4, stride=1)
    count = source.describe().examples
    tracemalloc.start()
    try:
        found = source.read(np.array([0, count - 1]))["x"]
        assert tracemalloc.get_traced_memory()[1] < count / 10
    finally:
        tracemalloc.stop()
    assert count == 13 * 80_000 - 4
    np.testing.assert_array_equal(found[1], source.read(np.array([8]))["x"][0])  # " not", 13 n further on


@given(cut=st.floats(0.3, 0.7), window=st.integers(1, 6))
def test_parts_share_nothing_and_have_one_vocabulary(tmp_path_factory, cut, window):
    path = tmp_path_factory.getbasetemp() / "shared.txt"
    path.write_text(WORDS, encoding="utf-8")
    parts = [Text(path=path, window=window, part=part) for part in ((0, cut), (cut, 1))]
    first, second = (part.describe() for part in parts)
    assert first.values["vocab"] == second.values["vocab"]
    last = parts[0].read(np.array([first.examples - 1]))
    seen = round(cut * len(WORDS))
    letters = first.values["characters"]
    assert WORDS[:seen].endswith("".join(letters[i] for i in last["y"][0])) or first.examples * window < seen - 1
    start = parts[1].read(np.array([0]))["x"][0]
    assert "".join(letters[i] for i in start) == WORDS[seen : seen + window]


def test_bytes_are_numbered_as_they_are(text):
    source = text(unit="bytes", window=3)
    assert source.describe().values["vocab"] == 256
    assert bytes(source.read(np.array([0]))["x"][0].astype(np.uint8)) == b"the"


def test_a_text_that_is_shorter_than_a_window_is_refused_with_both_numbers(text):
    with pytest.raises(DataError, match="31 characters in this part; a window and what comes next are 65") as caught:
        text().describe()
    assert caught.value.help


def test_what_is_not_utf8_is_named_by_its_line(tmp_path):
    (tmp_path / "t.txt").write_bytes(b"one\ntwo \xff\n")
    with pytest.raises(DataError, match=r"t.txt, line 2: byte 0xff is not UTF-8"):
        Text(path=tmp_path / "t.txt").describe()
    assert Text(path=tmp_path / "t.txt", unit="bytes", window=2).describe().examples == 4


@given(st.text(st.characters(codec="utf-8"), min_size=3, max_size=40), st.integers(1, 7))
def test_a_text_is_the_same_in_pieces_of_any_size(tmp_path_factory, words, piece):
    """Pieces end within characters of several bytes, too."""
    path = tmp_path_factory.getbasetemp() / "pieces.txt"
    path.write_bytes(words.encode())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(text_module, "PIECE", piece)
        text_module._load.cache_clear()
        source = Text(path=path, window=1)
        letters = source.describe().values["characters"]
        found = source.read(np.arange(len(words) - 1))["x"].ravel()
    assert "".join(letters[i] for i in found) == words[:-1]
    assert letters == "".join(sorted(set(words)))


@pytest.mark.parametrize("unit", ["characters", "bytes"])
def test_a_text_larger_than_the_memory_taken_is_read_as_it_is_needed(tmp_path, unit):
    """A sparse file of 256 MB: less than a tenth of it is taken."""
    with (tmp_path / "big.txt").open("wb") as file:
        file.truncate(1 << 28)
        file.seek((1 << 28) - 6)
        file.write(b"to end")
    source = Text(path=tmp_path / "big.txt", window=5, unit=unit, stride=1)
    tracemalloc.start()
    try:
        known = source.describe()
        last = source.read(np.array([known.examples - 1]))["y"][0]
        assert tracemalloc.get_traced_memory()[1] < 25e6
    finally:
        tracemalloc.stop()
    letters = known.values.get("characters", bytes(range(256)).decode("latin-1"))
    assert "".join(letters[i] for i in last) == "o end"


def test_a_part_that_is_none_is_refused():
    with pytest.raises(ValueError, match=r"`part` is \[0.5, 0.5\]; it must be \[start, end\] with start < end"):
        Text(path="t.txt", part=(0.5, 0.5))
