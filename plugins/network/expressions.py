"""Expressions `${...}`: of Python's syntax, what computes a number, a text or a choice; nothing else is evaluated."""

from __future__ import annotations

import ast
import math
import operator
from collections.abc import Callable
from typing import Any, Protocol

from blockrun.core.options import show

from .document import BROKEN
from .expression_syntax import ExpressionError, Spans, dotted, read

LONGEST_TEXT = 1_000  # characters of a result
INT_BITS = 64
CONSTANTS = {"true": True, "false": False, "null": None}
ARITHMETIC: dict[type, tuple[str, Callable[[Any, Any], Any]]] = {
    ast.Add: ("+", operator.add),
    ast.Sub: ("-", operator.sub),
    ast.Mult: ("*", operator.mul),
    ast.Div: ("/", operator.truediv),
    ast.FloorDiv: ("//", operator.floordiv),
    ast.Mod: ("%", operator.mod),
    ast.Pow: ("**", operator.pow),
}
COMPARISON: dict[type, tuple[str, Callable[[Any, Any], Any]]] = {
    ast.Eq: ("==", operator.eq),
    ast.NotEq: ("!=", operator.ne),
    ast.Lt: ("<", operator.lt),
    ast.LtE: ("<=", operator.le),
    ast.Gt: (">", operator.gt),
    ast.GtE: (">=", operator.ge),
}


class Names(Protocol):
    """What the names in an expression stand for. `span` is where the name is."""

    def known(self, name: str, span: tuple[int, int]) -> bool:
        """Whether there is such a name; complains if not."""

    def value(self, name: str, span: tuple[int, int]) -> Any:
        """The value of a known name; `BROKEN`, after a complaint, if it cannot be made out."""


def evaluate(text: str, names: Names) -> Any:
    """The value of the expression `text`; `BROKEN` if that of a name is. Raises `ExpressionError`.

    All names must be known, those of a branch that is not taken too.
    """
    (tree, named), spans = read(text), Spans(text)
    known = [names.known(name, spans(node)) for node in named if (name := dotted(node)) not in CONSTANTS]
    if not all(known):
        return BROKEN
    return _Evaluation(names, spans).of(tree)


class _Evaluation:
    """Works out a tree that `read` has let pass."""

    def __init__(self, names: Names, spans: Spans) -> None:
        self.names = names
        self.spans = spans

    def of(self, node: ast.expr) -> Any:
        if isinstance(node, ast.Constant):
            return self._bounded(node.value, node)
        if isinstance(node, (ast.Name, ast.Attribute)):
            name = dotted(node)
            return CONSTANTS[name] if name in CONSTANTS else self.names.value(name, self.spans(node))
        if isinstance(node, ast.IfExp):
            test = self._truth(node.test, "`if`")
            return test if test is BROKEN else self.of(node.body if test else node.orelse)
        if isinstance(node, ast.BoolOp):
            return self._bool_op(node)
        if isinstance(node, ast.UnaryOp):
            return self._unary(node)
        return self._compare(node) if isinstance(node, ast.Compare) else self._binary(node)  # type: ignore[arg-type]

    def _fail(self, node: ast.expr, message: str, label: str = "", help: str = "") -> ExpressionError:
        return ExpressionError("E025", message, self.spans(node), label, help)

    def _truth(self, node: ast.expr, word: str) -> Any:
        value = self.of(node)
        if value is BROKEN or isinstance(value, bool):
            return value
        help = "compare it, as in `n > 0`" if _is_number(value) else ""
        raise self._fail(node, f"{word} needs true or false; this is {_shown(value)}", "neither", help)

    def _bool_op(self, node: ast.BoolOp) -> Any:
        stops = isinstance(node.op, ast.Or)
        value: Any = not stops
        for part in node.values:
            value = self._truth(part, "`or`" if stops else "`and`")
            if value is BROKEN or value is stops:
                return value
        return value

    def _unary(self, node: ast.UnaryOp) -> Any:
        if isinstance(node.op, ast.Not):
            value = self._truth(node.operand, "`not`")
            return value if value is BROKEN else not value
        value = self.of(node.operand)
        if value is BROKEN:
            return value
        if not _is_number(value):
            raise self._fail(node.operand, f"a sign stands before a number; this is {_shown(value)}", "not a number")
        return self._bounded(-value if isinstance(node.op, ast.USub) else value, node)

    def _compare(self, node: ast.Compare) -> Any:
        values = [self.of(part) for part in (node.left, *node.comparators)]
        if any(value is BROKEN for value in values):
            return BROKEN
        for op, a, b in zip(node.ops, values, values[1:], strict=False):
            sign, compare = COMPARISON[type(op)]
            if not isinstance(op, (ast.Eq, ast.NotEq)) and not _alike(a, b):
                fact = f"`{sign}` compares two numbers, or two strings; here are {_shown(a)} and {_shown(b)}"
                raise self._fail(node, fact, "cannot be compared")
            if not compare(a, b):
                return False
        return True

    def _binary(self, node: ast.BinOp) -> Any:
        a, b = self.of(node.left), self.of(node.right)
        if a is BROKEN or b is BROKEN:
            return BROKEN
        sign, compute = ARITHMETIC[type(node.op)]
        if not (_alike(a, b) and (sign == "+" or _is_number(a))):
            raise self._unlike(node, sign, a, b)
        if sign in ("/", "//", "%") and b == 0:
            raise self._fail(node.right, f"{_shown(a)} {sign} 0: division by zero", "this is 0")
        if sign == "**" and _is_vast(a, b):
            raise self._fail(node, f"{_shown(a)} ** {_shown(b)} does not fit in 64 bits", "too large")
        try:
            return self._bounded(compute(a, b), node)
        except OverflowError:
            raise self._fail(node, f"{_shown(a)} {sign} {_shown(b)} does not fit in 64 bits", "too large") from None
        except ZeroDivisionError:
            raise self._fail(node, f"0 ** {_shown(b)}: division by zero", "a negative power of 0") from None

    def _unlike(self, node: ast.BinOp, sign: str, a: Any, b: Any) -> ExpressionError:
        both = "two numbers, or two strings" if sign == "+" else "two numbers"
        mixed = isinstance(a, str) or isinstance(b, str)
        help = 'to put a number into text, write `"text${...}"`' if mixed else ""
        fact = f"`{sign}` takes {both}; here are {_shown(a)} and {_shown(b)}"
        return self._fail(node, fact, "cannot be computed", help)

    def _bounded(self, value: Any, node: ast.expr) -> Any:
        """`value`, if the file itself could have held it."""
        if isinstance(value, complex):
            raise self._fail(node, "the power of a negative number is not a real number", "has no value")
        if isinstance(value, int) and not -(2**63) <= value < 2**63:
            raise self._fail(node, "this integer does not fit in 64 bits", "too large")
        if isinstance(value, float) and not math.isfinite(value):
            raise self._fail(node, "this number does not fit in 64 bits", "not finite")
        if isinstance(value, str) and len(value) > LONGEST_TEXT:
            raise self._fail(node, f"a text of more than {LONGEST_TEXT:,} characters", "too long")
        return value


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _alike(a: Any, b: Any) -> bool:
    return (_is_number(a) and _is_number(b)) or (isinstance(a, str) and isinstance(b, str))


def _is_vast(base: Any, exponent: Any) -> bool:
    """Whether the power of two integers is beyond doubt too large, told without computing it."""
    return isinstance(base, int) and isinstance(exponent, int) and abs(base) > 1 and exponent > INT_BITS


def _shown(value: Any) -> str:
    return "a list" if isinstance(value, list) else "a map" if isinstance(value, dict) else show(value)
