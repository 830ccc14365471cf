"""`blockrun new`: what it writes passes its checks as it is, and it overwrites and shadows nothing."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from blockrun.plugins.commands.main import main
from blockrun.plugins.host import load_host
from blockrun.plugins.network.build import load
from blockrun.plugins.testing import check_block
from blockrun.plugins.testing.network import check_network


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["new", *arguments])


def test_a_new_block_passes_its_checks_with_nothing_left_to_remark(here: Path) -> None:
    assert run("block", "leaky_swish").exit_code == 0
    report = check_block(load_host(local=[here / "leaky_swish.py"]).find("blocks", "leaky_swish"))
    assert report.ok, str(report)
    assert report.notes == []
    assert report.cases >= 4


def test_the_lines_printed_make_a_network_with_the_new_block(here: Path) -> None:
    lines = run("block", "snake").stdout.splitlines()
    assert "  blockrun test ./snake.py      # the gradient check" in lines
    start = lines.index("in a network file beside it:") + 1
    text = "\n".join(line.removeprefix("  ") for line in lines[start:])
    (here / "net.yaml").write_text(f"blockrun: 1\ninputs: {{x: [3]}}\n{text}\n")
    assert [node.block.name for node in load(here / "net.yaml").graph.nodes] == ["snake"]


@pytest.fixture
def project(here: Path, site) -> Path:
    """A new plugin, its package found as an installer would leave it."""
    assert run("plugin", "blockrun-leaky-swish").exit_code == 0
    folder = here / "blockrun-leaky-swish"
    declared = tomllib.loads((folder / "pyproject.toml").read_text())["project"]
    points = "".join(f"{name} = {value}\n" for name, value in declared["entry-points"]["blockrun"].items())
    package = folder / "blockrun_leaky_swish"
    site.add_package(package, declared["name"], f"[blockrun]\n{points}", declared["version"])
    return folder


def test_the_block_of_a_new_plugin_passes_its_checks(project: Path) -> None:
    host = load_host()
    assert host.provider("blocks", "leaky_swish") == "blockrun-leaky-swish 0.1.0"
    report = check_block(host.find("blocks", "leaky_swish"))
    assert report.ok, str(report)


def test_the_network_of_a_new_plugin_has_its_block_and_right_gradients(project: Path) -> None:
    network = load(project / "leaky_swish.yaml", "run.dtype=float64")
    assert "leaky_swish" in [node.block.name for node in network.graph.nodes]
    assert check_network(network).ok


def test_nothing_is_overwritten(here: Path) -> None:
    run("block", "snake")
    (here / "snake.py").write_text("mine")
    (here / "blockrun-snake").mkdir()
    for arguments in (["block", "snake"], ["plugin", "blockrun-snake"]):
        result = run(*arguments)
        assert result.exit_code == 2
        assert "is there already" in result.stderr
    assert (here / "snake.py").read_text() == "mine"
    assert list((here / "blockrun-snake").iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["block", "LeakySwish"], "cannot be the name of a block"),
        (["block", "../snake"], "cannot be the name of a block"),
        (["block", "x_y"], "cannot be the name of a block"),
        (["block", "class"], "cannot be the name of a block"),
        (["block", "relu"], "there is a block `relu` already, from blockrun"),
        (["block", "random"], "`random` is a module of Python itself"),
        (["plugin", "a/b"], "cannot be the name of a plugin"),
        (["plugin", "-x"], "No such option"),
        (["plugin", "json"], "`json` is a module of Python itself"),
        (["plugin", "pytest"], "is installed here already"),
        (["plugin", "blockrun-relu"], "there is a block `relu` already"),
        (["thing"], "No such command 'thing'"),
    ],
)
def test_a_name_that_will_not_do_is_refused_and_nothing_written(here: Path, arguments: list[str], message: str) -> None:
    result = run(*arguments)
    assert result.exit_code == 2
    assert message in result.stderr
    assert result.stdout == ""
    assert list(here.iterdir()) == []


def test_without_anything_to_make_it_says_what_can_be_made() -> None:
    result = run()
    assert result.exit_code == 0
    assert "blockrun new plugin blockrun-swish" in result.stdout
