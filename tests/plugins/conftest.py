"""A folder on `sys.path` into which distributions are put as an installer would leave them."""

from __future__ import annotations

import importlib
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest


class Site:
    """Stands for site-packages; what is imported from it is forgotten after the test."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()

    def add(self, distribution: str, source: str, *, module: str = "", name: str = "", version: str = "1.0") -> Path:
        """Install `distribution`, whose one module has `source` and is its entry point `name`; returns its file."""
        module = module or distribution.replace("-", "_")
        file = self.folder / f"{module}.py"
        file.write_text(source)
        self.add_metadata(distribution, f"[blockrun]\n{name or distribution} = {module}\n", version)
        return file

    def add_metadata(self, distribution: str, entry_points: str, version: str = "1.0") -> Path:
        info = self.folder / f"{distribution.replace('-', '_')}-{version}.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: {version}\n")
        (info / "entry_points.txt").write_text(entry_points)
        importlib.invalidate_caches()
        return info

    def add_package(self, folder: Path, distribution: str, entry_points: str, version: str) -> None:
        shutil.copytree(folder, self.folder / folder.name, ignore=shutil.ignore_patterns("__pycache__"))
        self.add_metadata(distribution, entry_points, version)


def forget(folder: Path) -> None:
    """Drop every module that was imported from `folder`."""
    for name, module in list(sys.modules.items()):
        if str(getattr(module, "__file__", None) or "").startswith(str(folder)):
            del sys.modules[name]


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    made = Site(tmp_path / "site")
    monkeypatch.syspath_prepend(str(made.folder))
    yield made
    forget(tmp_path)


@pytest.fixture
def second_site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    """Another such folder, searched before or after `site` as the test likes; use it together with `site`."""
    made = Site(tmp_path / "second")
    monkeypatch.syspath_prepend(str(made.folder))
    return made
