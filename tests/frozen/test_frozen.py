"""Runs of earlier versions load, and come to what they came to then."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from blockrun.plugins.errors import RunError
from blockrun.plugins.training.evaluation import evaluate
from blockrun.plugins.training.folder import find_folder
from blockrun.plugins.training.run import load_run, resume

FROZEN = sorted(path.parent for path in Path(__file__).parent.glob("*/run.json"))


def test_there_is_one():
    assert FROZEN


@pytest.mark.parametrize("path", FROZEN, ids=lambda path: path.name)
def test_a_run_of_an_earlier_version_is_measured_as_it_was(path):
    """To float32's precision: another machine may round differently."""
    run = find_folder(str(path))
    network = load_run(run)
    results = evaluate(network, network.sections.data[run.info["part"]])
    assert results == pytest.approx(run.info["results"], rel=1e-4)
    load_run(find_folder(f"{path}:best"))


@pytest.mark.parametrize("path", FROZEN, ids=lambda path: path.name)
def test_a_run_of_an_earlier_version_goes_on(path, tmp_path):
    """As one that was cut short, to another end: two epochs more."""
    shutil.copytree(path, tmp_path / "run")
    run = find_folder(str(tmp_path / "run"))
    run.save_info(status="interrupted")
    run.config.write_text(run.config.read_text().replace("epochs: 2", "epochs: 4"))
    with pytest.raises(RunError, match="cannot go on bit for bit"):
        resume(run)
    allowed = ("blockrun", "numpy", "blas", "threads", "machine", "config")
    again = resume(run, allow=allowed).folder
    assert [row["step"] for row in again.rows()] == [7, 14, 21, 28]
    assert again.rows()[-1]["val"]["loss"] < again.rows()[1]["val"]["loss"]
