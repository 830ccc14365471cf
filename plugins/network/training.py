"""The `train` section: what is minimised, and for how long."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Annotated, Any

import numpy as np
from annotated_types import Ge, Gt, Lt

from blockrun.core import GraphError
from blockrun.core.assemble import Assembly
from blockrun.core.shapes import show_shape
from blockrun.plugins.host import Host
from blockrun.plugins.suggest import listing
from blockrun.plugins.training.gradients import Clip, Pieces, differentiator

from .experiment import Every, Input, Training
from .network import Network
from .optimizer import read_optimizer
from .reader import Cursor, missing
from .wiring import Wiring

KEYS = ("minimize", "epochs", "steps", "optimizer", "clip", "accumulate", "parallel", "average", "evaluate")
COUNT, AMOUNT = Annotated[int, Ge(1)], Annotated[float, Gt(0)]


def read_training(root: Cursor, host: Host) -> Training | None:
    """The `train` section; None if there is none or it does not fit."""
    if "train" not in root or not root["train"].is_map("a map such as {epochs: 10, optimizer: adam}"):
        return None
    section = root["train"]
    section.only(KEYS)
    epochs, steps = section.get("epochs", COUNT), section.get("steps", COUNT)
    said = [key for key in ("epochs", "steps") if not missing(key, section.value, KEYS)]
    if len(said) != 1:
        fact = "says both `epochs` and `steps`" if said else "says neither `epochs` nor `steps`"
        section.error("E061", f"`train` {fact}", "how long?", "say one of them, such as `epochs: 10`", key=True)
    made = read_optimizer(section, host, KEYS)
    clip, pieces, evaluate = _read_clip(section), _read_pieces(section), read_every(section, "evaluate")
    average = section.get("average", Annotated[float, Gt(0), Lt(1)])
    return None if made is None else Training(*made, clip, pieces, average, evaluate or Every(1), epochs, steps)


def _read_clip(section: Cursor) -> Clip | None:
    made = _one_of(section, "clip", {"norm": AMOUNT, "value": AMOUNT}, "{norm: 1.0} or {value: 0.5}")
    return None if made is None else Clip(**made)


def read_every(section: Cursor, key: str) -> Every | None:
    """How often, as {epochs: 2} or {steps: 500}; None if it is not said or does not fit."""
    made = _one_of(section, key, {"epochs": COUNT, "steps": COUNT}, "{epochs: 1} or {steps: 500}")
    return None if made is None else Every(**made)


def _one_of(section: Cursor, key: str, hints: dict[str, Any], example: str) -> dict[str, Any] | None:
    """The one entry of a map that may have any one of `hints`; None if there is none, or with a complaint."""
    if key not in section or not section[key].is_map(f"a map such as {example}"):
        return None
    cursor = section[key]
    cursor.only(hints)
    given = {name: cursor.get(name, hint) for name, hint in hints.items() if name in cursor}
    if len(given) != 1 and not (not given and cursor.value):  # an unknown key has been complained about
        both, joint = ("both", " and ") if given else ("neither", " nor ")
        fact = f"{cursor.name} says {both} {joint.join(f'`{name}`' for name in hints)}"
        cursor.error("E004", fact, "which?", f"write {example}")
    return given if len(given) == 1 and None not in given.values() else None


def _read_pieces(section: Cursor) -> Pieces | None:
    """How `accumulate` or `parallel` cuts batches; None if neither does."""
    if "parallel" in section:
        if "accumulate" in section:
            fact = "`train` says both `accumulate` and `parallel`: pieces run one after another, or at once"
            section["parallel"].error("E004", fact, "which?", "leave one out", key=True)
        count = section.get("parallel", COUNT)
        return None if count in (None, 1) else Pieces(count, at_once=True)
    if "accumulate" not in section:
        return None
    cursor = section["accumulate"].expanded("pieces", int)
    if not cursor.is_map("a number of pieces, or a map such as {pieces: 4, settle: true}"):
        return None
    cursor.only(("pieces", "settle"))
    if missing("pieces", cursor.value, ("pieces", "settle")):
        cursor.error("E009", "`accumulate` has no `pieces`", "how many?", "add `pieces: 4`", key=True)
    pieces, settle = cursor.get("pieces", COUNT), cursor.get("settle", bool, False)
    return None if pieces is None else Pieces(pieces, settle)


def check_pieces(root: Cursor, network: Network) -> None:
    """Complain if batches cannot be run in the pieces that `train` asks for, by doing so with two examples."""
    training = network.sections.training
    if training is None or training.pieces is None:
        return
    key = "parallel" if training.pieces.at_once else "accumulate"
    feed = {**network.params, **network.state, **network.feed({n: _zeros(x) for n, x in network.inputs.items()})}
    differentiate = differentiator(network, tuple(network.params), replace(training.pieces, count=2))
    try:
        with np.errstate(all="ignore"):
            differentiate(feed, 2, (0,))
    except GraphError as error:
        root["train"][key].error("E063", *_uncut(error, training.pieces.count, key), key=True)
    except Exception:  # zeros may be no good example; what fails on real ones will say so
        return


def _uncut(error: GraphError, pieces: int, key: str) -> tuple[str, str, str]:
    """Fact, label and help about a node that needs the whole batch: named by the message, or else by its note."""
    node = re.match(r"in node (`.*?`)", next(iter(getattr(error, "__notes__", ())), ""))
    if node is None:
        return f"{error}, and `{key}` needs that", "in pieces", f"leave `{key}` out"
    fact = f"node {node[1]} needs a sum over the whole batch, which pieces run one after another do not have"
    help = f"`accumulate: {{pieces: {pieces}, settle: true}}` lets it take the sum of each piece instead"
    return fact, "in pieces", help


def _zeros(wanted: Input) -> Any:
    if wanted.value is not None:
        return wanted.value
    return np.zeros((2, *wanted.shape) if wanted.batch else wanted.shape, wanted.dtype)


def read_objective(root: Cursor, wiring: Wiring, assembly: Assembly) -> dict[str, float]:
    """What is minimised: weights of scalar variables; what `train.minimize` says, or else the last node.

    Without a `train` section nothing need be a scalar. What is left out in this mode is not minimised in it.
    """
    section = root.nearest("train")
    if section is root or "minimize" not in section:
        last = wiring.last()
        if last is not None and wiring.is_left_out(Cursor(last[1].path[-1], last[1].path, last[1].problems)):
            last = None
        if last is not None and section is not root:
            _check_scalar(*last, assembly, "the last node, ", ",", key=True)
        return {} if last is None else {last[0]: 1.0}
    weights: dict[str, float] = {}
    for cursor, weight in _terms(section):
        name = None if wiring.is_left_out(cursor) else wiring.variable(cursor)
        if name is not None:
            _check_scalar(name, cursor, assembly)
            weights[name] = weights.get(name, 0.0) + weight
    return weights


def _terms(section: Cursor) -> list[tuple[Cursor, float]]:
    """A cursor at the name of everything that is minimised, with its weight."""
    cursor = section["minimize"]
    if not cursor.value and not isinstance(cursor.value, (int, float)):
        cursor.error("E036", "`train.minimize` names nothing", help="name the loss, or leave it out", key=True)
        return []
    if isinstance(cursor.value, dict):
        return [(Cursor(n, (*cursor.path, n), cursor.problems), cursor.get(n, float, 1.0)) for n in cursor.value]
    if isinstance(cursor.value, list):
        return [(cursor[i], 1.0) for i in range(len(cursor.value))]
    return [(cursor, 1.0)]


def _check_scalar(
    name: str, at: Cursor, assembly: Assembly, before: str = "", after: str = "", key: bool = False
) -> None:
    """Complain if the variable `name` cannot be minimised; nothing is said of one that could not be computed."""
    spec = assembly.specs.get(name)
    if spec is None:
        return
    help, which = _instead(assembly), f"{before}`{name}`{after}"
    if name not in assembly.graph.writer:
        at.error("E036", f"{which} is not computed by a node, so it cannot be minimised", "fed", help, key)
    elif spec.shape != ():
        fact = f"{which} has shape {show_shape(spec.shape)}; what is minimised must be a scalar"
        at.error("E036", fact, "not a scalar", help, key)
    elif spec.dtype.kind != "f":
        at.error("E036", f"{which} is {spec.dtype}; an integer has no gradient", "an integer", help, key)


def _instead(assembly: Assembly) -> str:
    """Help: what could be minimised."""
    specs = {name: assembly.specs[name] for name in assembly.graph.writer}
    scalars = [name for name, spec in specs.items() if spec.shape == () and spec.dtype.kind == "f"]
    ends = "end with a loss, such as softmax_cross_entropy or sum_of_squares"
    return f"what can be minimised: {listing(scalars)}" if scalars else ends
