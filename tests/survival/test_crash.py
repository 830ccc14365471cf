"""A fixed sample of what `make crash` tries: killed, out of room, out of memory, damaged; each run goes on."""

import signal

import pytest

from . import damage, disk, limits, syscalls
from .scene import Scene
from .signals import Campaign

NO_STRACE = syscalls.why_not()
strace = pytest.mark.skipif(bool(NO_STRACE), reason=NO_STRACE or "strace works")


def wrong(cases):
    """What went wrong, of at least one case."""
    found = list(cases)
    assert found
    return [(what, said) for what, said in found if said]


@pytest.fixture
def scene(tmp_path):
    return Scene(tmp_path / "scene")


@strace
def test_a_process_killed_at_a_system_call_leaves_a_run_that_goes_on(scene):
    assert wrong(syscalls.kills(scene, every=40)) == []


@strace
def test_a_system_call_that_fails_is_said_and_leaves_a_run_that_goes_on(scene):
    assert wrong(syscalls.faults(scene, every=24)) == []


def test_a_full_disk_is_said_and_the_run_goes_on_when_there_is_room(scene, tmp_path):
    reason = disk.why_not(tmp_path)
    if reason:
        pytest.skip(reason)
    assert wrong(disk.full_disks(scene)) == []


def test_power_lost_at_any_moment_of_a_save_leaves_one_no_older_than_the_last(tmp_path):
    assert wrong(disk.power_losses(tmp_path)) == []


def test_a_model_of_the_disk_that_shows_no_loss_would_show_one(tmp_path, monkeypatch):
    """Without the sync before the renaming, a torn file can take the place of a good one."""
    recorded = disk.Recorder.fsync

    def forgetful(self, descriptor):
        if self.files[descriptor] == self.folder:
            recorded(self, descriptor)

    monkeypatch.setattr(disk.Recorder, "fsync", forgetful)
    assert wrong(disk.power_losses(tmp_path))


def test_a_run_that_gets_signals_at_random_times_comes_to_the_same_bytes(tmp_path):
    kinds = (signal.SIGINT, signal.SIGTERM, signal.SIGKILL)
    assert wrong(Campaign(tmp_path / "runs").signals(4, kinds)) == []


def test_a_damaged_checkpoint_gives_way_to_the_one_before_with_a_warning(tmp_path):
    assert wrong(damage.flips(tmp_path / "flips", every=29)) == []
    assert wrong(damage.truncations(tmp_path / "cuts", every=29)) == []


def test_mutated_checkpoints_are_refused_in_a_line(tmp_path):
    assert wrong(damage.fuzz(5000)) == []


def test_hostile_checkpoints_are_refused_before_memory_is_taken(tmp_path):
    assert wrong(damage.hostile(tmp_path)) == []


def test_too_little_memory_is_said_and_the_run_goes_on_where_there_is_more(tmp_path):
    cases = list(limits.memory_ladder(tmp_path / "memory", rungs=4))
    assert wrong(cases) == []
    assert {what.rpartition(" ")[2] for what, _ in cases} == {"0", "7"}  # some had too little, some enough


def test_of_processes_that_go_on_with_one_run_at_once_one_does(scene):
    assert wrong(limits.starts(scene, 4)) == []


def test_runs_that_begin_at_once_have_folders_of_their_own(tmp_path):
    assert wrong(limits.folders(tmp_path / "runs", 4)) == []


def test_many_steps_take_no_more_memory_than_few(tmp_path):
    assert wrong(limits.soak(tmp_path / "soak", 30_000)) == []
