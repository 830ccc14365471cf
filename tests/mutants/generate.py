"""From a block to its mutants: which functions its gradient depends on, and every way to rewrite one place of them."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from .operators import OPERATORS, Operator, another_name, another_need

BLOCKS = Path(__file__).parents[2] / "blocks"
UNTOUCHED = {"annotation", "returns", "decorator_list"}  # fields of nodes that compute no number
Function = ast.FunctionDef


@dataclass(frozen=True)
class Mutant:
    """One function rewritten in one place.

    `block` and `cls` are the registered and the class name, `file` and `function` say what is rewritten, at `line`,
    by which `operator`; `before` and `after` are the statement, `source` is the whole function as rewritten.
    """

    block: str
    cls: str
    home: str
    file: str
    function: str
    line: int
    operator: str
    before: str
    after: str
    source: str

    @property
    def shared(self) -> bool:
        """Whether the function is one that several files of blocks share."""
        return self.file != self.home

    @property
    def rewrite(self) -> tuple[str, str, str]:
        """What is the same for all the blocks that share a rewritten function."""
        return (self.file, self.function, self.source)


class Change(NamedTuple):
    """What was done to a statement, and where."""

    line: int
    operator: str
    before: str
    after: str


class Place(NamedTuple):
    """Where a node stands: in a field of its parent, or in a list there; and the statement it is part of."""

    parent: Any
    field: str
    position: int | None
    node: Any
    statement: ast.stmt

    def put(self, node: Any) -> None:
        if self.position is None:
            setattr(self.parent, self.field, node)
        else:
            getattr(self.parent, self.field)[self.position] = node


def mutants(block: str, target: str) -> Iterator[Mutant]:
    """All distinct mutants of the block registered as `block` with `target` "module:Class"."""
    module, _, cls = target.partition(":")
    home = home_of(module)
    seen: set[tuple[str, str, str]] = set()
    for file, name, function in reached(home, cls):
        seen.add((file, name, ast.unparse(function)))
        for change in _residuals(function) if name == f"{cls}.forward" else _rewrites(function, file == home):
            source = ast.unparse(function)
            if (file, name, source) not in seen:
                seen.add((file, name, source))
                yield Mutant(block, cls, home, file, name, *change, source)


def home_of(module: str) -> str:
    """The file of a module of blocks, as a path below the folder of blocks."""
    return f"{module.removeprefix('blockrun.blocks.').replace('.', '/')}.py"


def parse(file: str) -> ast.Module:
    return ast.parse((BLOCKS / file).read_text())


def imports(file: str, tree: ast.Module) -> list[tuple[ast.ImportFrom, str]]:
    """What `file` imports from files of helpers, and which they are."""
    found = [node for node in tree.body if isinstance(node, ast.ImportFrom) and node.level]
    return [(node, (Path("x", file).parents[node.level - 1] / f"{node.module}.py").as_posix()[2:]) for node in found]


def siblings(file: str) -> list[str]:
    """The files of helpers that `file` imports, in the order of their names."""
    return sorted(source for _, source in imports(file, parse(file)))


def helpers(home: str) -> list[str]:
    """All files of helpers that `home` imports, or that those import."""
    found: dict[str, None] = {}
    waiting = [home]
    while waiting:
        new = [file for file in siblings(waiting.pop()) if file not in found]
        found |= dict.fromkeys(new)
        waiting += new
    return list(found)


def reached(home: str, cls: str) -> list[tuple[str, str, Function]]:
    """(file, qualified name, function) of `forward`, `backward` and what `backward` calls, however indirectly."""
    known = _functions(home) | {key: f for file in helpers(home) for key, f in _functions(file).items()}
    if (home, f"{cls}.backward") not in known:
        return []
    found, waiting = {(home, f"{cls}.forward")}, [(home, f"{cls}.backward")]
    while waiting:
        here = waiting.pop(0)
        found.add(here)
        called = _called(here, known, cls)
        waiting += [key for key in known if key in called and key not in found and key not in waiting]
    return [(*key, known[key]) for key in known if key in found]


def _functions(file: str) -> dict[tuple[str, str], Function]:
    """All functions of a file and the methods of its classes, by file and qualified name."""
    found: dict[tuple[str, str], Function] = {}
    for node in parse(file).body:
        if isinstance(node, Function):
            found[file, node.name] = node
        elif isinstance(node, ast.ClassDef):
            found |= {(file, f"{node.name}.{f.name}"): f for f in node.body if isinstance(f, Function)}
    return found


def _called(here: tuple[str, str], known: dict[tuple[str, str], Function], cls: str) -> set[tuple[str, str]]:
    """What the function `here` may call: functions by their names; methods of the block and of helpers' classes."""
    nodes = list(ast.walk(known[here]))
    names = {node.id for node in nodes if isinstance(node, ast.Name)}
    attributes = {node.attr for node in nodes if isinstance(node, ast.Attribute)}
    called = set()
    for file, name in known:
        owner, _, method = name.rpartition(".")
        helper = owner and Path(file).name.startswith("_")
        if method in attributes if owner == cls or helper else not owner and method in names:
            called.add((file, name))
    return called - {(file, f"{cls}.forward") for file, _ in known}


def _rewrites(function: Function, own: bool) -> Iterator[Change]:
    """Every change to a function of backward's."""
    names = (another_name(_given(function)), another_need(_needs(function))) if own else ()
    yield from changes(list(places(function, function)), (*OPERATORS, *names))


def _residuals(forward: Function) -> Iterator[Change]:
    """Every change to what `forward` hands to backward, in statements `return outputs, saved`."""
    returns = [node for node in ast.walk(forward) if isinstance(node, ast.Return)]
    residuals = {part for node in returns for part in ast.walk(node.value.elts[1])}  # type: ignore[union-attr]
    found = [place for place in places(forward, forward) if place.node in residuals or place.node in returns]
    outputs = _outputs(forward)
    for change in changes(found, (*OPERATORS, another_name(_given(forward) | _assigned(forward)))):
        if _outputs(forward) == outputs:
            yield change


def _outputs(forward: Function) -> list[str]:
    returns = [node for node in ast.walk(forward) if isinstance(node, ast.Return)]
    return [ast.unparse(node.value.elts[0]) for node in returns if isinstance(node.value, ast.Tuple)]


def changes(found: list[Place], operators: tuple[Operator, ...]) -> Iterator[Change]:
    """Every change to these places, made in place and undone when the next is asked for."""
    for place in found:
        before = _first_line(place.statement)
        for operator in operators:
            for new in operator(place.node):
                place.put(new)
                after = _first_line(new if place.node is place.statement else place.statement)
                yield Change(place.statement.lineno, operator.__name__, before, after)
                place.put(place.node)


def places(node: Any, statement: Any) -> Iterator[Place]:
    """Every place below `node` where something can be rewritten, in the order of the source."""
    for field, value in ast.iter_fields(node):
        if field in UNTOUCHED:
            continue
        for position, child in enumerate(value) if isinstance(value, list) else [(None, value)]:
            if isinstance(child, ast.AST) and not _computes_nothing(child):
                inside = child if isinstance(child, ast.stmt) else statement
                yield Place(node, field, position, child, inside)
                yield from places(child, inside)


def _computes_nothing(node: ast.AST) -> bool:
    """Texts, what is raised, and `zip(strict=True)`, which guards against mistakes made elsewhere."""
    text = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    return (
        text or isinstance(node, (ast.Raise, ast.JoinedStr)) or (isinstance(node, ast.keyword) and node.arg == "strict")
    )


def _first_line(statement: ast.AST) -> str:
    return ast.unparse(statement).strip().splitlines()[0]


def _given(function: Function) -> set[str]:
    """The arrays a function starts from: its arguments, and what it unpacks from `saved`."""
    given = [*function.args.args, *function.args.kwonlyargs, *filter(None, [function.args.vararg])]
    names = {arg.arg for arg in given} - {"self", "ctx", "saved"}
    unpacked = [node.targets[0] for node in function.body if isinstance(node, ast.Assign) and _is_saved(node.value)]
    return names | {node.id for target in unpacked for node in ast.walk(target) if isinstance(node, ast.Name)}


def _is_saved(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and node.id == "saved"


def _assigned(function: Function) -> set[str]:
    return {n.id for n in ast.walk(function) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}


def _needs(function: Function) -> set[str]:
    attributes = [node for node in ast.walk(function) if isinstance(node, ast.Attribute)]
    return {node.attr for node in attributes if ast.unparse(node.value) == "ctx.needs"}
