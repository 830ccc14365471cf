"""The pages of a documentation site: one per family of blocks, from the same descriptions as `blockrun blocks NAME`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from blockrun.plugins.errors import UsageError

from .block_page import Page, formula_rows, input_words

NOTICE = "<!-- Written by `blockrun blocks --docs FOLDER` from the docstrings; change those, not this. -->"


def write_docs(folder: Path, pages: Mapping[str, list[Page]]) -> list[Path]:
    """Write a Markdown page for each family, and one that lists them; raises `UsageError` if that cannot be."""
    texts = {"README.md": _contents(pages), **{f"{family}.md": _family(family, pages[family]) for family in pages}}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in texts.items():
            (folder / name).write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{folder} cannot be written: {error.strerror or error}") from None
    return [folder / name for name in texts]


def _contents(pages: Mapping[str, list[Page]]) -> str:
    rows = [f"| [{family}]({family}.md) | {', '.join(map(_link, pages[family]))} |" for family in pages]
    return "\n".join([NOTICE, "# Blocks", "", "| family | blocks |", "| --- | --- |", *rows, ""])


def _link(page: Page) -> str:
    return f"[{page['name']}]({page['family']}.md#{page['name']})"


def _family(family: str, pages: list[Page]) -> str:
    return "\n\n".join([f"{NOTICE}\n# {family.capitalize()}", *map(_block, pages)]) + "\n"


def _block(page: Page) -> str:
    sections = [
        f"## {page['name']}",
        _code("text", page["doc"]),
        _table(("option", "default", "what it may be"), [_option(option) for option in page["options"]]),
        _table(("input", "what it is"), [(row["name"], input_words(row)) for row in page["inputs"]]),
        _outputs(page),
        _code("python", "\n".join(f"{left} {right}" for left, right in formula_rows(page))),
        _code("yaml", page["yaml"]),
    ]
    return "\n\n".join(section for section in sections if section)


def _outputs(page: Page) -> str:
    names = ", ".join(f"`{name}`" for name in page["outputs"]) if page["outputs"] else "depend on the options"
    ends = "" if page["differentiable"] else " Gradients stop here."
    shapes = f" Shapes: `{page['shapes']}`." if page["shapes"] else ""
    return f"Outputs: {names}.{shapes}{ends}"


def _option(option: dict[str, Any]) -> tuple[str, str, str]:
    default = "must be given" if option["required"] else f"`{json.dumps(option['default'], default=str)}`"
    return option["name"], default, option["type"]


def _table(heads: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    """A Markdown table, its first column as code; nothing without rows."""
    if not rows:
        return ""
    lines = [" | ".join([f"`{first}`", *(cell.replace("|", "\\|") for cell in rest)]) for first, *rest in rows]
    return "\n".join(f"| {line} |" for line in (" | ".join(heads), " | ".join("---" for _ in heads), *lines))


def _code(language: str, text: str) -> str:
    return f"```{language}\n{text}\n```" if text else ""
