"""Finding cases for a block: the examples its author wrote, or else ones that are tried out."""

from __future__ import annotations

import inspect
import itertools
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from blockrun.core import Block, GraphError
from blockrun.core.shapes import parse_shapes

from .cases import Array, Case, is_float, make_case
from .options import instances

Shapes = tuple[tuple[int, ...], ...]

KINDS = ("normal", "positive", "unit")  # what numbers are drawn, in the order in which they are tried
LEADING: Shapes = ((4,), (), (2, 4))  # what `...` may stand for
SIZES = (3, 5, 6, 7, 8, 9)  # what other symbols may stand for; all different, so that transposes show
RANKS: Shapes = ((4, 3), (3,), (4, 2, 3), (2, 5, 4, 3))
PAIRS: tuple[Shapes, ...] = (((4, 3), (5, 3)), ((4, 3), (3, 5)), ((2, 4, 3), (2, 3, 5)), ((4, 3), (4,)))
MOST_INSTANCES = 8


class NoExample(Exception):
    """A block for which no example was given and none was found; the message says what to write."""


class Rejection(NamedTuple):
    """A case that did not run: the shapes, why, and whether the block was at fault rather than the shapes."""

    case: Case | None
    shapes: Shapes
    error: Exception
    fault: bool


class Found(NamedTuple):
    """The cases of a block, in training mode, and remarks on those that were left out."""

    cases: list[Case]
    notes: list[str]


def find_cases(cls: type[Block], rng: np.random.Generator) -> Found:
    """Cases for `cls`; raises `NoExample` if there are none."""
    return _author_cases(cls, rng) if hasattr(cls, "examples") else _tried_cases(cls, rng)


def _author_cases(cls: type[Block], rng: np.random.Generator) -> Found:
    cases = []
    for item in cls.examples(rng):  # type: ignore[attr-defined]  # optional in the contract
        if not (isinstance(item, tuple) and len(item) == 2 and isinstance(item[0], cls) and isinstance(item[1], tuple)):
            raise NoExample(
                f"examples yielded {type(item).__name__} {str(item)[:60]}; each is a pair: an instance of "
                f"{cls.__name__} and the tuple of its data inputs"
            )
        cases.append(_with_finite_params(*item, rng))
    if not cases:
        raise NoExample("examples yields nothing; at least one pair of an instance and its inputs is needed")
    return Found(cases, [])


def _with_finite_params(block: Block, inputs: tuple[Any, ...], rng: np.random.Generator) -> Case:
    """Normal parameters, or positive ones where only those give finite outputs."""
    first = make_case(block, inputs, rng)
    if is_finite(first) or not first.node.params:
        return first
    second = make_case(block, inputs, rng, "positive")
    return second if is_finite(second) else first


def is_finite(case: Case) -> bool:
    """Whether outputs and gradients are all finite; False also if the block raises."""
    try:
        run(case)
    except Exception:
        return False
    return True


def run(case: Case) -> None:
    """Forward and backward under full checks; raises what the block raises, `FloatingPointError` if not finite."""
    outputs, tape = case.start()
    found = {**outputs, **case.finish(tape, {k: np.ones_like(y) for k, y in case.differentiable(outputs).items()})}
    for name, x in found.items():
        if is_float(x) and not np.isfinite(x).all():
            raise FloatingPointError(f"`{name}` is not finite")


def _tried_cases(cls: type[Block], rng: np.random.Generator) -> Found:
    cases: list[Case] = []
    rejected: list[Rejection] = []
    for integers in integer_choices(cls):
        for i, block in enumerate(itertools.islice(instances(cls), MOST_INSTANCES)):
            taken, left_out = _cases_of(block, rng, integers, most=1 if i else None)
            cases += taken
            rejected += left_out
        if cases:
            break
    if not cases:
        raise NoExample(_please_write(cls, rejected))
    faults = [r for r in rejected if r.fault]
    if any(r.case is case for r in faults for case in cases):
        hint = "the inputs were found by trying; if the block is not meant for them, give `shapes` or `examples`"
        return Found(cases, [hint])
    return Found(cases, [f"takes {show(r.shapes)} forward, but: {r.error}" for r in faults[:1]])


def integer_choices(cls: type[Block]) -> Iterator[frozenset[int]]:
    """Which data inputs to try as integers: none, then each by itself from the last, where labels and indices stand."""
    yield frozenset()
    yield from (frozenset({i}) for i in reversed(range(len(cls.signature.data))))


def _cases_of(
    block: Block, rng: np.random.Generator, integers: frozenset[int], most: int | None
) -> tuple[list[Case], list[Rejection]]:
    """Cases for each of the shapes that the block takes, up to `most` of them, and the shapes it does not take.

    The first shape that forward takes is what the block is for: if backward then fails, that is a case too, and the
    checks will say what is wrong with it.
    """
    cases: list[Case] = []
    rejected: list[Rejection] = []
    for shapes in candidate_shapes(block):
        tried = _try(block, shapes, rng, integers)
        if isinstance(tried, Case):
            cases.append(tried)
        else:
            rejected.append(tried)
            cases += [tried.case] if tried.fault and tried.case is not None and not cases else []
        if len(cases) == most:
            break
    return cases, rejected


def _try(block: Block, shapes: Shapes, rng: np.random.Generator, integers: frozenset[int]) -> Case | Rejection:
    """The first kind of numbers for which everything is finite."""
    for kind in KINDS:
        case = None
        try:
            kinds = ["integer" if i in integers else kind for i in range(len(shapes))]
            case = make_case(block, tuple(draw(s, rng, k) for s, k in zip(shapes, kinds, strict=True)), rng, kind)
            run(case)
            return case
        except FloatingPointError as error:
            rejection = Rejection(None, shapes, error, False)
        except Exception as error:
            return Rejection(case, shapes, error, _is_fault(case, error))
    return rejection


def _is_fault(case: Case | None, error: Exception) -> bool:
    """A broken contract is the block's fault, and so is a backward that fails where forward ran."""
    if case is None:
        return False
    if isinstance(error, GraphError) or "read-only" in str(error):
        return True
    return any("backward, given" in note for note in getattr(error, "__notes__", ()))


def draw(shape: tuple[int, ...], rng: np.random.Generator, kind: str) -> Array:
    """Random numbers: normal, positive and away from zero, strictly between 0 and 1, or the integers 0 and 1."""
    if kind == "integer":
        return rng.integers(0, 2, shape)
    if kind == "unit":
        return rng.uniform(0.05, 0.95, shape)
    x = rng.standard_normal(shape)
    return np.abs(x) + 0.5 if kind == "positive" else x


def candidate_shapes(block: Block) -> Iterator[Shapes]:
    """Shapes of the data inputs worth trying: as declared; else all the same, then those of matrix products."""
    for names in input_lists(block):
        if block.shapes is not None:
            yield from declared_shapes(block, names)
            continue
        yield from (((shape,) * len(names)) for shape in (RANKS if names else ((),)))
        if len(names) == 2:
            yield from PAIRS


def input_lists(block: Block) -> Iterator[tuple[str, ...]]:
    """The data inputs to give: all, without the optional ones, and one to three for `*xs`."""
    signature = block.signature
    if signature.many:
        yield from ((*signature.data, *((signature.many,) * count)) for count in (2, 1, 3))
        return
    yield signature.data
    if signature.optional:
        yield tuple(name for name in signature.data if name not in signature.optional)


def declared_shapes(block: Block, names: tuple[str, ...]) -> Iterator[Shapes]:
    """Shapes that fit the block's own notation, with none, one and two axes for `...`."""
    patterns = parse_shapes(block.shapes).inputs
    if any(name not in patterns for name in names):
        return
    open_ended = any("..." in patterns[name] for name in names)
    for leading in LEADING if open_ended else ((),):
        known: dict[str, int] = {"N": 4}
        free = iter(SIZES)
        yield tuple(tuple(_sizes(block, patterns[name], leading, known, free)) for name in names)


def _sizes(
    block: Block, dims: tuple[str, ...], leading: tuple[int, ...], known: dict[str, int], free: Iterator[int]
) -> Iterator[int]:
    for dim in dims:
        option = getattr(block, dim, None)
        if dim == "...":
            yield from leading
        elif dim.isdigit():
            yield int(dim)
        elif isinstance(option, int):
            yield option
        elif dim == "_":
            yield next(free)
        else:
            known[dim] = known[dim] if dim in known else next(free)
            yield known[dim]


def show(shapes: Shapes) -> str:
    return ", ".join(map(str, shapes)) or "no inputs"


def _please_write(cls: type[Block], rejected: list[Rejection]) -> str:
    """What was tried, and three lines to paste."""
    names = cls.signature.data or ((cls.signature.many,) if cls.signature.many else ())
    inputs = "".join("rng.standard_normal((4, 3)), " for _ in names).rstrip()
    required = [name for name, p in inspect.signature(cls).parameters.items() if p.default is p.empty]
    options = ", ".join(f"{name}=..." for name in required)
    tried = f"; on {show(rejected[0].shapes)}: {rejected[0].error}" if rejected else "; its options cannot be guessed"
    return (
        f"no example was found by trying{tried}\nadd to the class what it should be checked on:\n\n"
        f"    @classmethod\n    def examples(cls, rng):\n        yield cls({options}), ({inputs})\n"
    )


def in_both_modes(cases: list[Case], seed: int) -> list[Case]:
    """Every case in training and in evaluation, numbered."""
    both = [replace(case, training=mode) for case in cases for mode in (True, False)]
    return [replace(case, number=i, seed=seed) for i, case in enumerate(both)]
