"""The block contract: what a block declares about itself, read once, when its class is defined."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple, dataclass_transform

from .options import RESERVED, Options

METHODS = ("forward", "backward", "examples", "result")
Array = Any  # whatever speaks NumPy's dispatch protocol: numpy.ndarray, cupy.ndarray, ...


class Spec(NamedTuple):
    """What is known of an array before it exists: its shape (0 for the batch axis) and its dtype."""

    shape: tuple[int, ...]
    dtype: Any


@dataclass(frozen=True)
class Param:
    """An array that a block wishes to be given and that is learned.

    `shape` in the order (out, ..., in); `init` names an initialiser or is a number; `fan` is (in, out) where the
    layout does not tell; `dtype` is that of the data unless given.
    """

    shape: tuple[int, ...]
    init: Any = "glorot"
    fan: tuple[int, int] | None = None
    dtype: Any = None


@dataclass(frozen=True)
class State:
    """An array that is carried, not learned: the output named `update` replaces it after a training step."""

    shape: tuple[int, ...]
    init: Any = "zeros"
    update: str = ""
    dtype: Any = None
    fan: None = None


class Signature(NamedTuple):
    """The inputs of a block as its `forward` names them.

    `data` are wired by the user, `optional` those that may be left out, `many` is the name of `*xs` or None, `made`
    are what `params` makes, and `required` those without which `forward` cannot be called.
    """

    data: tuple[str, ...]
    optional: frozenset[str]
    many: str | None
    made: tuple[str, ...]
    required: frozenset[str]

    @property
    def names(self) -> tuple[str, ...]:
        """All inputs in the order of the signature, which is the order of the gradients."""
        return (*self.data, *((self.many,) if self.many else ()), *self.made)

    def bind(self, count: int) -> tuple[str, ...]:
        """The names that `count` data inputs go by, those of `*xs` repeated; `ValueError` if they do not fit."""
        least = len(self.data) - len(self.optional)
        if count < least or (count > len(self.data) and not self.many):
            most = "or more" if self.many else f"to {len(self.data)}" if self.optional else ""
            names = (*self.data, *((f"*{self.many}",) if self.many else ()))
            wanted = " ".join(filter(None, [str(least), most, "wanted"]))
            raise ValueError(f"{count} inputs given, {wanted}" + (f": {', '.join(names)}" if names else ""))
        return (*self.data[:count], *((self.many,) * (count - len(self.data)) if self.many else ()))


@dataclass_transform(frozen_default=True, kw_only_default=True)
class Block(Options):
    """One operation: `forward(ctx, *inputs) -> (outputs, saved)` and `backward(ctx, saved, *doutputs) -> dinputs`.

    A subclass is a frozen dataclass of its options. It may also define `params(*data)`, returning a dict of `Param`
    and `State` for the inputs nobody wired, `examples(rng)`, yielding `(block, inputs)` for the automatic checks, and
    `result(*totals)` for a metric. A block without `backward` stops gradients.
    """

    name: ClassVar[str] = ""  # as written in a network file; the class name in snake_case unless set
    outputs: ClassVar[Any] = ("y",)  # names, or a property that computes them from the options
    nograd: ClassVar[tuple[str, ...]] = ()  # floating inputs that have no gradient
    shapes: ClassVar[Any] = None  # "x (..., K), W (M, K) -> y (..., M)", checked by the executor
    batchwise: ClassVar[Any] = False  # outputs per example, parameter gradients sums over examples
    formula: ClassVar[Any] = None  # the first output as a NumPy expression of inputs and options
    gradients: ClassVar[Any] = None  # {input: expression of dy, y, inputs and options}
    signature: ClassVar[Signature]

    def __init_subclass__(cls, **kwargs: Any) -> None:
        if not callable(getattr(cls, "forward", None)):
            raise TypeError(f"{cls.__name__} has no `forward(self, ctx, ...)`; a block must have one")
        hidden = [name for name in METHODS if name in inspect.get_annotations(cls)]
        if hidden:
            raise TypeError(f"{cls.__name__}: option `{hidden[0]}` hides an attribute of that name; rename it")
        super().__init_subclass__(**kwargs)
        if "name" not in vars(cls):
            cls.name = snake_case(cls.__name__)
        cls.signature = _read_signature(cls)
        _refuse_unclear_names(cls)


def snake_case(name: str) -> str:
    """`MaxPool2d` as `max_pool2d`."""
    name = re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", name)
    return re.sub(r"([A-Z]+)([A-Z][a-z])", r"\1_\2", name).lower()


def _parameters(method: Callable[..., Any], skip: int) -> list[inspect.Parameter]:
    return list(inspect.signature(method).parameters.values())[skip:]


def _read_signature(cls: type[Block]) -> Signature:
    given = _parameters(cls.forward, 2)  # type: ignore[attr-defined]
    if any(p.kind is p.VAR_KEYWORD for p in given):
        raise TypeError(f"{cls.__name__}.forward takes **keywords; name every input, so that it can be wired")
    wishes = [p.name for p in _parameters(cls.params, 1)] if hasattr(cls, "params") else None
    data = [p for p in given if (wishes is None and p.kind is not p.KEYWORD_ONLY) or (wishes and p.name in wishes)]
    made = [p for p in given if p not in data]
    if wishes is not None and [p.name for p in data] != wishes:
        raise TypeError(
            f"{cls.__name__}.params takes ({', '.join(wishes)}) but the data inputs of forward are "
            f"({', '.join(p.name for p in given)}); params takes the first of them, by the same names"
        )
    if made and wishes is None:
        raise TypeError(f"{cls.__name__}.forward takes `{made[0].name}` by keyword; add `params`, which makes it")
    many = next((p.name for p in data if p.kind is p.VAR_POSITIONAL), None)
    single = [p for p in data if p.kind is not p.VAR_POSITIONAL]
    return Signature(
        data=tuple(p.name for p in single),
        optional=frozenset(p.name for p in single if p.default is not p.empty),
        many=many,
        made=tuple(p.name for p in made),
        required=frozenset(p.name for p in given if p.default is p.empty and p.kind is not p.VAR_POSITIONAL),
    )


def _refuse_unclear_names(cls: type[Block]) -> None:
    inputs = cls.signature.names
    for name in inputs:
        if name in cls.option_types:
            raise TypeError(f"{cls.__name__}: `{name}` is both an option and an input; rename one")
        if name in RESERVED:
            raise TypeError(f"{cls.__name__}: input `{name}` is a reserved key; choose another name")
    unknown = [name for name in cls.nograd if name not in inputs]
    if unknown:
        raise TypeError(f"{cls.__name__}: nograd names `{unknown[0]}`, which is not an input; inputs: {inputs}")
    outputs = () if isinstance(cls.outputs, property) else tuple(cls.outputs)
    if isinstance(cls.outputs, str) or (not outputs and not isinstance(cls.outputs, property)):
        raise TypeError(f"{cls.__name__}: outputs is {cls.outputs!r}; it must be a tuple of at least one name")
    both = [name for name in outputs[1:] if name in cls.signature.made]
    if both:
        raise TypeError(f"{cls.__name__}: `{both[0]}` is both an output and an input; rename one")
