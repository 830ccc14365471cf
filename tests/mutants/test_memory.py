"""What is remembered of a run, and when it is forgotten: a result that no longer holds would hide a wrong gradient."""

from dataclasses import dataclass

from blockrun.plugins.builtin import blockrun_blocks

from . import memory
from .generate import home_of
from .memory import Known, Memory

LINEAR = home_of(blockrun_blocks()["linear"].partition(":")[0])


@dataclass
class Job:
    home: str
    name: str


def test_a_run_that_was_stopped_goes_on_from_what_it_wrote(tmp_path):
    first = Memory(tmp_path / "known.jsonl")
    first.add(Job(LINEAR, "a"), Known("killed", "gradients"))
    first.add(Job(LINEAR, "b"), Known("survived", ""))
    whole = (tmp_path / "known.jsonl").read_text()
    (tmp_path / "known.jsonl").write_text(whole[:-10])  # the last line was not finished
    again = Memory(tmp_path / "known.jsonl")
    assert again.find(Job(LINEAR, "a")) == Known("killed", "gradients")
    assert again.find(Job(LINEAR, "b")) is None


def test_a_result_is_forgotten_when_a_file_changes_that_the_block_is_made_of(tmp_path, monkeypatch):
    monkeypatch.setattr(memory, "BLOCKS", tmp_path)
    monkeypatch.setattr("tests.mutants.generate.BLOCKS", tmp_path)
    (tmp_path / "block.py").write_text("from ._helper import f\n")
    (tmp_path / "_helper.py").write_text("from ._deeper import g\n")
    (tmp_path / "_deeper.py").write_text("g = 1\n")
    (tmp_path / "other.py").write_text("h = 1\n")
    digests = [fresh_digest()]
    for file in ("other.py", "_deeper.py", "_helper.py", "block.py"):
        with (tmp_path / file).open("a") as text:
            text.write("# changed\n")
        digests.append(fresh_digest())
    assert digests[0] == digests[1]
    assert len(set(digests)) == 4


def fresh_digest():
    memory._of_block.cache_clear()
    try:
        return memory.digest(Job("block.py", "a"))
    finally:
        memory._of_block.cache_clear()
