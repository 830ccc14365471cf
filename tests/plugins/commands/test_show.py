"""`blockrun show`: a file as it will be run, and the place of every value in it."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

import blockrun
from blockrun.plugins.commands.main import main

NET = """\
blockrun: 1
vars: {width: 8}
inputs: {x: [3], y: [8]}
templates:
  layer:
    args: {units: required}
    net:
      fc: {block: linear, units: $units}
      act: relu
net:
  body: {use: layer, units: $width, repeat: 2}
  loss: {block: sum_of_squares, in: [body, y]}
"""


@pytest.fixture
def show(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("net.yaml").write_text(NET)
    return lambda *arguments: CliRunner().invoke(main, ["show", *arguments])


def nodes(file):
    return [(node.name.replace("/", "_"), node.block, node.inputs) for node in blockrun.load(file).graph.nodes]


def test_what_is_shown_is_yaml_that_means_the_same(show):
    """Resolved, it is a file without templates, references or defaults left out; `/` is not for names in a file."""
    Path("again.yaml").write_text(show("net.yaml").stdout)
    assert nodes("again.yaml") == nodes("net.yaml")
    Path("flat.yaml").write_text(show("net.yaml", "--resolved").stdout.replace("/", "_"))
    flat = [(name, block, tuple(v.replace("/", "_") for v in inputs)) for name, block, inputs in nodes("net.yaml")]
    assert nodes("flat.yaml") == flat


def test_origins_are_the_line_the_command_line_and_defaults_with_what_a_value_was_made_of(show):
    found = json.loads(show("net.yaml", "vars.width=8", "--resolved", "--json").stdout)["origins"]
    assert found["vars.width"] == "command line"
    assert found["net.body/1/fc.block"] == "net.yaml:8"
    assert found["net.body/1/fc.units"] == "net.yaml:8 from net.yaml:11 from command line"
    assert found["net.body/1/fc.bias"] == "default of linear"
    assert found["net.body/1/fc.in"] == "implied"
    assert found["net.loss.in"] == "net.yaml:12"


def test_a_short_form_and_a_node_given_as_an_argument_are_from_where_they_are_written(show):
    Path("net.yaml").write_text("""\
blockrun: 1
inputs: {x: [3]}
templates: {t: {args: {act: relu}, net: {fc: {block: linear, units: 2, init: he}, act: $act}}}
net:
  one:  {use: t, act: {block: leaky_relu, slope: 0.2}}
  last: tanh
""")
    found = json.loads(show("net.yaml", "--resolved", "--json").stdout)["origins"]
    assert found["net.last.block"] == "net.yaml:6"
    assert found["net.one/fc.init.W"] == "net.yaml:3"
    assert found["net.one/act.block"] == found["net.one/act.slope"] == "net.yaml:3 from net.yaml:5"


def test_every_value_has_its_origin_behind_it(show):
    lines = show("net.yaml", "--resolved", "--origins").stdout.splitlines()
    assert f"{'  width: 8':<56}  # net.yaml:2" in lines
    assert all("  # " in line or line.endswith(":") for line in lines)


def test_without_flags_it_is_the_file_with_what_the_command_line_says(show):
    assert "  width: 3" in show("net.yaml", "vars.width=3", "inputs.y=[3]").stdout.splitlines()
    assert "use: layer" in show("net.yaml").stdout
