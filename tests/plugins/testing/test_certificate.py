"""Certificates: written only of what passes, carried by a package, shown on the page of a block, and never stale."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from blockrun import __version__
from blockrun.plugins.commands.main import main

BLOCK = """
from blockrun.core import Block

class Cube(Block):
    def forward(self, ctx, x):
        return x**3, x

    def backward(self, ctx, x, dy):
        return 3 * dy * x**2
"""
HOOKS = """
from blockrun.plugins import hookimpl

@hookimpl
def blockrun_blocks():
    return {"cube": "blockrun_cube.cube:Cube"}
"""


@pytest.fixture
def package(site: Any) -> Path:
    folder: Path = site.folder / "blockrun_cube"
    folder.mkdir()
    (folder / "__init__.py").write_text(HOOKS)
    (folder / "cube.py").write_text(BLOCK)
    site.add_metadata("blockrun-cube", "[blockrun]\ncube = blockrun_cube\n", "1.5")
    return folder


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, list(arguments))


def certify(package: Path) -> Result:
    return run("test", "cube", "--seed", "3", "--certificate", str(package / "blockrun-certificate.json"))


def test_a_certificate_names_block_version_cases_error_seed_and_versions(package: Path) -> None:
    assert certify(package).exit_code == 0
    written = json.loads((package / "blockrun-certificate.json").read_text())
    [row] = written["blocks"]
    assert (row["block"], row["distribution"], row["version"]) == ("cube", "blockrun-cube", "1.5")
    assert row["cases"] >= 4
    assert 0 < row["worst_error"] < 1e-6
    assert (written["seed"], written["blockrun"]) == (3, __version__)
    assert {"numpy", "python", "date"} <= set(written)


def test_the_page_of_a_block_shows_the_certificate_of_its_package(package: Path) -> None:
    assert "checked" not in run("blocks", "cube").stdout
    certify(package)
    lines = run("blocks", "cube").stdout.split("checked\n")[1].splitlines()
    assert " cases, worst error " in lines[0]
    assert lines[0].endswith(", seed 3")
    assert lines[1].startswith(f"  blockrun {__version__}, numpy ")
    [page] = json.loads(run("blocks", "cube", "--json").stdout)
    assert page["certificate"]["current"] is True


def test_a_certificate_of_an_earlier_version_of_the_file_is_not_taken_for_one_of_this(package: Path) -> None:
    certify(package)
    (package / "cube.py").write_text(BLOCK + "\n# changed\n")
    text = run("blocks", "cube").stdout
    assert "an earlier version of its file" in text
    assert "worst error" not in text


def test_no_certificate_is_written_of_a_block_that_fails(package: Path) -> None:
    (package / "cube.py").write_text(BLOCK.replace("3 * dy", "2 * dy"))
    result = certify(package)
    assert result.exit_code == 4
    assert "not written: a certificate is for blocks that pass" in result.stderr
    assert not (package / "blockrun-certificate.json").exists()


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"blocks": [3]}', '{"blocks": [{"block": "cube"}]}'])
def test_a_certificate_that_cannot_be_read_certifies_nothing(package: Path, text: str) -> None:
    (package / "blockrun-certificate.json").write_text(text)
    result = run("blocks", "cube")
    assert result.exit_code == 0
    assert "checked" not in result.stdout
