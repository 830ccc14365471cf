"""The tutorial: every command in it is run and every file in it written, in order, and what is printed is compared."""

from __future__ import annotations

import os
import re
import subprocess
import sysconfig
import venv
from collections.abc import Iterator
from pathlib import Path

import pytest

TUTORIAL = (Path(__file__).parents[1] / "docs" / "tutorial.md").read_text(encoding="utf-8")
FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LAST_FILE = re.compile(r"`([\w./]+\.(?:py|yaml|toml))`[^`]*\Z")
OFFLINE = "--no-build-isolation --no-index"  # what pip is told in addition, since a test must not need a network


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """A virtual environment of its own, in which everything installed here can be imported too."""
    folder = tmp_path / "venv"
    venv.create(folder, symlinks=os.name != "nt")
    site_packages = Path(sysconfig.get_path("purelib", vars={"base": str(folder), "platbase": str(folder)}))
    parents = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
    lines = [f"import site; site.addsitedir({parent!r})\n" for parent in sorted(parents)]
    (site_packages / "parent.pth").write_text("".join(lines))
    for name, more in (("blockrun", ""), ("pytest", ""), ("pip", OFFLINE)):
        script = folder / "bin" / name
        script.write_text(f'#!/bin/sh\nexec "{folder}/bin/python" -P -m {name} "$@" {more}\n')
        script.chmod(0o755)
    path = f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}"
    return {**os.environ, "PATH": path, "VIRTUAL_ENV": str(folder), "PYTHONUTF8": "1", "COLUMNS": "80"}


def commands(block: str) -> Iterator[tuple[str, str]]:
    """Each command with the output that is printed below it."""
    for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
        command, _, output = part.partition("\n")
        yield command, output


def as_pattern(output: str) -> str:
    """What the output must match: `...` stands for anything."""
    return ".*?".join(re.escape(part) for part in output.strip().split("..."))


def author_lines(source: str) -> list[str]:
    """The lines of code of a file: neither blank, nor a comment, nor its docstrings."""
    code = re.sub(r'""".*?"""', "", source, flags=re.DOTALL)
    return [line for line in code.splitlines() if line.strip() and not line.strip().startswith("#")]


def test_the_tutorial_runs_as_it_is_written(tmp_path: Path, environment: dict[str, str]) -> None:
    here = tmp_path / "work"
    here.mkdir()
    for fence in FENCE.finditer(TUTORIAL):
        language, block = fence.groups()
        if language != "console":
            file = LAST_FILE.search(TUTORIAL[: fence.start()])
            assert file is not None, block
            (here / file[1]).write_text(block, encoding="utf-8")
            continue
        for command, expected in commands(block):
            if command.startswith("cd "):
                here /= command.removeprefix("cd ")
                continue
            done = subprocess.run(command, shell=True, cwd=here, env=environment, capture_output=True, text=True)
            assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
            assert re.fullmatch(as_pattern(expected), done.stdout.strip(), re.DOTALL), f"{command}\n{done.stdout}"


def test_the_author_writes_fewer_than_fifteen_lines() -> None:
    files = [fence[2] for fence in FENCE.finditer(TUTORIAL) if fence[1] == "python"]
    assert len(author_lines(files[-1])) < 15
    assert all(len(set(author_lines(file)) - set(author_lines(files[0]))) <= 1 for file in files)
