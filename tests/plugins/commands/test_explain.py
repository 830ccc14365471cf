"""`blockrun explain`: every example really has the error it is for, and its correction loads."""

import json
import unicodedata
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from blockrun.plugins.commands.main import main
from blockrun.plugins.host import load_host
from blockrun.plugins.network import load
from blockrun.plugins.network.codes import CODES
from blockrun.plugins.network.diagnostics import ConfigError
from blockrun.plugins.network.explanations import EXPLANATIONS
from blockrun.plugins.network.lint import lint

HOST = load_host(entry_points=False)


def explain(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["explain", *arguments])


def write(folder: Path, code: str) -> None:
    for name, text in EXPLANATIONS[code].files.items():
        (folder / name).write_text(text)
    (folder / "wrong.yaml").write_text(EXPLANATIONS[code].wrong)
    (folder / "right.yaml").write_text(EXPLANATIONS[code].right)


def codes(file: Path, overrides: tuple[str, ...]) -> set[str]:
    """The codes of the errors of a network file or, if it has none, of the warnings."""
    try:
        return {warning.code for warning in lint(load(file, *overrides, host=HOST))}
    except ConfigError as error:
        return {diagnostic.code for diagnostic in error.diagnostics}


def test_every_code_is_explained():
    assert set(EXPLANATIONS) == set(CODES)


@pytest.mark.parametrize("code", sorted(EXPLANATIONS))
def test_the_wrong_example_has_this_error_and_no_other(code, tmp_path):
    write(tmp_path, code)
    assert codes(tmp_path / "wrong.yaml", EXPLANATIONS[code].overrides) == {code}


@pytest.mark.parametrize("code", sorted(EXPLANATIONS))
def test_the_right_example_loads(code, tmp_path):
    write(tmp_path, code)
    assert codes(tmp_path / "right.yaml", EXPLANATIONS[code].right_overrides) in (set(), {"W101", "W103"})


@pytest.mark.parametrize("code", sorted(EXPLANATIONS))
def test_the_page_shows_both_examples_in_no_more_than_80_columns(code):
    result = explain(code)
    assert result.exit_code == 0
    wrong, right = result.stdout.index("\nwrong\n"), result.stdout.index("\nright\n")
    assert result.stdout.startswith(f"{code}: ")
    assert wrong < right
    assert max(map(len, result.stdout[:wrong].splitlines())) <= 80
    assert not [c for c in result.stdout if unicodedata.category(c) == "Cc" and c != "\n"]


def test_without_a_code_every_code_has_a_line():
    lines = explain().stdout.splitlines()
    assert [line.split()[0] for line in lines if line.startswith(("  E", "  W"))] == list(CODES)


@pytest.mark.parametrize("written", ["E030", "e030", "30", "error[E030]", "error[E030]:"])
def test_a_code_may_be_written_as_it_is_shown(written):
    assert explain(written).stdout == explain("E030").stdout


@pytest.mark.parametrize(
    ("written", "help"),
    [
        ("E300", "did you mean `E030`? `blockrun explain` lists all codes"),
        ("nonsense", "`blockrun explain` lists all codes"),
    ],
)
def test_an_unknown_code_is_a_usage_error(written, help):
    result = explain(written)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == f"error: unknown error code `{written}`\n  = help: {help}\n"


def test_the_object_has_the_files_themselves():
    (data,) = json.loads(explain("E030", "--json").stdout)
    assert (data["code"], data["meaning"]) == ("E030", CODES["E030"])
    assert data["wrong"]["file"].replace("logit}", "logits}") == data["right"]["file"]
    assert len(json.loads(explain("--json").stdout)) == len(CODES)
