"""`blockrun init`: a network file to start from, which runs as it is written."""

from pathlib import Path

import pytest
from click.testing import CliRunner

import blockrun
from blockrun.plugins.commands.main import main

CONFIGS = Path(__file__).parents[3] / "configs"


@pytest.fixture
def init(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return lambda *arguments: CliRunner().invoke(main, ["init", *arguments])


def test_every_network_that_ships_is_listed_with_what_it_is_in_80_columns(init):
    lines = init().stdout.splitlines()
    assert {line.split()[0] for line in lines if line[0] != " "} == {file.stem for file in CONFIGS.glob("*.yaml")}
    assert all(len(line.split()) > 1 for line in lines if line[0] != " ")
    assert max(map(len, lines)) <= 80


def test_what_is_written_is_the_network_with_a_line_for_editors(init):
    assert init("digits").stdout == "digits.yaml written\n"
    first, rest = Path("digits.yaml").read_text("utf-8").split("\n", 1)
    assert first == "# yaml-language-server: $schema=blockrun.schema.json"
    assert rest == (CONFIGS / "digits.yaml").read_text("utf-8")
    assert blockrun.load("digits.yaml").graph.nodes


def test_nothing_is_overwritten(init):
    Path("digits.yaml").write_text("mine")
    again = init("digits")
    assert again.exit_code == 2
    assert "digits.yaml is there already" in again.stderr
    assert Path("digits.yaml").read_text() == "mine"
    assert init("digits", "-o", "other.yaml").exit_code == 0


def test_a_slip_is_put_right(init):
    assert "did you mean `digits`?" in init("digit").stderr
