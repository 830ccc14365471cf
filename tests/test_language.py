"""The page on the network file: every network in it runs, and is what the page says it is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from blockrun.plugins.commands.main import main

PAGE = Path(__file__).parents[1] / "docs" / "language.md"
EXAMPLES = re.findall(r"```yaml\n(.*?)```\n\n```text\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)


def test_no_network_of_the_page_is_without_what_it_stands_for():
    assert len(EXAMPLES) == PAGE.read_text("utf-8").count("```yaml\n")


@pytest.mark.parametrize(("text", "shown"), EXAMPLES, ids=range(len(EXAMPLES)))
def test_a_network_of_the_page_is_what_it_says(text, shown, tmp_path):
    file = tmp_path / "net.yaml"
    file.write_text(text)
    done = CliRunner().invoke(main, ["summary", "--all", str(file)])
    assert done.exit_code == 0, done.stderr
    assert done.stdout == shown
