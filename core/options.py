"""Options: what a user may set on a component, declared once as annotated fields and checked on the way in."""

from __future__ import annotations

import inspect
import operator
import types
from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, fields
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Union, dataclass_transform, get_args, get_origin, get_type_hints

import numpy as np

RESERVED = ("block", "use", "in", "params", "share", "repeat", "when", "freeze", "init")
LIMITS = {"ge": "at least", "gt": "greater than", "le": "at most", "lt": "less than", "multiple_of": "a multiple of"}
WITHIN: dict[str, Callable[[Any, Any], Any]] = {
    "ge": operator.ge,
    "gt": operator.gt,
    "le": operator.le,
    "lt": operator.lt,
    "multiple_of": lambda value, factor: value % factor == 0,
    "min_length": lambda value, count: len(value) >= count,
    "max_length": lambda value, count: len(value) <= count,
}
WORDS: dict[Any, str] = {
    int: "an integer",
    float: "a number",
    bool: "true or false",
    str: "a string",
    Path: "a path",
    type(None): "null",
}


class OptionError(TypeError, ValueError):
    """An option has the wrong type or is out of its range; `option` is its name."""

    def __init__(self, option: str, message: str) -> None:
        super().__init__(message)
        self.option = option


@dataclass_transform(frozen_default=True, kw_only_default=True)
class Options:
    """Base of everything with options: a subclass is by itself a frozen, keyword-only dataclass.

    Annotated fields are the options. Ranges are written with `annotated-types`, as in `Annotated[int, Ge(1)]`;
    lists become tuples, and integers become floats where a float is declared. Raises `OptionError`.
    """

    option_types: ClassVar[dict[str, Any]] = {}

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        _refuse_collisions(cls)
        dataclass(frozen=True, kw_only=True)(cls)
        hints = get_type_hints(cls, include_extras=True)
        cls.option_types = {field.name: hints[field.name] for field in fields(cls)}  # type: ignore[arg-type]

    def __post_init__(self) -> None:
        for name, hint in self.option_types.items():
            object.__setattr__(self, name, fit(name, getattr(self, name), hint))
        self.validate()

    def validate(self) -> None:
        """Refuse combinations of options that do not go together; raise `ValueError`. Overridden where needed."""


def _refuse_collisions(cls: type) -> None:
    for name, hint in inspect.get_annotations(cls).items():
        if "ClassVar" in str(hint):
            continue
        if name in RESERVED:
            raise TypeError(f"{cls.__name__}: option `{name}` is a reserved key; choose another name")
        if any(name in vars(base) for base in cls.__mro__[1:]):
            raise TypeError(f"{cls.__name__}: option `{name}` hides an attribute of that name; choose another name")


def option_defaults(cls: type[Options]) -> dict[str, Any]:
    """Every option of `cls` with its default; `MISSING` where the option must be given."""
    return {
        f.name: f.default_factory() if f.default_factory is not MISSING else f.default
        for f in fields(cls)  # type: ignore[arg-type]
    }


def fit(name: str, value: Any, hint: Any) -> Any:
    """`value` as the type that `hint` declares; raises `OptionError` saying what was given and what would be right."""
    try:
        return _fit(value, hint)
    except ValueError:
        raise OptionError(name, f"`{name}` is {show(value)}; it must be {describe(hint)}") from None


def _fit(value: Any, hint: Any) -> Any:
    origin, args = get_origin(hint), get_args(hint)
    if origin is Annotated:
        return _limited(_fit(value, args[0]), args[1:])
    if origin in (Union, types.UnionType):
        return _first_fit(value, args)
    if origin is Literal:
        return _require(value, any(type(value) is type(a) and value == a for a in args))
    if origin is tuple:
        return _fit_tuple(value, args)
    if hint is float:
        number = isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool)
        return float(_require(value, number))
    if hint is int:
        return int(_require(value, isinstance(value, (int, np.integer)) and not isinstance(value, bool)))
    if hint is Path:
        return Path(_require(value, isinstance(value, (str, Path)) and str(value) != ""))
    if hint is Any:
        return tuple(_fit(v, Any) for v in value) if isinstance(value, (list, tuple)) else value
    return _require(value, isinstance(value, origin or hint))


def _require(value: Any, good: bool) -> Any:
    if not good:
        raise ValueError
    return value


def _first_fit(value: Any, hints: tuple[Any, ...]) -> Any:
    for hint in hints:
        try:
            return _fit(value, hint)
        except ValueError:
            continue
    raise ValueError


def _fit_tuple(value: Any, args: tuple[Any, ...]) -> tuple[Any, ...]:
    _require(value, isinstance(value, (list, tuple)))
    if len(args) == 2 and args[1] is Ellipsis:
        return tuple(_fit(v, args[0]) for v in value)
    _require(value, not args or len(value) == len(args))
    return tuple(_fit(v, a) for v, a in zip(value, args, strict=True)) if args else tuple(value)


def _limited(value: Any, limits: tuple[Any, ...]) -> Any:
    for limit in limits:
        for key, bound in _bounds(limit).items():
            _require(value, WITHIN[key](value, bound))
    return value


def _bounds(limit: Any) -> dict[str, Any]:
    """The bounds that an object of `annotated-types` carries, read by attribute so that nothing is imported."""
    return {key: getattr(limit, key) for key in WITHIN if getattr(limit, key, None) is not None}


def describe(hint: Any) -> str:
    """A type annotation in words: "an integer, at least 1"."""
    origin, args = get_origin(hint), get_args(hint)
    if origin is Annotated:
        bounds = {k: v for limit in args[1:] for k, v in _bounds(limit).items()}
        words = [f"{LIMITS[k]} {v}" for k, v in bounds.items() if k in LIMITS]
        return ", ".join([describe(args[0]), *words])
    if origin in (Union, types.UnionType):
        return ", or ".join(describe(a) for a in args)
    if origin is Literal:
        return " or ".join(f"`{a}`" for a in args)
    if origin is tuple:
        inner = [describe(a) for a in args if a is not Ellipsis]
        if Ellipsis in args:
            return f"a list, each {inner[0]}"
        return f"a list of {len(inner)}, each {inner[0]}" if len(set(inner)) == 1 else f"a list [{', '.join(inner)}]"
    if origin in (dict, Mapping) or hint in (dict, Mapping):
        return "a map"
    return WORDS.get(hint, "any value" if hint is Any else getattr(hint, "__name__", str(hint)))


def show(value: Any) -> str:
    """A value as a user wrote it, short enough for a message."""
    text = {True: "true", False: "false", None: "null"}.get(value) if isinstance(value, (bool, type(None))) else None
    text = text or (f'"{value}"' if isinstance(value, str) else str(value))
    return text if len(text) <= 60 else text[:57] + "..."
