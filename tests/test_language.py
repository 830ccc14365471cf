"""The page on the network file: every network in it runs, and is what the page says it is."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from click.testing import CliRunner

from blockrun.plugins.commands.main import main

PAGE = (Path(__file__).parents[1] / "docs" / "language.md").read_text("utf-8")
EXAMPLES = re.findall(r"```yaml\n(.*?)```\n\n```text\n(.*?)```", PAGE, re.DOTALL)
FILES = re.findall(r"```yaml\n(# (\w+\.yaml)\n.*?)```", PAGE, re.DOTALL)
COMMANDS = re.findall(r"```console\n\$ blockrun (.*?)\n(.*?)```", PAGE, re.DOTALL)


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """A folder with those files of the page that have a name."""
    monkeypatch.chdir(tmp_path)
    for text, name in FILES:
        (tmp_path / name).write_text(text)


def test_no_network_of_the_page_is_without_what_it_stands_for():
    assert len(EXAMPLES) == PAGE.count("```yaml\n")
    assert len(COMMANDS) == PAGE.count("```console\n")


@pytest.mark.parametrize(("text", "shown"), EXAMPLES, ids=range(len(EXAMPLES)))
def test_a_network_of_the_page_is_what_it_says(text, shown, tmp_path):
    (tmp_path / "net.yaml").write_text(text)
    assert printed("summary", "--all", "net.yaml") == shown


@pytest.mark.parametrize(("command", "shown"), COMMANDS, ids=range(len(COMMANDS)))
def test_a_command_of_the_page_prints_what_it_says(command, shown):
    assert printed(*shlex.split(command)) == shown


def printed(*command):
    done = CliRunner().invoke(main, command)
    assert done.exit_code == 0, done.stderr
    return done.stdout
