"""What blocks compute, as text that runs by itself: the names in it, the imports above it, the order of it."""

from __future__ import annotations

import ast
import textwrap
from collections.abc import Iterator
from typing import Any

from blockrun.core import Block

from .collect import BASE, Definition, Made, NotAlone, Place, collect, module
from .edit import Edit
from .names import free_names
from .parts import BLOCK, CONTEXT
from .program import Call

WIDTH = 98  # of a heading


class Library:
    """The definitions of `blocks`, beside names that are `taken` and lines that import for others.

    imports  the lines at the head of a file, by the name that each gives
    calls    how the `forward` of each block is called
    taken    all names that are in use
    """

    def __init__(self, blocks: list[type[Block]], taken: tuple[str, ...], lines: set[str]) -> None:
        self._found = collect(blocks)
        self.imports = _imports(self._found, lines)
        self._names = _named(self._found, {*taken, *self.imports})
        self.calls = {cls: self._call(cls) for cls in blocks}
        self.taken = {*taken, *self.imports, *self._names.values()}

    def _call(self, cls: type[Block]) -> Call:
        """Of a class whose `forward` may be that of a class it derives from."""
        made = {(place.module, bound): d for place, d in self._found.items() for bound in d.binds}
        own = made[cls.__module__, cls.__name__]
        definer = next((base for base in cls.__mro__ if "forward" in vars(base)), cls)
        forward = made.get((definer.__module__, definer.__name__))
        if forward is None:
            raise NotAlone(f"the source of `forward` of block `{cls.name}` is not there")
        return Call(self._names[own.place, cls.__name__], not forward.deaf, forward.pairs)

    def texts(self, dtype: Any) -> Iterator[str]:
        """What the blocks compute, a module after another, each after those that it needs to be defined."""
        yield heading("What the blocks compute.")
        yield BLOCK
        if any(call.ctx for call in self.calls.values()):
            yield CONTEXT.format(dtype=dtype.name)
        for name in _ordered(self._found):
            yield heading(module(name).about, f"({name})")
            constants = ""
            for place in sorted(place for place in self._found if place.module == name):
                text = _renamed(self._found[place], self._names)
                if isinstance(self._found[place].code.tree.body[0], (ast.FunctionDef, ast.ClassDef)):
                    yield from [constants] if constants else []
                    constants = ""
                    yield text
                else:
                    constants += text
            yield from [constants] if constants else []

    def header(self) -> str:
        """The imports: Python's own modules, then NumPy; several names from one in a line."""
        plain = sorted({line for line in self.imports.values() if line.startswith("import ")})
        origins: dict[str, list[str]] = {}
        for line in sorted(set(self.imports.values()) - set(plain)):
            origin, _, name = line.removeprefix("from ").partition(" import ")
            origins.setdefault(origin, []).append(name)
        lines = [*plain, *(f"from {origin} import {', '.join(names)}" for origin, names in origins.items())]
        numpy = [line for line in lines if line.split()[1].partition(".")[0] == "numpy"]
        groups = ([line for line in lines if line not in numpy], numpy)
        return "\n\n".join("\n".join(group) for group in groups if group) + "\n"


def _imports(found: dict[Place, Definition], own: set[str]) -> dict[str, str]:
    """The lines that import, by the name that each gives; raises `NotAlone` where one name means two things."""
    lines: dict[str, str] = {}
    for line in sorted(own.union(*(definition.imports for definition in found.values()))):
        name = line.rpartition(" as ")[2] if " as " in line else line.rpartition("import ")[2].partition(".")[0]
        if lines.setdefault(name, line) != line:
            raise NotAlone(f"`{line}` and `{lines[name]}` give one name to two things", "import one under another name")
    return lines


def _named(found: dict[Place, Definition], taken: set[str]) -> dict[Made, str]:
    """What everything that is defined is called in the script: its own name, or with that of its module after it."""
    names = {(BASE, "Block"): "Block"}
    taken = set(taken)
    for place, definition in found.items():
        for bound in definition.binds:
            name = bound
            while name in taken:
                name += f"_{place.module.rpartition('.')[2].strip('_')}"
                name = name.upper() if bound.isupper() else name
            taken.add(name)
            names[place, bound] = name
    return names


def _ordered(found: dict[Place, Definition]) -> list[str]:
    """The modules, in the order in which they are met unless one must come first."""
    order: list[str] = []
    visiting: set[str] = set()

    def put(name: str) -> None:
        if name in visiting:
            return
        visiting.add(name)
        for place, definition in found.items():
            if place.module == name:
                for needed in definition.before - {BASE}:
                    put(needed.module)
        order.append(name)

    for place in found:
        put(place.module)
    return order


def _renamed(definition: Definition, names: dict[Made, str]) -> str:
    """The text with everything called as the script calls it."""
    code, statement = definition.code, definition.code.tree.body[0]
    new = {name: names[made] for name, made in definition.uses.items()}
    new |= {bound: names[definition.place, bound] for bound in definition.binds}
    edits = [code.replace(node, new[node.id]) for node in free_names(code.tree) if node.id in new]
    if isinstance(statement, (ast.FunctionDef, ast.ClassDef)):
        start = code.text.index(statement.name, code.start(statement) + len("def "))
        edits.append(Edit(start, start + len(statement.name), new[statement.name]))
    else:
        stored = [n for n in ast.walk(statement) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)]
        edits += [code.replace(node, new[node.id]) for node in stored if node.id in new]
    return code.edited(edits)


def heading(*texts: str) -> str:
    lines = [line for text in texts for line in textwrap.wrap(text, WIDTH)]
    return "\n".join(["# " + "-" * (WIDTH), *(f"# {line}" for line in lines)])
