"""A definition with only what evaluation needs: no annotations, no backward, nothing that is there for training."""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence

from .edit import Code, Edit

CONTRACT = frozenset({"backward", "params", "examples", "validate", "result"})  # of a block, besides its `forward`


def trimmed(text: str, used: frozenset[str], block: bool = False, many: str | None = None, saved: bool = False) -> str:
    """A module-level definition without what nobody needs.

    `used` are the names of all attributes that are used anywhere: a class keeps those members alone. `forward` of a
    `block`, whose `*xs` are called `many`, returns the outputs and not what is saved, unless that is wanted.
    """
    text = _in_evaluation(_without_annotations(_members(text, used, block)), many)
    while (folded := _folded(text)) != text:
        text = folded
    return re.sub(r"\n{3,}", "\n\n", _without_saved(text) if block and not saved else text).strip("\n") + "\n"


def gives_pairs(text: str) -> bool:
    """Whether `forward` of a class says at each of its ends what are outputs and what is saved."""
    forward = forward_of(Code(text))
    return forward is None or all(_is_pair(r.value) for r in _returns(forward))


def forward_of(code: Code) -> ast.FunctionDef | None:
    """The method `forward` of a class."""
    (cls,) = code.tree.body
    members = cls.body if isinstance(cls, ast.ClassDef) else []
    return next((n for n in members if isinstance(n, ast.FunctionDef) and n.name == "forward"), None)


def _members(text: str, used: frozenset[str], block: bool) -> str:
    """A class without the members that nobody names, and without the annotations of fields."""
    code = Code(text)
    (cls,) = code.tree.body
    if not isinstance(cls, ast.ClassDef):
        return text
    edits = []
    for statement in cls.body:
        if isinstance(statement, ast.FunctionDef):
            name = statement.name
            special = name.startswith("__") and name.endswith("__")
            if not special and (name not in used or (block and name in CONTRACT)):
                edits.append(code.without(statement))
        elif isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
            if block and (statement.value is None or statement.target.id not in used):
                edits.append(code.without(statement))
            elif block:
                edits.append(Edit(code.end(statement.target), code.end(statement.annotation)))
            else:
                edits.append(code.replace(statement.annotation, "object"))
        elif isinstance(statement, ast.Assign) and not any(
            isinstance(n, ast.Name) and n.id in used for target in statement.targets for n in ast.walk(target)
        ):
            edits.append(code.without(statement))
    return code.edited(edits)


def _without_annotations(text: str) -> str:
    """Functions without annotations; `x: int = 1` in them is `x = 1`."""
    code = Code(text)
    edits = []
    for node in ast.walk(code.tree):
        if isinstance(node, ast.arg) and node.annotation is not None:
            edits.append(Edit(code.start(node) + len(node.arg), code.end(node)))
        if isinstance(node, ast.FunctionDef):
            edits += _signature(code, node)
            inside = [n for statement in node.body for n in ast.walk(statement) if isinstance(n, ast.AnnAssign)]
            edits += [
                Edit(code.end(n.target), code.end(n.annotation)) if n.value else code.replace(n, "pass") for n in inside
            ]
    if isinstance(code.tree.body[0], ast.AnnAssign):
        edits.append(Edit(code.end(code.tree.body[0].target), code.end(code.tree.body[0].annotation)))
    return code.edited(edits)


def _signature(code: Code, node: ast.FunctionDef) -> list[Edit]:
    """No `-> X`, and `x: int = 1` as `x=1`."""
    edits = []
    if node.returns is not None:
        arrow = code.text.rindex("->", 0, code.start(node.returns))
        edits.append(Edit(len(code.text[:arrow].rstrip()), code.end(node.returns)))
    given = node.args
    positional = [*given.posonlyargs, *given.args]
    pairs = [*zip(positional[len(positional) - len(given.defaults) :], given.defaults, strict=True)]
    pairs += [(a, d) for a, d in zip(given.kwonlyargs, given.kw_defaults, strict=True) if d is not None]
    edits += [Edit(code.end(a), code.start(d), "=") for a, d in pairs if a.annotation is not None]
    return edits


def _in_evaluation(text: str, many: str | None) -> str:
    """`ctx.training` and `ctx.needs.x` as what they are in evaluation: False."""
    code = Code(text)
    edits = []
    for node in ast.walk(code.tree):
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load):
            of = ast.unparse(node.value)
            if of == "ctx.needs":
                edits.append(code.replace(node, f"(False,) * len({many})" if node.attr == many else "False"))
            elif of == "ctx" and node.attr == "training":
                edits.append(code.replace(node, "False"))
    return code.edited(edits)


def _known(test: ast.expr) -> bool | None:
    """What a condition always is; None if that depends."""
    if isinstance(test, ast.Constant) and isinstance(test.value, bool):
        return test.value
    if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        inner = _known(test.operand)
        return None if inner is None else not inner
    if isinstance(test, ast.BoolOp):
        parts = [_known(value) for value in test.values]
        decisive = isinstance(test.op, ast.Or)
        return decisive if decisive in parts else None if None in parts else not decisive
    return None


def _folded(text: str) -> str:
    """`text` with the first condition decided whose value is known; as it is where there is none."""
    code = Code(text)
    for node in ast.walk(code.tree):
        if isinstance(node, ast.IfExp) and (truth := _known(node.test)) is not None:
            chosen = node.body if truth else node.orelse
            return code.edited([code.replace(node, _alone(code, chosen))])
        for field in ("body", "orelse"):
            body = getattr(node, field, None)
            for i, statement in enumerate(body if isinstance(body, list) else ()):
                written = isinstance(statement, ast.If) and not code.of(statement).startswith("elif")
                if written and (truth := _known(statement.test)) is not None:
                    return _decided(code, body, i, truth)  # type: ignore[arg-type]
    return text


def _decided(code: Code, body: list[ast.stmt], i: int, truth: bool) -> str:
    """A block of statements in which the condition `i` is `truth`; what follows a return is left out."""
    statement = body[i]
    assert isinstance(statement, ast.If)
    kept = statement.body if truth else statement.orelse
    after = body[i + 1 :] if kept and isinstance(kept[-1], (ast.Return, ast.Raise)) else []
    begin, end = code.line(statement.lineno), code.line((after or [statement])[-1].end_lineno + 1)  # type: ignore[operator]
    indent = " " * statement.col_offset
    if not kept:
        return code.edited([Edit(begin, end, f"{indent}pass\n" if len(body) == 1 else "")])
    lines = code.text[code.line(kept[0].lineno) : code.line(kept[-1].end_lineno + 1)].splitlines(keepends=True)  # type: ignore[operator]
    deeper = kept[0].col_offset - statement.col_offset
    if lines[0].lstrip().startswith("elif"):
        lines[0], deeper = lines[0].replace("elif", "if", 1), 0
    if kept[0].lineno == statement.lineno:  # if x: y
        lines, deeper = [indent + code.text[code.start(kept[0]) : code.line(statement.lineno + 1)]], 0
    return code.edited([Edit(begin, end, "".join(line[min(deeper, len(line) - 1) :] for line in lines))])


def _without_saved(text: str) -> str:
    """`forward` with its outputs alone."""
    code = Code(text)
    forward = forward_of(code)
    edits = []
    for end in _returns(forward) if forward else ():
        assert isinstance(end.value, ast.Tuple)
        outputs = _alone(code, end.value.elts[0])
        several = isinstance(end.value.elts[0], ast.Tuple) and outputs[0] == "(" and "\n" not in outputs
        edits.append(code.replace(end.value, outputs[1:-1] if several and outputs != "()" else outputs))
    return code.edited(edits)


def unheard(text: str, deaf: frozenset[str], cut: bool) -> tuple[str, bool]:
    """A function, or a class with a `forward`, and whether this does without the `ctx` that it takes.

    `deaf` are functions that are called without theirs. If `cut`, this one no longer takes it.
    """
    code = Code(text)
    calls = [n for n in ast.walk(code.tree) if isinstance(n, ast.Call) and getattr(n.func, "id", None) in deaf]
    code = Code(code.edited([_first(code, call.args, call.keywords) for call in calls]))
    statement = code.tree.body[0]
    function = forward_of(code) or statement
    if not isinstance(function, ast.FunctionDef):
        return code.text, False
    given = function.args.args[function is not statement :]
    named = given and (function is not statement or given[0].arg == "ctx")
    if not named or any(isinstance(n, ast.Name) and n.id == given[0].arg for n in ast.walk(function)):
        return code.text, False
    if cut and function is not statement:
        return code.edited([Edit(code.end(function.args.args[0]), code.end(given[0]))]), True
    return code.edited([_first(code, given, [])]) if cut else code.text, True


def called_only(tree: ast.AST, name: str) -> bool:
    """Whether a function is nowhere used but to be called, with its first argument in its place."""
    names = [n for n in ast.walk(tree) if isinstance(n, ast.Name) and n.id == name]
    calls = [n for n in ast.walk(tree) if isinstance(n, ast.Call) and getattr(n.func, "id", None) == name]
    return len(names) == len(calls) and all(n.args and not isinstance(n.args[0], ast.Starred) for n in calls)


def _first(code: Code, arguments: Sequence[ast.AST], others: Sequence[ast.AST]) -> Edit:
    """Drop the first of the arguments, with the comma after it if it is not alone."""
    after = [*arguments[1:], *others]
    return Edit(code.start(arguments[0]), code.start(after[0]) if after else code.end(arguments[0]))


def _alone(code: Code, node: ast.expr) -> str:
    """The text of an expression, in parentheses if it would not hold together without those around it."""
    text = code.of(node)
    return f"({text})" if isinstance(node, ast.NamedExpr) or ("\n" in text and text[0] not in "([{") else text


def _is_pair(value: ast.expr | None) -> bool:
    return isinstance(value, ast.Tuple) and len(value.elts) == 2


def _returns(function: ast.FunctionDef) -> list[ast.Return]:
    """The return statements of a function itself, and not of those inside it."""
    found: list[ast.Return] = []
    waiting: list[ast.AST] = list(function.body)
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Return):
            found.append(node)
        elif not isinstance(node, (ast.FunctionDef, ast.Lambda, ast.ClassDef)):
            waiting += ast.iter_child_nodes(node)
    return found
