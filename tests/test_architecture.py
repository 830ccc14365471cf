"""The layout of the code: which folder may import what, how long a file may be, and what the core does not know."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FOLDERS = ("core", "blocks", "plugins")
FILES = [file for folder in FOLDERS for file in sorted((ROOT / folder).rglob("*.py"))]
TESTS = sorted((ROOT / "tests").rglob("*.py"))
MAY_IMPORT = {
    "core": ("numpy", "blockrun.core"),
    "blocks": ("numpy", "annotated_types", "blockrun.core", "blockrun.blocks"),
}
UNKNOWN_TO_CORE = re.compile(r"loss|epoch|optimi[sz]er|yaml|plugin", re.IGNORECASE)


def short(file: Path) -> str:
    return str(file.relative_to(ROOT))


def imports(file: Path) -> Iterator[str]:
    """Every module that `file` imports, anywhere in it, by its full name."""
    package = ("blockrun", *file.relative_to(ROOT).parent.parts)
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else ()
            module = ".".join([*base, *([node.module] if node.module else [])])
            yield from (f"{module}.{alias.name}" for alias in node.names)


def within(module: str, packages: tuple[str, ...]) -> bool:
    return any(module == package or module.startswith(f"{package}.") for package in packages)


def test_there_is_code_to_check():
    assert {file.relative_to(ROOT).parts[0] for file in FILES} == set(FOLDERS)


@pytest.mark.parametrize("file", [f for f in FILES if f.relative_to(ROOT).parts[0] != "plugins"], ids=short)
def test_core_and_blocks_import_only_what_they_may(file):
    allowed = MAY_IMPORT[file.relative_to(ROOT).parts[0]]
    foreign = [
        m for m in imports(file) if m.partition(".")[0] not in sys.stdlib_module_names and not within(m, allowed)
    ]
    assert foreign == []


@pytest.mark.parametrize("file", [f for f in FILES if f.relative_to(ROOT).parts[0] == "plugins"], ids=short)
def test_plugins_never_import_the_blocks(file):
    assert [module for module in imports(file) if within(module, ("blockrun.blocks",))] == []


@pytest.mark.parametrize("file", [f for f in FILES if f.name != "builtin.py"], ids=short)
def test_only_the_file_that_registers_the_blocks_names_them(file):
    strings = [n.value for n in ast.walk(ast.parse(file.read_text())) if isinstance(n, ast.Constant)]
    paths = [text for text in strings if isinstance(text, str) and re.match(r"blockrun\.blocks\.[\w.]+:", text)]
    assert paths == []


@pytest.mark.parametrize("file", [*FILES, *TESTS], ids=short)
def test_nobody_imports_the_folders_by_their_bare_names(file):
    """`import core` works in the checkout and makes a second copy of every class."""
    assert [module for module in imports(file) if within(module, FOLDERS)] == []


@pytest.mark.parametrize("file", [f for f in FILES if f.relative_to(ROOT).parts[0] == "core"], ids=short)
def test_the_core_knows_only_a_graph_executor(file):
    assert [line for line in file.read_text().splitlines() if UNKNOWN_TO_CORE.search(line)] == []


@pytest.mark.parametrize("file", FILES, ids=short)
def test_files_are_short(file):
    assert len(file.read_text().splitlines()) <= 300


@pytest.mark.parametrize("file", [f for f in FILES if f.stat().st_size], ids=short)
def test_a_file_opens_by_saying_why_its_contents_live_together(file):
    assert ast.get_docstring(ast.parse(file.read_text()))
