"""Files of lines hold whole lines, whatever happened while one was written."""

import errno
import os
import resource

import pytest

from blockrun.plugins.errors import RunError
from blockrun.plugins.training.lines import append_line, forget_after, read_lines

LINES = [{"step": step, "val": {"loss": step / 3}} for step in (3, 6, 9)]


@pytest.fixture
def path(tmp_path):
    for line in LINES:
        append_line(tmp_path / "m.jsonl", line)
    return tmp_path / "m.jsonl"


def test_what_was_appended_is_read(path, tmp_path):
    assert read_lines(path) == LINES
    assert read_lines(tmp_path / "none") == []


def test_numbers_that_are_not_finite_become_null_because_json_has_none(path):
    append_line(path, {"step": 12, "val": {"loss": float("nan"), "accuracy": float("inf")}})
    assert read_lines(path)[-1] == {"step": 12, "val": {"loss": None, "accuracy": None}}


def test_a_line_cut_off_anywhere_is_left_out_and_written_over(path):
    """At every length of the file: the lines before are there, and after `forget_after` a new one stands by itself."""
    whole = path.read_bytes()
    ends = [i + 1 for i, byte in enumerate(whole) if byte == ord("\n")]
    for size in range(len(whole) + 1):
        path.write_bytes(whole[:size])
        expected = LINES[: sum(end <= size for end in ends)]
        assert read_lines(path) == expected
        forget_after(path, 100)
        append_line(path, {"step": 100})
        assert read_lines(path) == [*expected, {"step": 100}]


def test_later_lines_are_forgotten_and_the_others_stay_byte_for_byte(path):
    whole = path.read_bytes()
    forget_after(path, 9)
    assert path.read_bytes() == whole
    forget_after(path, 8)
    assert path.read_bytes() == b"".join(whole.splitlines(keepends=True)[:2])


@pytest.mark.parametrize("garbage", [b"\x00\xff\n", b"[1]\n", b"7\n", b'{"step": "x"}\n', b'{"epoch": 1}\n', b"\n"])
def test_what_is_no_line_of_ours_is_left_out(path, garbage):
    path.write_bytes(garbage + path.read_bytes())
    assert read_lines(path) == LINES


@pytest.mark.parametrize("failing", ["write", "fsync"])
@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO])
def test_a_line_that_cannot_be_written_leaves_the_file_as_it_was(path, monkeypatch, failing, code):
    whole = path.read_bytes()

    def fail(*args):
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, failing, fail)
    with pytest.raises(RunError) as caught:
        append_line(path, {"step": 12})
    monkeypatch.undo()
    assert caught.value.message == f"{path} cannot be written: {os.strerror(code)}"
    assert path.read_bytes() == whole


def test_half_a_line_on_a_full_disk_is_taken_back(path):
    """A limit on file size makes the kernel itself take a part of the line and then refuse."""
    whole = path.read_bytes()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(whole) + 10, hard))
    try:
        with pytest.raises(RunError, match="File too large"):
            append_line(path, {"step": 12, "val": {"loss": 0.5}})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert path.read_bytes() == whole


def test_a_link_in_the_place_of_the_file_is_not_followed(tmp_path):
    (tmp_path / "victim").write_bytes(b"precious")
    (tmp_path / "m.jsonl").symlink_to(tmp_path / "victim")
    with pytest.raises(RunError):
        append_line(tmp_path / "m.jsonl", {"step": 1})
    assert (tmp_path / "victim").read_bytes() == b"precious"
