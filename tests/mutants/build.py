"""From a mutant to a class: the files of blocks run again, one function of them rewritten, under names of their own."""

from __future__ import annotations

import ast
import sys
import types
from typing import Any

from blockrun.core import Block

from .generate import BLOCKS, Mutant, parse

PACKAGE = "blockrun.blocks"


def build(mutant: Mutant) -> type[Block]:
    """The block class with the mutant in place.

    What a mutant does to a helper it does for backward only: a helper changed for forward too would make another
    function with its own right gradient.
    """
    cls = _execute(mutant.home, parse(mutant.home), mutant.cls)
    wrong = _rewritten(mutant)
    if mutant.function == f"{mutant.cls}.forward":
        return wrong

    def backward(self: Any, ctx: Any, saved: Any, *dy: Any) -> Any:
        options = {name: getattr(self, name) for name in cls.option_types}
        return wrong(**options).backward(ctx, saved, *dy)  # type: ignore[attr-defined]

    cls.backward = backward  # type: ignore[attr-defined]
    return cls


def original(home: str, name: str) -> type[Block]:
    """A class of its own for the block `name` of the file `home`."""
    return _execute(home, parse(home), name)


def _rewritten(mutant: Mutant) -> type[Block]:
    helpers = {}
    if mutant.shared:
        helpers = vars(_module(mutant.file, _with(mutant), "helper"))
    return _execute(mutant.home, parse(mutant.home) if mutant.shared else _with(mutant), mutant.cls, helpers)


def _with(mutant: Mutant) -> ast.Module:
    """The file of the mutant with the rewritten function in its place."""
    tree = parse(mutant.file)
    owner, _, name = mutant.function.rpartition(".")
    body = next(n.body for n in tree.body if isinstance(n, ast.ClassDef) and n.name == owner) if owner else tree.body
    [at] = [i for i, node in enumerate(body) if isinstance(node, ast.FunctionDef) and node.name == name]
    function = ast.parse(mutant.source).body[0]
    body[at] = ast.increment_lineno(function, body[at].lineno - 1)
    return tree


def _execute(file: str, tree: ast.Module, cls: str, helpers: dict[str, Any] | None = None) -> type[Block]:
    module = _module(file, tree, "mutant")
    imported = [node for node in tree.body if isinstance(node, ast.ImportFrom) and node.level]
    for name in (alias.name for node in imported for alias in node.names):
        vars(module)[name] = (helpers or {}).get(name, vars(module)[name])
    found: type[Block] = vars(module)[cls]
    return found


def _module(file: str, tree: ast.Module, kind: str) -> types.ModuleType:
    module = types.ModuleType(f"{PACKAGE}.{file.removesuffix('.py').replace('/', '.')}_{kind}")
    module.__package__, module.__file__ = module.__name__.rpartition(".")[0], str(BLOCKS / file)
    sys.modules[module.__name__] = module  # dataclasses look their module up
    exec(compile(tree, module.__file__, "exec"), vars(module))
    return module
