"""`blockrun test`: what it prints, what it refuses, and the exit code that scripts rely on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from blockrun.plugins.commands.main import main

PLUGIN = """
import numpy as np
from blockrun.core import Block
from blockrun.plugins import hookimpl

class Cube(Block):
    def forward(self, ctx, x):
        return x**3, x

    def backward(self, ctx, x, dy):
        return -3 * dy * x**2

@hookimpl
def blockrun_blocks():
    return {"cube": Cube, "absent": "no_such_module:Absent"}
"""


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["test", *arguments])


def test_a_block_that_passes_is_one_line_with_its_provider_and_the_exit_code_is_zero() -> None:
    result = run("relu", "tanh")
    first, second, summary = result.stdout.splitlines()
    assert result.exit_code == 0
    assert first.split()[:2] == ["relu", "blockrun"]
    assert first.endswith("ok")
    assert second.startswith("tanh")
    assert summary.startswith("2 blocks ok, ")


@pytest.mark.usefixtures("plugin")
def test_a_block_of_an_installed_plugin_is_checked_without_test_code_and_its_failure_printed_in_full() -> None:
    result = run("cube")
    assert result.exit_code == 4
    assert "dx is not the derivative of forward" in result.stdout
    assert "guess   ratio -1: sign flipped?" in result.stdout
    assert "repeat  blockrun test cube --seed 0 --case 0" in result.stdout
    assert "1 of 1 block FAILED" in result.stdout


@pytest.mark.usefixtures("plugin")
def test_a_block_that_cannot_be_imported_is_a_failed_row() -> None:
    result = run("absent", "relu")
    assert result.exit_code == 4
    assert "import: " in result.stdout
    assert "no_such_module" in result.stdout
    assert "Traceback" not in result.output
    assert "1 of 2 blocks FAILED" in result.stdout


def test_json_is_a_list_with_an_object_for_each_block() -> None:
    [relu] = json.loads(run("relu", "--json").stdout)
    assert (relu["block"], relu["ok"], relu["failures"]) == ("relu", True, [])
    assert relu["provider"].startswith("blockrun ")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["rellu"], "did you mean `relu`?"),
        (["tanh", "--case", "2"], "error: tanh has cases 0 to 1; there is no case 2"),
        (["--case", "0"], "error: --case needs exactly one block, not "),
        (["relu", "--case", "0", "--certificate", "c.json"], "error: --case needs to be without --certificate"),
        (["con*2"], "error: no block matches `con*2`"),
        (["--net", "nowhere.yaml"], "there is no file nowhere.yaml"),
        (["--net", "x.yaml", "--certificate", "c.json"], "error: --certificate is about blocks"),
        (["relu", "--seed", "-1"], "-1 is not in the range"),
    ],
)
def test_a_wrong_command_line_is_refused_in_a_line(arguments: list[str], message: str) -> None:
    result = run(*arguments)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert message in result.stderr


@pytest.fixture
def plugin(site: Any) -> None:
    site.add("blockrun-cube", PLUGIN)


WRONG_SIGN = """
from blockrun.core import Block

class Opposite(Block):
    def forward(self, ctx, x):
        return -x, None

    def backward(self, ctx, saved, dy):
        return dy

class Same(Block):
    def forward(self, ctx, x):
        return 1 * x, None

    def backward(self, ctx, saved, dy):
        return dy
"""


def test_a_file_of_blocks_is_checked_as_it_stands_and_the_repeat_line_works(tmp_path):
    file = tmp_path / "mine.py"
    file.write_text(WRONG_SIGN)
    result = CliRunner().invoke(main, ["test", str(file)])
    assert result.exit_code == 4
    assert "1 of 2 blocks FAILED" in result.output
    assert "ratio -1: sign flipped?" in result.output
    repeat = f"blockrun test {file} opposite --seed 0 --case 0"
    assert repeat in result.output
    again = CliRunner().invoke(main, repeat.split()[1:])
    assert again.exit_code == 4
    assert "1 of 1 block FAILED, 1 case " in again.output


def test_a_pattern_means_every_block_it_fits_also_with_the_name_of_the_distribution(site: Any) -> None:
    site.add("blockrun-cube", PLUGIN.replace("-3", "3").replace(', "absent": "no_such_module:Absent"', ""))
    assert [row["block"] for row in json.loads(run("*e_pool2d", "--json").stdout)] == ["average_pool2d"]
    assert [row["block"] for row in json.loads(run("log_s*", "--json").stdout)] == ["log_sigmoid", "log_softmax"]
    assert [row["block"] for row in json.loads(run("blockrun-cube/*", "--json").stdout)] == ["cube"]


NETWORK = """
blockrun: 1
plugins: {local: [./mine.py]}
inputs: {x: [3], y: [3]}
net: {a: BLOCK, J: {block: sum_of_squares, in: [a, y]}}
"""


@pytest.fixture
def network(tmp_path: Path) -> Path:
    (tmp_path / "mine.py").write_text(WRONG_SIGN)
    (tmp_path / "net.yaml").write_text(NETWORK.replace("BLOCK", "opposite"))
    return tmp_path / "net.yaml"


def test_a_network_is_checked_variable_by_variable(network: Path) -> None:
    result = run("--net", str(network), "net.a=same")
    assert result.exit_code == 0
    x, y, summary = result.stdout.splitlines()
    assert x.split()[:2] == ["x", "input"]
    assert x.endswith("ok")
    assert y.endswith("ok")
    assert "2 gradients ok" in summary


def test_a_wrong_network_exits_with_four_and_names_the_node_and_what_repeats_it(network: Path) -> None:
    result = run("--net", str(network), "--seed", "3")
    assert result.exit_code == 4
    assert "1 of 2 gradients FAILED" in result.stdout
    assert f"node `a` ({network}:5" in result.stdout
    assert f"repeat  blockrun test --net {network} --seed 3" in result.stdout
    found = json.loads(run("--net", str(network), "--json").stdout)
    assert (found["ok"], [v["verdict"] for v in found["variables"]]) == (False, ["FAILED", "ok"])
    assert found["variables"][0]["failure"]["ratio"] == pytest.approx(-1)
