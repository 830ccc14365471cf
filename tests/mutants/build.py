"""From a mutant to a class: the files of blocks run again, one function of them rewritten, under names of their own."""

from __future__ import annotations

import ast
import sys
import types
from typing import Any

from blockrun.core import Block

from .generate import BLOCKS, Mutant, helpers, imports, parse

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


def shorten_pieces(bits: int) -> None:
    """The pieces that a large batch is worked through in become that much smaller, so that a small one has several."""
    for name, module in list(sys.modules.items()):
        if name.startswith(PACKAGE) and "PIECE" in vars(module):
            vars(module)["PIECE"] = max(2, vars(module)["PIECE"] >> bits)


def original(home: str, name: str) -> type[Block]:
    """A class of its own for the block `name` of the file `home`."""
    return _execute(home, parse(home), name)


def _rewritten(mutant: Mutant) -> type[Block]:
    if not mutant.shared:
        return _execute(mutant.home, _with(mutant), mutant.cls)
    found: type[Block] = _through(mutant, mutant.home)[mutant.cls]
    return found


def _through(mutant: Mutant, file: str) -> dict[str, Any]:
    """The names of a file that imports the rewritten function, or imports from a file that does, as they then are."""
    if file == mutant.file:
        return vars(_module(file, _with(mutant), "helper"))
    tree = parse(file)
    names = vars(_module(file, tree, "mutant"))
    for node, source in imports(file, tree):
        if mutant.file in (source, *helpers(source)):
            changed = _through(mutant, source)
            names |= {alias.name: changed[alias.name] for alias in node.names}
    return names


def _with(mutant: Mutant) -> ast.Module:
    """The file of the mutant with the rewritten function in its place."""
    tree = parse(mutant.file)
    owner, _, name = mutant.function.rpartition(".")
    body = next(n.body for n in tree.body if isinstance(n, ast.ClassDef) and n.name == owner) if owner else tree.body
    [at] = [i for i, node in enumerate(body) if isinstance(node, ast.FunctionDef) and node.name == name]
    function = ast.parse(mutant.source).body[0]
    body[at] = ast.increment_lineno(function, body[at].lineno - 1)
    return tree


def _execute(file: str, tree: ast.Module, cls: str) -> type[Block]:
    found: type[Block] = vars(_module(file, tree, "mutant"))[cls]
    return found


def _module(file: str, tree: ast.Module, kind: str) -> types.ModuleType:
    module = types.ModuleType(f"{PACKAGE}.{file.removesuffix('.py').replace('/', '.')}_{kind}")
    module.__package__, module.__file__ = module.__name__.rpartition(".")[0], str(BLOCKS / file)
    sys.modules[module.__name__] = module  # dataclasses look their module up
    exec(compile(tree, module.__file__, "exec"), vars(module))
    return module
