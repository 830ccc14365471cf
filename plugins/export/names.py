"""Which names a piece of Python takes from around it, and the attributes that it uses."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

Function = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
Comprehension = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


def free_names(tree: ast.AST, definition: bool = False) -> list[ast.Name]:
    """The names that `tree` reads and nothing in it binds; only those read while it is defined, if `definition`."""
    visitor = _Free(definition)
    visitor.visit(tree)
    return visitor.found


def attributes(tree: ast.AST) -> set[str]:
    """The names of all attributes in `tree`, whatever they belong to."""
    return {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}


class _Free(ast.NodeVisitor):
    def __init__(self, definition: bool) -> None:
        self.definition = definition
        self.scopes: list[set[str]] = []
        self.found: list[ast.Name] = []

    def visit_Name(self, node: ast.Name) -> None:
        if isinstance(node.ctx, ast.Load) and not any(node.id in scope for scope in self.scopes):
            self.found.append(node)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        self._visit_all(node.decorator_list)
        self._function(node, node.body)

    def visit_Lambda(self, node: ast.Lambda) -> None:
        self._function(node, [node.body])

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        self._visit_all([*node.decorator_list, *node.bases, *(keyword.value for keyword in node.keywords)])
        own = set(_bound(node.body))
        for statement in node.body:  # what a class binds is seen by its own statements, and not by its methods
            bare = isinstance(statement, ast.FunctionDef)
            self._within(set() if bare else own, [statement])

    def generic_visit(self, node: ast.AST) -> None:
        if isinstance(node, Comprehension):
            targets = [generator.target for generator in node.generators]
            self._within({n.id for t in targets for n in ast.walk(t) if isinstance(n, ast.Name)}, [*_children(node)])
        else:
            super().generic_visit(node)

    def _function(self, node: Function, body: Iterable[ast.AST]) -> None:
        arguments = node.args
        self._visit_all([*arguments.defaults, *(default for default in arguments.kw_defaults if default)])
        if self.definition and not isinstance(node, ast.Lambda):
            return
        every = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, arguments.vararg, arguments.kwarg]
        named = {argument.arg for argument in every if argument is not None}
        body = list(body)
        outer = {name for n in body for g in ast.walk(n) if isinstance(g, ast.Global) for name in g.names}
        self._within((named | set(_bound(body))) - outer, body)

    def _within(self, scope: set[str], nodes: Iterable[ast.AST]) -> None:
        self.scopes.append(scope)
        self._visit_all(nodes)
        self.scopes.pop()

    def _visit_all(self, nodes: Iterable[ast.AST]) -> None:
        for node in nodes:
            self.visit(node)


def _bound(nodes: Iterable[ast.AST]) -> Iterator[str]:
    """What `nodes` bind in the scope that they stand in."""
    for node in nodes:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            yield node.name
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id
        elif isinstance(node, ast.alias):
            yield (node.asname or node.name).partition(".")[0]
        elif isinstance(node, (ast.ExceptHandler, ast.MatchAs, ast.MatchStar)) and node.name:
            yield node.name
        if isinstance(node, Comprehension):  # which bind nothing but what is written with :=
            yield from (n.target.id for n in ast.walk(node) if isinstance(n, ast.NamedExpr))
        elif not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)):
            yield from _bound(_children(node))


def _children(node: ast.AST) -> Iterator[ast.AST]:
    return ast.iter_child_nodes(node)
