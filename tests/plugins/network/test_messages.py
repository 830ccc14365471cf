"""What a user is shown: every file in `bad/` with the exact text beside it, to be read when it changes."""

import re
from pathlib import Path

import pytest

from blockrun.plugins.host import load_host
from blockrun.plugins.network import codes, discover, load
from blockrun.plugins.network.diagnostics import ConfigError

BAD = Path(__file__).with_name("bad")
FILES = sorted(path.name for path in BAD.glob("*.yaml"))
HOST = load_host(entry_points=False)
SOURCES = [file for file in Path(codes.__file__).parent.rglob("*.py") if file.parent.name != "explanations"]

EXAMPLE = """\
blockrun: 1
inputs: {image: [8, 8, 1], y: {shape: [], dtype: int64}}
net:
  flat:   flatten
  fc1:    {block: linear, units: 128}
  act1:   relu
  fc2:    {block: linear, units: 128}
  act2:   relu
  fc3:    {block: linear, units: 128}
  act3:   relu
  logits: {block: linear, units: 10}
  loss:   {block: softmax_cross_entropy, in: [logit, y]}
"""

EXAMPLE_SHOWN = """\
error[E030]: unknown variable `logit`
  --> mlp.yaml:12:47
   |
12 |   loss:   {block: softmax_cross_entropy, in: [logit, y]}
   |                                               ^^^^^ nothing produces this
   = help: did you mean `logits`?"""


def error_of(name: str, *overrides: str) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        load(name, *overrides, host=HOST)
    return caught.value


@pytest.mark.parametrize("name", FILES)
def test_the_message_is_the_one_beside_the_file(name, monkeypatch):
    """A line `# with: key=value` in a file is an override on the command line."""
    monkeypatch.chdir(BAD)
    monkeypatch.setattr(discover, "_memory", lambda: 16e9)
    overrides = re.findall(r"^# with: (.*)$", Path(name).read_text("utf-8", "replace"), re.MULTILINE)
    expected = Path(name).with_suffix(".txt").read_text("utf-8")
    assert error_of(name, *overrides).render() + "\n" == expected


def test_the_example_of_the_design_is_shown_as_it_says(tmp_path, monkeypatch):
    """The block in design §5, "Diagnostics - format fixed"."""
    monkeypatch.chdir(tmp_path)
    Path("mlp.yaml").write_text(EXAMPLE)
    assert error_of("mlp.yaml").render() == EXAMPLE_SHOWN


def test_every_code_is_in_the_table_and_every_code_of_the_table_is_used():
    used = {
        code for file in SOURCES if file.name != "codes.py" for code in re.findall(r'"([EW]\d\d\d)"', file.read_text())
    }
    assert used == set(codes.CODES)


def test_every_code_of_an_error_has_a_file_that_shows_it():
    shown = {code for file in BAD.glob("*.txt") for code in re.findall(r"error\[(E\d\d\d)\]", file.read_text("utf-8"))}
    assert shown == {code for code in codes.CODES if code.startswith("E")}


@pytest.mark.parametrize(
    ("found", "exit_code"),
    [(["E051"], 6), (["E053", "E052"], 6), (["E051", "E030"], 2), (["E070"], 3), (["E071", "E010"], 2), (["E050"], 2)],
)
def test_the_exit_code_is_that_of_data_or_plugins_only_if_nothing_else_is_wrong(found, exit_code):
    """Design §8: 2 usage or config, 3 plugin, 6 data."""
    assert codes.exit_code(found) == exit_code


def test_many_errors_are_counted_and_the_first_are_shown(tmp_path):
    net = "".join(f"  n{i}: {{block: linear, units: 0}}\n" for i in range(50))
    (tmp_path / "a.yaml").write_text(f"blockrun: 1\ninputs: {{x: [3]}}\nnet:\n{net}")
    shown = error_of(str(tmp_path / "a.yaml")).render()
    assert shown.count("error[E011]") == 20
    assert shown.endswith("50 errors (the first 20 are shown)")
