"""The mutation operators: each takes a node of a syntax tree and yields what people write in its place by mistake."""

from __future__ import annotations

import ast
import copy
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

Operator = Callable[[Any], Iterator[ast.AST]]

INSTEAD: dict[type[ast.operator], tuple[type[ast.operator], ...]] = {
    ast.Add: (ast.Sub, ast.Mult, ast.Div),
    ast.Sub: (ast.Add, ast.Mult, ast.Div),
    ast.Mult: (ast.Div, ast.Add, ast.Sub),
    ast.Div: (ast.Mult, ast.Add, ast.Sub),
    ast.FloorDiv: (ast.Div, ast.Mult, ast.Mod),
    ast.Mod: (ast.FloorDiv, ast.Mult),
    ast.Pow: (ast.Mult, ast.Div),
    ast.MatMult: (ast.Mult,),
    ast.BitAnd: (ast.BitOr,),
    ast.BitOr: (ast.BitAnd,),
}
ORDERED = (ast.Lt, ast.LtE, ast.Gt, ast.GtE, ast.Eq, ast.NotEq)
OPPOSITE: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}
FUNCTIONS = {  # functions and methods that are easily taken for one another
    "add": "subtract",
    "subtract": "add",
    "multiply": "divide",
    "divide": "multiply",
    "sum": "mean",
    "mean": "sum",
    "max": "min",
    "min": "max",
    "maximum": "minimum",
    "minimum": "maximum",
    "prod": "sum",
    "sqrt": "square",
    "square": "sqrt",
    "exp": "log",
    "log": "exp",
    "sin": "cos",
    "cos": "sin",
    "sinh": "cosh",
    "cosh": "sinh",
    "argmax": "argmin",
    "argmin": "argmax",
    "cumsum": "cumprod",
    "zeros_like": "ones_like",
    "ones_like": "zeros_like",
    "tile": "repeat",
    "repeat": "tile",
    "floor": "ceil",
    "ceil": "floor",
}
SYMMETRIC = {"min", "max", "minimum", "maximum", "add", "multiply", "swapaxes"}
UNSIGNED = {"empty_like", "zeros_like"}  # −0 is 0, and what is written over has no sign
PLUMBING = {"tuple", "list", "len", "range", "zip", "enumerate", "slice", "reversed", "isinstance", "next", "iter"}
SHAPING = {"axis", "keepdims", "shape", "dtype", "order", "out", "axes", "initial", "where"}
VALUES = (ast.BinOp, ast.Call, ast.Name, ast.Subscript, ast.Attribute)


def but(node: Any, **changes: Any) -> Any:
    """A copy of `node` with some fields replaced."""
    changed = copy.copy(node)
    for name, value in changes.items():
        setattr(changed, name, value)
    return changed


def negative(node: ast.expr) -> ast.expr:
    return ast.UnaryOp(ast.USub(), node)


def plus(node: ast.expr, step: int) -> ast.expr:
    return ast.BinOp(node, ast.Add() if step > 0 else ast.Sub(), ast.Constant(abs(step)))


def edited(parts: list[Any], i: int, *new: Any) -> list[Any]:
    """`parts` with the one at `i` replaced by `new`, or left out."""
    return [*parts[:i], *new, *parts[i + 1 :]]


def exchanged(parts: list[Any]) -> Iterator[list[Any]]:
    """`parts` with two neighbours exchanged, for every such pair that differs."""
    for i, (a, b) in enumerate(pairwise(parts)):
        if not isinstance(a, ast.Starred) and not isinstance(b, ast.Starred) and ast.dump(a) != ast.dump(b):
            yield [*parts[:i], b, a, *parts[i + 2 :]]


def arithmetic(node: Any) -> Iterator[ast.AST]:
    """Another operator."""
    if isinstance(node, (ast.BinOp, ast.AugAssign)):
        for other in INSTEAD.get(type(node.op), ()):
            yield but(node, op=other())


def dropped_term(node: Any) -> Iterator[ast.AST]:
    """One of two operands alone."""
    if isinstance(node, ast.BinOp):
        yield node.left
        yield node.right


def swapped_operands(node: Any) -> Iterator[ast.AST]:
    """The operands in the other order, where that matters."""
    if isinstance(node, ast.BinOp) and not isinstance(node.op, (ast.Add, ast.Mult, ast.BitAnd, ast.BitOr)):
        yield but(node, left=node.right, right=node.left)


def sign(node: Any) -> Iterator[ast.AST]:
    """A sign or complement too few; a sign too many on the first term of a sum or on a result."""
    if isinstance(node, ast.UnaryOp):
        yield node.operand
    elif isinstance(node, ast.BinOp) and isinstance(node.op, (ast.Add, ast.Sub)):
        yield but(node, left=negative(node.left))
    elif isinstance(node, (ast.Assign, ast.Return)) and node.value is not None:
        for value in _one_negative(node.value):
            yield but(node, value=value)
    elif isinstance(node, ast.GeneratorExp):
        for value in _one_negative(node.elt):
            yield but(node, elt=value)


def _one_negative(node: ast.expr) -> Iterator[ast.expr]:
    """A value made negative: one of a tuple, or that of one branch."""
    if isinstance(node, VALUES) and getattr(getattr(node, "func", None), "attr", "") not in UNSIGNED:
        yield negative(node)
    elif isinstance(node, ast.IfExp):
        yield from (but(node, body=value) for value in _one_negative(node.body))
        yield from (but(node, orelse=value) for value in _one_negative(node.orelse))
    elif isinstance(node, ast.Tuple):
        for i, part in enumerate(node.elts):
            yield from (but(node, elts=edited(node.elts, i, value)) for value in _one_negative(part))


def constant(node: Any) -> Iterator[ast.AST]:
    """A number one larger, one smaller, or zero; true for false."""
    if isinstance(node, ast.Constant) and isinstance(node.value, bool):
        yield ast.Constant(not node.value)
    elif isinstance(node, ast.Constant) and isinstance(node.value, (int, float)):
        for value in dict.fromkeys((node.value + 1, node.value - 1, 0)):
            if value != node.value:
                yield ast.Constant(value) if value >= 0 else negative(ast.Constant(-value))


def transpose(node: Any) -> Iterator[ast.AST]:
    """A transposition too few, or one too many on a factor of a matrix product."""
    if isinstance(node, ast.Attribute) and node.attr in ("T", "mT"):
        yield node.value
    elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.MatMult):
        yield but(node, left=ast.Attribute(node.left, "T", ast.Load()))
        yield but(node, right=ast.Attribute(node.right, "T", ast.Load()))


def dropped_call(node: Any) -> Iterator[ast.AST]:
    """What a function or method is applied to, in place of what it makes of it."""
    if not isinstance(node, ast.Call) or not isinstance(node.func, (ast.Name, ast.Attribute)):
        return
    if isinstance(node.func, ast.Name) and node.func.id in PLUMBING:
        return
    if isinstance(node.func, ast.Attribute) and not is_namespace(node.func.value):
        yield node.func.value
    elif node.args and not isinstance(node.args[0], ast.Starred):
        yield node.args[0]


def is_namespace(node: ast.expr) -> bool:
    """`np`, `math`, `self`, `ctx`, and what is found in them."""
    if isinstance(node, ast.Attribute):
        return is_namespace(node.value)
    return isinstance(node, ast.Name) and node.id in ("np", "math", "self", "ctx", "cls")


def swapped_arguments(node: Any) -> Iterator[ast.AST]:
    """Two neighbouring arguments in the other order: axes, sizes, or which array is which."""
    if isinstance(node, ast.Call) and getattr(node.func, "attr", getattr(node.func, "id", "")) not in SYMMETRIC:
        for args in exchanged(node.args):
            yield but(node, args=args)


def keywords(node: Any) -> Iterator[ast.AST]:
    """An axis, a shape or a dtype not given; another axis; a part missing from a tuple of them."""
    if not isinstance(node, ast.Call):
        return
    for i, given in enumerate(node.keywords):
        if given.arg not in SHAPING:
            continue
        yield but(node, keywords=edited(node.keywords, i))
        for value in _other_values(given):
            yield but(node, keywords=edited(node.keywords, i, but(given, value=value)))


def _other_values(given: ast.keyword) -> Iterator[ast.expr]:
    if isinstance(given.value, ast.Tuple):
        for i in range(len(given.value.elts)):
            yield but(given.value, elts=edited(given.value.elts, i))
    elif given.arg == "axis" and not isinstance(given.value, (ast.Constant, ast.UnaryOp)):
        yield ast.Constant(0)
        yield negative(ast.Constant(1))


def function(node: Any) -> Iterator[ast.AST]:
    """A function that is easily taken for the right one."""
    if isinstance(node, ast.Attribute) and node.attr in FUNCTIONS:
        yield but(node, attr=FUNCTIONS[node.attr])
    elif isinstance(node, ast.Name) and node.id in ("min", "max", "sum"):
        yield but(node, id={"min": "max", "max": "min", "sum": "max"}[node.id])


def index(node: Any) -> Iterator[ast.AST]:
    """An index left out; a bound left out, moved by one, or taken for the other."""
    if isinstance(node, ast.Subscript) and (isinstance(node.ctx, ast.Load) or not isinstance(node.value, ast.Call)):
        yield node.value
    elif isinstance(node, ast.Slice):
        for bound in ("lower", "upper", "step"):
            old = getattr(node, bound)
            if old is not None:
                yield but(node, **{bound: None})
            if old is not None and not isinstance(old, (ast.Constant, ast.UnaryOp)):
                yield but(node, **{bound: plus(old, 1)})
                yield but(node, **{bound: plus(old, -1)})
        if node.lower is not node.upper:
            yield but(node, lower=node.upper, upper=node.lower)
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("range", "slice"):
        for i, step in ((i, step) for i in range(len(node.args)) for step in (1, -1)):
            yield but(node, args=edited(node.args, i, plus(node.args[i], step)))


def comparison(node: Any) -> Iterator[ast.AST]:
    """Another comparison."""
    if isinstance(node, ast.Compare) and len(node.ops) == 1:
        old = type(node.ops[0])
        others = [OPPOSITE[old]] if old in OPPOSITE else [other for other in ORDERED if other is not old]
        for other in others:
            yield but(node, ops=[other()])


def condition(node: Any) -> Iterator[ast.AST]:
    """A condition the wrong way round, never met or always met; `or` for `and`; part of it forgotten.

    A gradient that is None unless asked for may always be computed: `a if needs else None` does not become `a`.
    """
    if isinstance(node, ast.BoolOp):
        yield but(node, op=ast.Or() if isinstance(node.op, ast.And) else ast.And())
        yield from node.values
    elif isinstance(node, (ast.If, ast.IfExp)):
        if isinstance(node.test, ast.UnaryOp) and isinstance(node.test.op, ast.Not):
            yield but(node, test=node.test.operand)
        elif not isinstance(node.test, ast.Compare):
            yield but(node, test=ast.UnaryOp(ast.Not(), node.test))
        yield but(node, test=ast.Constant(False))
        if not (isinstance(node, ast.IfExp) and ast.unparse(node.orelse) == "None"):
            yield but(node, test=ast.Constant(True))
    elif isinstance(node, ast.comprehension):
        for i in range(len(node.ifs)):
            yield but(node, ifs=edited(node.ifs, i))


def swapped_results(node: Any) -> Iterator[ast.AST]:
    """Two neighbours of a tuple in the other order."""
    if isinstance(node, (ast.Tuple, ast.List)) and isinstance(node.ctx, ast.Load):
        for elts in exchanged(node.elts):
            yield but(node, elts=elts)


def statement(node: Any) -> Iterator[ast.AST]:
    """A statement forgotten, where the names it sets exist without it; a sum overwritten in place of added to."""
    if isinstance(node, ast.AugAssign):
        yield ast.Pass()
        yield ast.Assign([node.target], node.value, lineno=node.lineno)
    elif isinstance(node, ast.Expr) or (isinstance(node, ast.Assign) and _sets_nothing_new(node)):
        yield ast.Pass()


def _sets_nothing_new(node: ast.Assign) -> bool:
    read = {part.id for part in ast.walk(node.value) if isinstance(part, ast.Name)}
    return all(isinstance(t, ast.Subscript) or getattr(t, "id", "") in read for t in node.targets)


def another_name(names: set[str]) -> Operator:
    """The operator that puts one variable in the place of another."""

    def another_name(node: Any) -> Iterator[ast.AST]:
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and node.id in names:
            for name in sorted(names - {node.id}):
                yield but(node, id=name)

    return another_name


def another_need(names: set[str]) -> Operator:
    """The operator that asks whether another gradient is needed."""

    def another_need(node: Any) -> Iterator[ast.AST]:
        if isinstance(node, ast.Attribute) and node.attr in names and ast.unparse(node.value) == "ctx.needs":
            for name in sorted(names - {node.attr}):
                yield but(node, attr=name)

    return another_need


OPERATORS: tuple[Operator, ...] = (
    arithmetic,
    dropped_term,
    swapped_operands,
    sign,
    constant,
    transpose,
    dropped_call,
    swapped_arguments,
    keywords,
    function,
    index,
    comparison,
    condition,
    swapped_results,
    statement,
)
