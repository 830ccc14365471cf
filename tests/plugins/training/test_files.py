"""A file is either as it was or as it should be, whatever fails while it is written."""

import errno
import os
import resource

import pytest

from blockrun.plugins.errors import RunError
from blockrun.plugins.training.files import write_atomic


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_new_content_replaces_old_and_the_old_is_kept_if_asked(tmp_path):
    write_atomic(tmp_path / "a", b"1")
    write_atomic(tmp_path / "a", b"2", keep=tmp_path / "b")
    assert contents(tmp_path) == {"a": b"2", "b": b"1"}
    write_atomic(tmp_path / "a", b"3")
    assert contents(tmp_path) == {"a": b"3", "b": b"1"}


@pytest.mark.parametrize("failing", ["open", "fsync", "replace"])
@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO, errno.EACCES])
@pytest.mark.parametrize("when", [1, 2])
def test_no_failure_loses_what_was_there_or_leaves_litter(tmp_path, monkeypatch, failing, code, when):
    write_atomic(tmp_path / "a", b"old")
    write_atomic(tmp_path / "b", b"older")
    real, calls = getattr(os, failing), []

    def fail(*args):
        calls.append(args)
        if len(calls) == when:
            raise OSError(code, os.strerror(code))
        return real(*args)

    monkeypatch.setattr(os, failing, fail)
    with pytest.raises(RunError) as caught:
        write_atomic(tmp_path / "a", b"new", keep=tmp_path / "b")
    monkeypatch.undo()
    assert caught.value.message == f"{tmp_path / 'a'}: cannot be written: {os.strerror(code)}"
    left = contents(tmp_path)
    assert left.keys() <= {"a", "b"}
    assert b"old" in left.values()


def test_a_write_that_stops_halfway_leaves_the_old_file(tmp_path):
    """A limit on file size makes the kernel itself take 4096 of 10,000 bytes and then refuse."""
    write_atomic(tmp_path / "a", b"old")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, hard))
    try:
        with pytest.raises(RunError, match="File too large"):
            write_atomic(tmp_path / "a", bytes(10_000))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert contents(tmp_path) == {"a": b"old"}


def test_a_full_disk_says_that_the_old_file_is_still_there(tmp_path, monkeypatch):
    def full(descriptor):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(RunError) as caught:
        write_atomic(tmp_path / "a", b"new")
    assert "still there" in caught.value.help


def test_a_link_in_the_place_of_the_temporary_file_is_not_followed(tmp_path):
    (tmp_path / "victim").write_bytes(b"precious")
    (tmp_path / "a.tmp").symlink_to(tmp_path / "victim")
    with pytest.raises(RunError):
        write_atomic(tmp_path / "a", b"new")
    assert (tmp_path / "victim").read_bytes() == b"precious"


def test_a_missing_folder_is_a_run_error(tmp_path):
    with pytest.raises(RunError, match="No such file"):
        write_atomic(tmp_path / "none" / "a", b"new")
