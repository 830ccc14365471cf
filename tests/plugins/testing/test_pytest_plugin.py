"""The pytest plugin and `suite`: a plugin project's own `pytest` checks its blocks, in a process of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLE = Path(__file__).parents[2] / "example_plugin"
METADATA = "Metadata-Version: 2.1\nName: blockrun-swish\nVersion: 0.1.0\n"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of the example plugin, not installed."""
    return Path(shutil.copytree(EXAMPLE, tmp_path / "project", ignore=shutil.ignore_patterns("__pycache__", "build")))


@pytest.fixture
def installed(project: Path) -> Path:
    """The same with the metadata that an installer would leave beside the package."""
    info = project / "blockrun_swish-0.1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(METADATA)
    (info / "entry_points.txt").write_text("[blockrun]\nswish = blockrun_swish\n")
    return project


def run_pytest(project: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join(filter(None, [str(project), os.environ.get("PYTHONPATH")]))
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-W", "error", *arguments]
    return subprocess.run(command, cwd=project, env={**os.environ, "PYTHONPATH": path}, capture_output=True, text=True)


def turn_sign(project: Path) -> None:
    file = project / "blockrun_swish" / "swish.py"
    file.write_text(file.read_text().replace("return dy", "return -dy"))


def test_a_plain_pytest_checks_the_blocks_of_the_project(installed: Path) -> None:
    done = run_pytest(installed, "-v")
    assert done.returncode == 0, done.stdout
    assert "pyproject.toml::swish PASSED" in done.stdout
    assert "1 passed" in done.stdout


def test_a_block_is_chosen_like_any_test_and_its_failure_is_the_report_without_a_traceback(installed: Path) -> None:
    turn_sign(installed)
    done = run_pytest(installed, "pyproject.toml::swish")
    assert done.returncode == 1
    assert "guess   ratio -1: sign flipped?" in done.stdout
    assert "repeat  blockrun test swish --seed 0 --case 0" in done.stdout
    assert "distribution.py" not in done.stdout
    assert "Traceback" not in done.stdout


def test_a_project_that_is_not_installed_is_told_so(project: Path) -> None:
    file = project / "pyproject.toml"
    file.write_text(file.read_text().replace("blockrun-swish", "blockrun-elsewhere"))
    done = run_pytest(project)
    assert done.returncode == 2
    assert "blockrun-elsewhere is not installed" in done.stdout
    assert "pip install -e ." in done.stdout


def test_a_plugin_that_cannot_be_loaded_is_an_error_with_its_cause(installed: Path) -> None:
    (installed / "blockrun_swish" / "__init__.py").write_text("import nothing_of_this_name\n")
    done = run_pytest(installed)
    assert done.returncode == 2
    assert "blockrun-swish 0.1.0 cannot be used: ModuleNotFoundError" in done.stdout


@pytest.mark.parametrize(
    "text", ["[project]\nname = 'x'\n", "entry-points blockrun [", "[tool.entry-points.blockrun]\n"]
)
def test_other_projects_are_left_alone(project: Path, text: str) -> None:
    (project / "pyproject.toml").write_text(text if "[project" in text else "")
    (project / "sub").mkdir()
    shutil.copy(EXAMPLE / "pyproject.toml", project / "sub")
    done = run_pytest(project, "--collect-only", "--rootdir", str(project))
    assert "no tests collected" in done.stdout


def test_one_line_in_a_test_file_does_the_same(installed: Path) -> None:
    line = 'from blockrun.plugins.testing import suite\ntest_blocks = suite("blockrun-swish")\n'
    (installed / "test_blocks.py").write_text(line)
    done = run_pytest(installed, "-v", "test_blocks.py")
    assert done.returncode == 0, done.stdout
    assert "test_blocks.py::test_blocks[swish] PASSED" in done.stdout
    turn_sign(installed)
    done = run_pytest(installed, "test_blocks.py")
    assert "guess   ratio -1: sign flipped?" in done.stdout
    assert "def test_block_keeps" not in done.stdout


def test_the_plugin_imports_nothing_but_pytest() -> None:
    code = (
        "import sys, pytest; before = set(sys.modules); import blockrun.plugins.testing.pytest_plugin; "
        "print(sorted({name.partition('.')[0] for name in set(sys.modules) - before}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "['blockrun']"
