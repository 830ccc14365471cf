"""Everything there is to say about one block, as data and as text."""

from __future__ import annotations

import inspect
import json
from dataclasses import MISSING
from typing import Any

import numpy as np

from blockrun.core import Block, Spec
from blockrun.core.options import describe, option_defaults
from blockrun.plugins.testing.cases import Case
from blockrun.plugins.testing.certificate import describe_certificate, find_certificate
from blockrun.plugins.testing.examples import find_cases
from blockrun.plugins.testing.options import plausible

from .text import columns

Page = dict[str, Any]


def describe_block(cls: type[Block], entry: dict[str, str]) -> Page:
    """The page of a block; `entry` says under which name it goes and who provides it."""
    case = _example(cls)
    subject = case.block if case else cls
    return {
        **entry,
        "file": inspect.getsourcefile(cls),
        "doc": inspect.getdoc(cls) or "",
        "options": options_of(cls),
        "inputs": _inputs(cls, case),
        "outputs": _plain(subject, "outputs"),
        "differentiable": hasattr(cls, "backward"),
        "shapes": _plain(subject, "shapes"),
        "formula": _plain(subject, "formula"),
        "gradients": _plain(subject, "gradients"),
        "yaml": smallest_yaml(cls, entry["name"], case),
        "certificate": find_certificate(cls, entry["name"]),
    }


def _example(cls: type[Block]) -> Case | None:
    """The first case that the checks would use; None if there is none or the author's own raises."""
    try:
        return find_cases(cls, np.random.default_rng(0)).cases[0]
    except Exception:  # a block that is broken has a page all the same
        return None


def _plain(subject: Any, attribute: str) -> Any:
    value = getattr(subject, attribute)
    return None if isinstance(value, property) else value


def options_of(cls: Any) -> list[dict[str, Any]]:
    """Name, kind and default of every option of a component."""
    rows = []
    for name, default in option_defaults(cls).items():
        row = {"name": name, "type": describe(cls.option_types[name]), "required": default is MISSING}
        rows.append(row if default is MISSING else {**row, "default": default})
    return rows


def _inputs(cls: type[Block], case: Case | None) -> list[dict[str, Any]]:
    """In the order of the signature; which of those that `params` makes are state is known from the example."""
    signature, state = cls.signature, case.updates if case else {}
    wishes = _wishes(case) if case else {}
    rows = []
    for name in signature.names:
        role = "state" if name in state else "parameter" if name in signature.made else "data"
        optional = name in signature.optional or (name in signature.made and name not in signature.required)
        gradient = role != "state" and name not in cls.nograd and hasattr(cls, "backward")
        many = name == signature.many
        row = {"name": name, "role": role, "optional": optional, "many": many, "gradient": gradient}
        rows.append(row | ({"init": wishes[name].init} if name in wishes else {}))
    return rows


def _wishes(case: Case) -> dict[str, Any]:
    """What the block of an example says of its parameters and state."""
    arrays = [None if name is None else case.arrays[name] for name in case.node.inputs]
    specs = [None if x is None else Spec(x.shape, x.dtype) for x in arrays]
    return dict(case.block.params(*specs)) if hasattr(case.block, "params") else {}


def _starts(init: Any) -> str:
    """Where a parameter starts, in words; "" where that is an array of the block's own."""
    if isinstance(init, dict):
        options = ", ".join(f"{key} {_starts(value)}" for key, value in init.items() if key != "name")
        return f"{init['name']} ({options})"
    if isinstance(init, (list, tuple)):
        return " ".join(map(_starts, init))
    return str(init) if isinstance(init, (str, int, float)) else ""


def smallest_yaml(cls: type[Block], name: str, case: Case | None) -> str:
    """A node that works: the options that must be given, and the inputs if there is more than one."""
    signature = cls.signature
    values = {option: _value(cls, option, case) for option in _needed(cls, case)}
    wired = [input for input in signature.data if input not in signature.optional]
    if signature.many:
        wired += [f"{signature.many}1", f"{signature.many}2"]
    parts = [f"block: {name}"]
    if len(wired) > 1:
        parts.append(f"in: [{', '.join(wired)}]")
    parts += [f"{option}: {json.dumps(value, default=str)}" for option, value in values.items()]
    node = name.rpartition("/")[2]
    return f"{node}: {name}" if len(parts) == 1 else f"{node}: {{{', '.join(parts)}}}"


def _needed(cls: type[Block], case: Case | None) -> list[str]:
    """The options without a default; where the defaults do not go together, those that the example sets."""
    defaults = option_defaults(cls)
    required = [option for option, default in defaults.items() if default is MISSING]
    if case is None:
        return required
    try:
        cls(**{option: getattr(case.block, option) for option in required})
    except ValueError:
        return [option for option, default in defaults.items() if getattr(case.block, option) != default]
    return required


def _value(cls: type[Block], option: str, case: Case | None) -> Any:
    if case is not None:
        return getattr(case.block, option)
    return next(iter(plausible(cls.option_types[option])), "...")


def render(page: Page) -> str:
    """The page as text for a terminal."""
    sections = [
        f"{page['name']}    from {page['provider']}, {page['file']}",
        indented(page["doc"]),
        section("options", [option_row(option) for option in page["options"]]),
        section("inputs", [(_input_name(row), input_words(row)) for row in page["inputs"]]),
        section("outputs", [(name, "") for name in page["outputs"] or ["depend on the options"]]),
        section("shapes", [(page["shapes"],)] if page["shapes"] else []),
        section("formula", formula_rows(page)),
        "" if page["differentiable"] else "no backward: gradients stop here",
        section("checked", [(line,) for line in describe_certificate(page["certificate"])]),
        f"yaml\n  net:\n    {page['yaml']}",
    ]
    return "\n\n".join(section for section in sections if section)


def indented(text: str) -> str:
    return "\n".join(f"  {line}".rstrip() for line in text.split("\n")) if text else ""


def section(title: str, rows: list[tuple[str, ...]]) -> str:
    return "\n".join([title, *columns(rows)]) if rows else ""


def option_row(option: dict[str, Any]) -> tuple[str, ...]:
    default = "must be given" if option["required"] else json.dumps(option["default"], default=str)
    return option["name"], default, option["type"]


def _input_name(row: dict[str, Any]) -> str:
    return f"*{row['name']}" if row["many"] else str(row["name"])


def input_words(row: dict[str, Any]) -> str:
    starts = _starts(row.get("init"))
    words = [row["role"], "any number" if row["many"] else "", "optional" if row["optional"] else ""]
    words += [f"starts as {starts}"] if starts else []
    return ", ".join([*filter(None, words), *([] if row["gradient"] or row["role"] == "state" else ["no gradient"])])


def formula_rows(page: Page) -> list[tuple[str, ...]]:
    first = (page["outputs"] or ["y"])[0]
    rows = [(f"{first} =", page["formula"])] if page["formula"] else []
    return [*rows, *((f"d{name} =", gradient) for name, gradient in (page["gradients"] or {}).items())]
