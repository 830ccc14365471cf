"""One process at a time trains in a run folder, and one that died stands in nobody's way."""

import os
import subprocess
import sys
import time

import pytest

from blockrun.plugins.errors import RunError
from blockrun.plugins.training.lock import locked

HOLD = """
import sys, time
from pathlib import Path
from blockrun.plugins.training.lock import locked
with locked(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def holder(tmp_path):
    process = subprocess.Popen([sys.executable, "-c", HOLD, tmp_path], stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.wait()
    process.stdout.close()


def test_a_folder_that_is_held_says_by_which_process(holder, tmp_path):
    with pytest.raises(RunError, match=f"is being trained by process {holder.pid}$"), locked(tmp_path):
        pass


def test_a_lock_whose_process_was_killed_is_free(holder, tmp_path):
    holder.kill()
    holder.wait()
    assert (tmp_path / "lock").read_text().strip() == str(holder.pid)
    with locked(tmp_path):
        assert (tmp_path / "lock").read_text().strip() == str(os.getpid())


def test_a_lock_is_free_again_after_an_error_and_holds_within_one_process(tmp_path):
    with pytest.raises(ZeroDivisionError), locked(tmp_path):
        raise ZeroDivisionError
    with locked(tmp_path), pytest.raises(RunError, match=f"process {os.getpid()}$"), locked(tmp_path):
        pass


def test_a_link_in_the_place_of_the_lock_is_not_followed(tmp_path):
    (tmp_path / "victim").write_bytes(b"precious")
    (tmp_path / "lock").symlink_to(tmp_path / "victim")
    with pytest.raises(RunError, match="cannot be opened"), locked(tmp_path):
        pass
    assert (tmp_path / "victim").read_bytes() == b"precious"


def test_of_many_processes_that_start_at_once_one_gets_it(tmp_path):
    """`make crash` starts a hundred; the others say so and leave."""
    processes = [
        subprocess.Popen([sys.executable, "-c", HOLD, tmp_path], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        for _ in range(6)
    ]
    deadline = time.monotonic() + 60
    while sum(process.poll() is None for process in processes) > 1 and time.monotonic() < deadline:
        time.sleep(0.05)
    held = [process for process in processes if process.poll() is None]
    assert len(held) == 1
    assert held[0].stdout.readline() == b"held\n"
    for process in processes:
        process.kill()
        process.communicate()
