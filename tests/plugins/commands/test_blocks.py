"""`blockrun blocks`: what is listed, and that the page of a block can be taken at its word."""

from __future__ import annotations

import json

import pytest
import yaml
from click.testing import CliRunner

from blockrun.plugins.commands.main import main
from blockrun.plugins.host import load_host

NAMES = load_host(entry_points=False).names("blocks")

ODD = """
from typing import Annotated, Literal
from annotated_types import Ge
from blockrun.core import Block, State
from blockrun.plugins import hookimpl

class Running(Block):
    "y = x - m."
    outputs = ("y", "new_m")
    nograd = ("weight",)
    speed: Annotated[int, Ge(3)]
    mode: Literal["slow", "fast"]
    size: tuple[int, int] = (1, 2)

    def params(self, x, weight):
        return {"m": State((1,), update="new_m")}

    def forward(self, ctx, x, weight=None, *, m):
        return (x - m, m), None

    def backward(self, ctx, saved, dy, dm):
        return dy, None

@hookimpl
def blockrun_blocks():
    return [Running]
"""


def run(*arguments: str) -> str:
    result = CliRunner().invoke(main, ["blocks", *arguments])
    assert result.exit_code == 0, result.stderr
    return result.stdout


def page(name: str) -> dict:
    [found] = json.loads(run(name, "--json"))
    return found


def test_the_list_groups_by_provider_and_family(site):
    site.add("acme", ODD)
    lines = run().splitlines()
    assert lines[0].startswith("blockrun ")
    assert "  linear         bilinear, embedding, linear, matmul, one_hot, positions" in lines
    assert lines[lines.index("acme 1.0") + 1] == "  acme  running"


def test_the_list_as_json_names_who_provides_each():
    found = {entry["name"]: entry for entry in json.loads(run("--json"))}
    assert set(NAMES) <= set(found)
    assert found["conv2d"]["family"] == "convolution"
    assert found["conv2d"]["module"] == "blockrun.blocks.convolution.conv"
    assert (found["concat"]["family"], found["flatten"]["family"]) == ("structure", "structure")
    assert found["conv2d"]["provider"].startswith("blockrun ")


def test_a_pattern_lists_what_matches_and_shows_a_single_match():
    assert [entry["name"] for entry in json.loads(run("max_pool*", "--json"))] == [
        "max_pool1d",
        "max_pool2d",
        "max_pool3d",
    ]
    assert run("linea?") == run("linear")


def test_an_unknown_block_is_met_with_a_suggestion():
    result = CliRunner().invoke(main, ["blocks", "linaer"])
    assert (result.exit_code, result.stderr) == (2, "error: unknown block `linaer`\n  = help: did you mean `linear`?\n")


def test_the_page_tells_options_inputs_and_state_apart(site):
    site.add("acme", ODD)
    found = page("running")
    assert found["options"] == [
        {"name": "speed", "type": "an integer, at least 3", "required": True},
        {"name": "mode", "type": "`slow` or `fast`", "required": True},
        {"name": "size", "type": "a list of 2, each an integer", "required": False, "default": [1, 2]},
    ]
    roles = {row["name"]: (row["role"], row["optional"], row["gradient"]) for row in found["inputs"]}
    assert roles["x"] == ("data", False, True)
    assert roles["weight"] == ("data", True, False)
    assert roles["m"][0] == "state"
    assert found["outputs"] == ["y", "new_m"]
    assert found["provider"] == "acme 1.0"
    assert found["file"].endswith("acme.py")


def test_the_page_as_text_holds_the_same():
    text = run("linear")
    for part in (
        "units  must be given  an integer, at least 1",
        "b  parameter, optional, starts as zeros",
        "W  parameter, starts as glorot",
        "(Kamper 2022",
    ):
        assert part in text
    assert "linear: {block: linear, units: " in text


@pytest.mark.parametrize("name", NAMES)
def test_the_smallest_yaml_of_every_block_is_a_node_that_can_be_built(name):
    cls = load_host(entry_points=False).find("blocks", name)
    [(_, node)] = yaml.safe_load(page(name)["yaml"]).items()
    options = {} if isinstance(node, str) else {k: v for k, v in node.items() if k not in ("block", "in")}
    signature = cls(**options).signature
    wired = len(node["in"]) if "in" in node and not isinstance(node, str) else bool(signature.data or signature.many)
    assert (node if isinstance(node, str) else node["block"]) == name
    assert len(signature.bind(wired)) == wired
