"""Which breaches of the contract apply to which block: all of them, but those that would leave it as it is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from blockrun.core import Block
from blockrun.plugins.testing.cases import Case
from blockrun.plugins.testing.examples import find_cases
from blockrun.plugins.testing.numbers import as_float32

from . import circumstances as c
from . import contract as k
from .around import arrays, is_float
from .build import original
from .generate import home_of

Breach = Callable[[Any], None]

ANY: tuple[Breach, ...] = (
    k.counted_on_self,
    k.input_written,
    k.input_written_after_use,
    k.input_written_behind_its_lock,
    k.output_no_array,
    k.one_output_too_many,
    k.saved_forgotten,
)
FLOATING: tuple[Breach, ...] = (k.output_always_float32, c.nan_in_the_output)
OTHER_THAN_ZERO: tuple[Breach, ...] = (k.forward_cached_by_shape, k.output_buffer_reused)
FLOATING_OTHER_THAN_ZERO: tuple[Breach, ...] = (k.noise_of_its_own,)
BACKWARD: tuple[Breach, ...] = (
    k.saved_no_tuple,
    k.backward_cached_by_shape,
    k.gradient_buffer_reused,
    k.incoming_gradient_written,
    k.noise_in_the_gradient,
    k.gradient_always_float64,
    k.gradient_always_float32,
    k.gradient_rounded_to_float32,
    k.one_gradient_too_few,
    k.one_gradient_too_many,
    c.nan_in_the_gradients,
    c.infinity_in_the_gradients,
    c.nan_in_evaluation,
    c.doubled_in_evaluation,
    c.doubled_in_training,
    c.doubled_in_float32,
    c.incoming_gradient_ignored,
    c.incoming_gradient_clipped,
    c.incoming_gradient_made_positive,
    c.incoming_gradient_rounded,
)
SAVING: tuple[Breach, ...] = (k.stash_on_self, k.saved_of_last_call, k.saved_written)
WIDE: tuple[Breach, ...] = (  # with outputs of two axes or more
    c.incoming_gradient_assumed_constant,
    c.incoming_gradient_read_as_it_lies,
    c.wrong_where_gaps_lie_between,
)
BATCHWISE: tuple[Breach, ...] = (c.mean_over_examples, c.doubled_for_one_example, c.refuses_no_examples)


@dataclass(frozen=True)
class Breached:
    """The block registered as `block`, class `cls` of the file `home`, with the breach `name`."""

    block: str
    cls: str
    home: str
    name: str

    def build(self) -> type[Block]:
        cls = original(self.home, self.cls)
        dict(breaches(cls))[self.name](cls)
        return cls


def breached(block: str, target: str) -> Iterator[Breached]:
    """All breaches that apply to the block registered as `block` with `target` "module:Class"."""
    module, _, cls = target.partition(":")
    home = home_of(module)
    for name, _ in breaches(original(home, cls)):
        yield Breached(block, cls, home, name)


def breaches(cls: type[Block]) -> Iterator[tuple[str, Breach]]:
    """Those that change something in at least one of the cases that the kit checks the class on."""
    cases = find_cases(cls, np.random.default_rng(0)).cases
    outputs = [y for case in cases for y in case.outputs().values()][: len(cases)]
    chosen = [*ANY]
    chosen += FLOATING if any(map(is_float, outputs)) else ()
    if any(map(is_float, outputs)) and not hasattr(cls, "result"):  # the sums of a metric may be wide
        chosen += [k.output_always_float64]
    chosen += OTHER_THAN_ZERO if any(y.any() for y in outputs) else ()
    chosen += FLOATING_OTHER_THAN_ZERO if any(is_float(y) and y.any() for y in outputs) else ()
    chosen += [c.output_doubled_in_float32] if any(map(_gives_float32, cases)) else []
    chosen += [k.output_rounded_to_float32] if any(map(_needs_float64, outputs)) else []
    if any(case.wrt for case in cases):
        chosen += BACKWARD
        chosen += SAVING if any(arrays(_saved(case)) for case in cases) else ()
        chosen += [k.saved_buffer_reused] if any(map(_saves_values, cases)) else []
        chosen += WIDE if any(y.ndim > 1 for y in outputs) else ()
        chosen += BATCHWISE if any(case.block.batchwise and case.examples > 1 for case in cases) else ()
        chosen += [k.parameter_written, c.nan_without_examples] if any(case.node.params for case in cases) else []
        chosen += [k.gradient_for_labels] if any(_has_labels(case) for case in cases) else []
        chosen += [c.inputs_read_as_they_lie] if any(x.ndim > 1 for case in cases for x in _data(case)) else []
    yield from ((breach.__name__, breach) for breach in chosen)
    for position in sorted({i for case in cases for i in _positions(case)}):
        yield from ((f"{make.__name__} {position}", make(position)) for make in c.EACH)


def _needs_float64(y: Any) -> bool:
    """Whether float32 cannot hold all numbers of `y`."""
    return is_float(y) and not np.array_equal(y.astype(np.float32), y)


def _gives_float32(case: Case) -> bool:
    """Whether the first output is float32, and not all 0, where the inputs are; the sums of a metric may be wider."""
    y = next(iter(as_float32(case).outputs().values()))
    return bool(y.dtype == np.float32 and y.any())


def _saved(case: Case) -> Any:
    _, tape = case.start()
    return next(record.saved for record in tape.records.values())


def _saves_values(case: Case) -> bool:
    """Whether arrays that are saved depend on what is in the inputs, and not only on their shapes."""
    pairs = zip(arrays(_saved(case)), arrays(_saved(case.other())), strict=True)
    return not all(np.array_equal(a, b) for a, b in pairs)


def _data(case: Case) -> list[Any]:
    return [case.arrays[name] for name in case.data]


def _has_labels(case: Case) -> bool:
    return any(not is_float(x) for x in _data(case))


def _positions(case: Case) -> list[int]:
    """The positions, among all that backward returns, of the gradients that it must give."""
    return [i for i, (_, variable) in enumerate(case.node.gradient_inputs) if variable in case.wrt]
