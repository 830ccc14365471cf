"""The pytest plugin: in a project that offers blocks, `pytest` checks them.

A project is recognised by its `pyproject.toml`, which names it and has an entry point of the group `blockrun`. Then
that file is collected like a file of tests, with one test for each block that the installed distribution offers, so
that a plain `pytest` or `pytest pyproject.toml::swish` runs them. A project that tells pytest where its tests are adds
one line, or rather one word:

    [tool.pytest.ini_options]
    testpaths = ["pyproject.toml", "tests"]

Where there is no such `pyproject.toml`, `blockrun.plugins.testing.suite` does the same from a test file. Nothing but
pytest is imported here: this module is loaded whenever pytest starts, in projects that have never heard of blocks.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """Take the project's own `pyproject.toml`, or one named on the command line, if it offers something to blockrun."""
    if file_path.name != "pyproject.toml":
        return None
    asked = file_path.parent == parent.config.rootpath or parent.session.isinitpath(file_path)
    name = distribution_of(file_path) if asked else None
    return None if name is None else Project.from_parent(parent, path=file_path, distribution=name)


def distribution_of(file: Path) -> str | None:
    """The name of the project, if it has an entry point of the group `blockrun`."""
    text = file.read_bytes()
    if b"blockrun" not in text or b"entry-points" not in text:
        return None
    import tomllib

    try:
        project = tomllib.loads(text.decode())["project"]
        return str(project["name"]) if project["entry-points"]["blockrun"] else None
    except (ValueError, KeyError, TypeError):
        return None  # broken, or of another kind; not for us to complain


class Project(pytest.File):
    """The blocks of one project."""

    def __init__(self, *, distribution: str, **given: Any) -> None:
        super().__init__(**given)
        self.distribution = distribution

    def collect(self) -> Iterator[pytest.Item]:
        from blockrun.plugins.errors import UserError
        from blockrun.plugins.host import load_host

        from .distribution import blocks_of

        host = load_host()
        try:
            names = blocks_of(host, self.distribution)
        except UserError as error:
            raise self.CollectError(f"{error.message}\n{error.help}".strip()) from None
        for name in names:
            yield BlockItem.from_parent(self, name=name, host=host)


class BlockItem(pytest.Item):
    """One block, which passes if it keeps all its promises; fails with the report, without a traceback."""

    def __init__(self, *, host: Any, **given: Any) -> None:
        super().__init__(**given)
        self.host = host

    def runtest(self) -> None:
        from .distribution import failure_of

        failure = failure_of(self.host, self.name)
        if failure:
            pytest.fail(failure, pytrace=False)

    def reportinfo(self) -> tuple[Path, None, str]:
        return self.path, None, self.name
