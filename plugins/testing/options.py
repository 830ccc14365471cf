"""Instances of a block to try when its author gives none: options within their declared types and ranges."""

from __future__ import annotations

import itertools
import types
from collections.abc import Iterator
from dataclasses import MISSING
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from blockrun.core import Block
from blockrun.core.options import fit, option_defaults

MOST_TRIED = 200  # combinations of required options before giving up


def instances(cls: type[Block]) -> Iterator[Block]:
    """First one instance with every default, then one for each other value of a choice, everything else the same.

    Yields nothing if no combination of plausible values is accepted.
    """
    defaults = option_defaults(cls)
    base = _first_accepted(cls, [name for name, value in defaults.items() if value is MISSING])
    if base is None:
        return
    yield base
    given = {name: getattr(base, name) for name in cls.option_types}
    for name, hint in cls.option_types.items():
        for value in plausible(hint) if defaults[name] is MISSING or is_choice(hint) else ():
            block = _build(cls, {**given, name: value})
            if block is not None and block != base:
                yield block


def _first_accepted(cls: type[Block], required: list[str]) -> Block | None:
    choices = itertools.product(*(plausible(cls.option_types[name]) for name in required))
    tried = (_build(cls, dict(zip(required, values, strict=True))) for values in itertools.islice(choices, MOST_TRIED))
    return next((block for block in tried if block is not None), None)


def _build(cls: type[Block], options: dict[str, Any]) -> Block | None:
    try:
        return cls(**options)
    except (TypeError, ValueError):
        return None


def is_choice(hint: Any) -> bool:
    """Whether the values of `hint` can be listed: true and false, or a `Literal`."""
    return hint is bool or get_origin(hint) is Literal or any(is_choice(part) for part in _alternatives(hint))


def plausible(hint: Any) -> list[Any]:
    """A few small values that `hint` accepts; none for what cannot be guessed, such as a string."""
    return [value for value in _guesses(hint) if _accepted(value, hint)]


def _guesses(hint: Any) -> list[Any]:
    origin, args = get_origin(hint), get_args(hint)
    if origin is Annotated:
        bounds = [b for limit in args[1:] for b in _around(limit)]
        return [*_guesses(args[0]), *bounds]
    if origin is Literal:
        return list(args)
    if origin is tuple:
        sizes = [_guesses(a)[:3] for a in args if a is not Ellipsis]
        return [tuple(values) for values in itertools.product(*(sizes * 2 if Ellipsis in args else sizes))]
    known: dict[Any, list[Any]] = {
        bool: [True, False],
        int: [2, 3, 1, 0, -1],
        float: [0.5, 1.5, 0.0, -0.5],
        type(None): [None],
    }
    return known[hint] if hint in known else [value for part in _alternatives(hint) for value in _guesses(part)]


def _alternatives(hint: Any) -> tuple[Any, ...]:
    return get_args(hint) if get_origin(hint) in (Union, types.UnionType) else ()


def _around(limit: Any) -> list[Any]:
    """Values on the inside of a bound of `annotated-types`."""
    low = [v for key in ("ge", "gt") if (v := getattr(limit, key, None)) is not None]
    high = [v for key in ("le", "lt") if (v := getattr(limit, key, None)) is not None]
    multiple = getattr(limit, "multiple_of", None)
    return [v + 1 for v in low] + [v - 1 for v in high] + low + high + ([multiple, 2 * multiple] if multiple else [])


def _accepted(value: Any, hint: Any) -> bool:
    try:
        fit("option", value, hint)
    except ValueError:
        return False
    return True
