"""The syntax of `${...}`: Python's, of which little is understood, and where in the text each part of it is."""

from __future__ import annotations

import ast
import warnings
from functools import lru_cache

LONGEST, DEEPEST = 500, 64  # characters, levels
OPERATORS = (ast.Add, ast.Sub, ast.Mult, ast.Div, ast.FloorDiv, ast.Mod, ast.Pow)
COMPARISONS = (ast.Eq, ast.NotEq, ast.Lt, ast.LtE, ast.Gt, ast.GtE)
UNDERSTOOD = "an expression has numbers, strings, names, + - * / // % **, comparisons, and, or, not, a if b else c"
FOREIGN = {"&&": "write `and`", "||": "write `or`", "?": "write `a if condition else b`", "!": "write `not`, or `!=`",
           "=": "write `==` to compare", "^": "write `**` for a power"}  # fmt: skip


class ExpressionError(Exception):
    """What is wrong with an expression; `span` are the characters of it, from and up to, that the error is about."""

    def __init__(self, code: str, message: str, span: tuple[int, int], label: str = "", help: str = "") -> None:
        super().__init__(message)
        self.code, self.message, self.span, self.label, self.help = code, message, span, label, help


class Spans:
    """Where the nodes of a syntax tree are, in characters; Python counts bytes."""

    def __init__(self, text: str) -> None:
        self.shift = len(text) - len(text.lstrip())
        self.raw = text.strip().encode()

    def __call__(self, node: ast.AST) -> tuple[int, int]:
        start, end = (len(self.raw[:at].decode()) for at in (node.col_offset, node.end_col_offset))  # type: ignore[attr-defined]
        return start + self.shift, end + self.shift


@lru_cache(maxsize=1024)
def read(text: str) -> tuple[ast.expr, tuple[ast.expr, ...]]:
    """The syntax tree of an expression that can be evaluated, and the names in it; raises `ExpressionError`."""
    tree = _parse(text)
    _check(tree, Spans(text))
    return tree, tuple(_named(tree))


def _parse(text: str) -> ast.expr:
    whole = (0, len(text))
    if not text.strip():
        raise ExpressionError("E023", "`${}` is empty", whole, "nothing to work out", UNDERSTOOD)
    if len(text) > LONGEST:
        fact = f"an expression of {len(text):,} characters; the most is {LONGEST}"
        raise ExpressionError("E023", fact, (0, 1), "too long", "work it out in steps, in `vars`")
    if "\\" in text:
        at = text.index("\\")
        raise ExpressionError("E023", "an expression has no `\\`", (at, at + 1), "not understood", UNDERSTOOD)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(text.strip().replace("\n", " "), filename="<expression>", mode="eval").body
    except SyntaxError as error:
        raise _syntax_error(error, text) from None
    except (ValueError, MemoryError, RecursionError):
        raise ExpressionError("E023", "an expression that is nested too deep", whole, "too deep") from None


def _syntax_error(error: SyntaxError, text: str) -> ExpressionError:
    if not error.offset:
        return ExpressionError("E023", "this expression ends too soon", (len(text), len(text) + 1), "more is needed")
    start = min(error.offset - 1 + len(text) - len(text.lstrip()), len(text))
    end = start + max((error.end_offset or 0) - error.offset, 1)
    near = text[max(0, start - 1) : end + 1]
    help = next((words for sign, words in FOREIGN.items() if sign in near), UNDERSTOOD)
    message = error.msg.partition(". ")[0].partition(" (")[0]
    return ExpressionError("E023", f"this is not an expression: {message}", (start, end), "here", help)


def _check(tree: ast.expr, spans: Spans) -> None:
    """Refuse everything that is not understood, and what is nested too deep."""
    level: list[ast.AST] = [tree]
    for _ in range(DEEPEST):
        for node in level:
            if not _understood(node):
                raise ExpressionError(
                    "E023", f"{_called(node)} in an expression", spans(node), "not understood", UNDERSTOOD
                )
        level = [part for node in level if not isinstance(node, ast.Attribute) for part in _parts(node)]
        if not level:
            return
    raise ExpressionError("E023", "an expression that is nested too deep", spans(tree), "too deep")


def _parts(node: ast.AST) -> list[ast.AST]:
    return [part for part in ast.iter_child_nodes(node) if isinstance(part, ast.expr)]


def _understood(node: ast.AST) -> bool:
    if isinstance(node, ast.Attribute):
        return isinstance(node.value, ast.Name) or (isinstance(node.value, ast.Attribute) and _understood(node.value))
    if isinstance(node, ast.Constant):
        return node.value is None or isinstance(node.value, (bool, int, float, str))
    if isinstance(node, ast.BinOp):
        return isinstance(node.op, OPERATORS)
    if isinstance(node, ast.UnaryOp):
        return not isinstance(node.op, ast.Invert)
    if isinstance(node, ast.Compare):
        return all(isinstance(op, COMPARISONS) for op in node.ops)
    return isinstance(node, (ast.Name, ast.BoolOp, ast.IfExp))


def _called(node: ast.AST) -> str:
    """What a user calls a part of an expression that is not understood."""
    if isinstance(node, ast.Call):
        return "a call"
    if isinstance(node, (ast.List, ast.Tuple, ast.Dict, ast.Set)):
        return "a list or map"
    if isinstance(node, ast.Subscript):
        return "`[...]`"
    if isinstance(node, (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp, ast.Lambda, ast.NamedExpr)):
        return "a loop or a function"
    if isinstance(node, ast.JoinedStr):
        return "an f-string"
    return "something that does not compute a value"


def _named(tree: ast.expr) -> list[ast.expr]:
    """The names in a tree, each `data.classes` as one."""
    found: list[ast.expr] = []
    waiting: list[ast.AST] = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, (ast.Name, ast.Attribute)):
            found.append(node)
        else:
            waiting += reversed(_parts(node))
    return found


def dotted(node: ast.expr) -> str:
    """`data.classes` as it is written."""
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""
