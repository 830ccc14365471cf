"""The source of what blocks compute, gathered with everything it uses until nothing but NumPy is left.

A definition is a statement of a module: a function, a class or a constant. What it names is looked up as Python would,
through imports, so that only what is used comes along.
"""

from __future__ import annotations

import ast
import builtins
import importlib.util
import sys
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

from blockrun.core import Block
from blockrun.plugins.errors import UserError

from .edit import Code
from .names import attributes, free_names
from .trim import called_only, gives_pairs, trimmed, unheard

WHOLE = "import the names that are used from it, so that they can be found"


class NotAlone(UserError):
    """Code that cannot stand in a script of its own."""


class Place(NamedTuple):
    """A statement of a module, by the line it begins on."""

    module: str
    line: int


Made = tuple[Place, str]
BASE = Place(Block.__module__, 0)  # what every block derives from, for which a script has something smaller


class Known(NamedTuple):
    """What is known so far.

    used    the attributes that are used anywhere
    deaf    the functions, and blocks by their `forward`, that need not be given their `ctx`
    called  whether a block calls a `forward` itself, so that these must be as they are
    """

    used: frozenset[str]
    deaf: frozenset[Place]
    called: bool


@dataclass(frozen=True)
class Definition:
    """A statement with only what is needed of it.

    binds    the names that it makes
    uses     those that it takes from others: where each is made, and what it is called there
    before   the places whose statements must have run when this one does
    imports  the lines that it needs at the head of a file
    deaf     whether it is a function, or a block whose `forward` is one, that does without its `ctx`
    otherwise   functions that it uses in another way than to call them
    pairs    whether it is a block whose `forward` gives what is saved beside the outputs
    """

    place: Place
    text: str
    binds: tuple[str, ...]
    uses: dict[str, Made]
    before: frozenset[Place]
    imports: frozenset[str]
    deaf: bool
    otherwise: frozenset[Place]
    pairs: bool

    @cached_property
    def code(self) -> Code:
        return Code(self.text)


class Module:
    """A module as it is written."""

    def __init__(self, name: str) -> None:
        self.name = name
        loaded = sys.modules.get(name)
        file = getattr(loaded, "__file__", None)
        if file is None or not file.endswith(".py"):
            raise NotAlone(f"the source of `{name}` is not there")
        self.package = getattr(loaded, "__package__", None) or name
        self.file = Path(file)
        self.code = Code(self.file.read_text(encoding="utf-8"))
        self.statements: dict[str, ast.stmt] = {}
        for statement in self.code.tree.body:
            for bound in binds(statement):
                self.statements[bound] = statement

    def statement(self, place: Place) -> str:
        """The text of a statement, with the comments right above it."""
        cut = self.code.without(next(s for s in self.code.tree.body if s.lineno == place.line))
        return self.code.text[cut.start : cut.end]

    @property
    def about(self) -> str:
        """What the file says of itself, in one paragraph."""
        return (ast.get_docstring(self.code.tree) or "").partition("\n\n")[0]


@lru_cache(maxsize=256)
def module(name: str) -> Module:
    return Module(name)


def collect(blocks: list[type[Block]]) -> dict[Place, Definition]:
    """All that the `forward` of these blocks needs, in the order in which it is met; raises `NotAlone`.

    What is needed and what is not shows only when it is there, so it is gathered again until nothing changes.
    """
    module.cache_clear()  # a file may have been changed since the last time
    known = Known(frozenset({"forward"}), frozenset(), False)
    while True:
        found = _reached(blocks, known)
        used = frozenset[str]().union(*(attributes(definition.code.tree) for definition in found.values()))
        otherwise = frozenset[Place]().union(*(definition.otherwise for definition in found.values()))
        deaf = frozenset(place for place, definition in found.items() if definition.deaf)
        now = Known(used | known.used, deaf - otherwise, "forward" in used)
        if now == known:
            return found
        known = now


def _reached(blocks: list[type[Block]], known: Known) -> dict[Place, Definition]:
    found: dict[Place, Definition] = {}
    for block in blocks:
        waiting = [_class_place(block)]
        own = {block.__module__.partition(".")[0], "blockrun"}
        while waiting:
            place = waiting.pop(0)
            if place not in found and place != BASE:
                try:
                    found[place] = _define(place, known, own)
                except NotAlone as error:
                    raise NotAlone(f"block `{block.name}` cannot stand alone: {error.message}", error.help) from None
                waiting += [made for made, _ in found[place].uses.values()]
    return found


def _class_place(cls: type) -> Place:
    statement = module(cls.__module__).statements.get(cls.__qualname__)
    if not isinstance(statement, ast.ClassDef):
        raise NotAlone(f"class `{cls.__qualname__}` is not a plain statement of `{cls.__module__}`")
    return Place(cls.__module__, statement.lineno)


def _define(place: Place, known: Known, own: set[str]) -> Definition:
    original = module(place.module).statement(place)
    statement = Code(original).tree.body[0]
    cls = getattr(sys.modules[place.module], getattr(statement, "name", ""), None)
    is_block = isinstance(statement, ast.ClassDef) and isinstance(cls, type) and issubclass(cls, Block)
    many = cls.signature.many if is_block else None  # type: ignore[union-attr]
    pairs = is_block and (known.called or not gives_pairs(original))
    text = trimmed(original, known.used, is_block, many, saved=pairs)
    uses, _ = _needs(Code(text).tree, place, own)
    cut = place in known.deaf
    text, deaf = unheard(text, frozenset(name for name, (made, _) in uses.items() if made in known.deaf), cut)
    code = Code(text)
    _check_local_imports(code.tree, place.module)
    uses, imports = _needs(code.tree, place, own)
    at_once = {name.id for name in free_names(code.tree, definition=True)}
    before = frozenset(made for name, (made, _) in uses.items() if name in at_once)
    deaf = deaf and not (is_block and known.called)
    otherwise = frozenset(made for name, (made, _) in uses.items() if not called_only(code.tree, name))
    return Definition(place, text, tuple(binds(statement)), uses, before, imports, deaf, otherwise - known.deaf, pairs)


def _needs(tree: ast.AST, place: Place, own: set[str]) -> tuple[dict[str, Made], frozenset[str]]:
    """What a statement takes from other statements, and the lines of imports that it needs."""
    uses: dict[str, Made] = {}
    imports: set[str] = set()
    for name in free_names(tree):
        target = _look_up(name.id, place.module, own)
        if isinstance(target, str):
            imports.add(target)
        elif target is not None and target[0] != place:
            uses[name.id] = target
    return uses, frozenset(imports)


def _look_up(name: str, where: str, own: set[str]) -> Made | str | None:
    """The statement that `name` means in a module, or the line that imports it; None for what Python itself has."""
    statement = module(where).statements.get(name)
    if statement is None:
        if hasattr(builtins, name) or name in ("__name__", "__file__"):
            return None
        raise NotAlone(f"`{name}` of `{where}` is not made by a plain statement there")
    if isinstance(statement, ast.Import):
        alias = next(a for a in statement.names if (a.asname or a.name.partition(".")[0]) == name)
        if alias.name.partition(".")[0] in own:
            raise NotAlone(f"`{where}` imports the module `{alias.name}` as a whole", WHOLE)
        return _line(f"import {alias.name}" + (f" as {alias.asname}" if alias.asname else ""), alias.name, where)
    if isinstance(statement, ast.ImportFrom):
        alias = next(a for a in statement.names if (a.asname or a.name) == name)
        return _imported(statement, alias, where, own)
    return Place(where, statement.lineno), name


def _imported(statement: ast.ImportFrom, alias: ast.alias, where: str, own: set[str]) -> Made | str | None:
    origin = statement.module or ""
    if statement.level:
        origin = importlib.util.resolve_name("." * statement.level + origin, module(where).package)
    if origin.partition(".")[0] not in own:
        return _line(
            f"from {origin} import {alias.name}" + (f" as {alias.asname}" if alias.asname else ""), origin, where
        )
    value: Any = getattr(sys.modules[origin], alias.name)
    if value is Block:
        return BASE, Block.__name__
    if isinstance(value, ModuleType):
        raise NotAlone(f"`{where}` imports the module `{value.__name__}` as a whole", WHOLE)
    if alias.name in module(origin).statements:
        return _look_up(alias.name, origin, own)
    return _class_place(value), value.__name__  # handed on by other means


def _line(line: str, origin: str, where: str) -> str:
    top = origin.partition(".")[0]
    if top == "numpy" or top in sys.stdlib_module_names:
        return line
    raise NotAlone(f"`{where}` uses `{top}`, and a script has only NumPy")


def _check_local_imports(tree: ast.AST, where: str) -> None:
    """Complain about an import within a function of what a script does not have."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.level:
            raise NotAlone(f"a function of `{where}` imports from its own package", "import at the head of the file")
        if isinstance(node, ast.ImportFrom):
            _line("", node.module or "", where)
        elif isinstance(node, ast.Import):
            for alias in node.names:
                _line("", alias.name, where)


def binds(statement: ast.stmt) -> list[str]:
    """The names that a plain statement makes."""
    if isinstance(statement, (ast.FunctionDef, ast.ClassDef)):
        return [statement.name]
    if isinstance(statement, (ast.Import, ast.ImportFrom)):
        return [
            a.asname or (a.name if isinstance(statement, ast.ImportFrom) else a.name.partition(".")[0])
            for a in statement.names
        ]
    if isinstance(statement, (ast.Assign, ast.AnnAssign)):
        targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
        return [n.id for t in targets for n in ast.walk(t) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)]
    return []
