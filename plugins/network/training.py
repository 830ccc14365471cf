"""The `train` section: what is minimised, and for how long."""

from __future__ import annotations

from typing import Annotated

from annotated_types import Ge

from blockrun.core.assemble import Assembly
from blockrun.core.shapes import show_shape
from blockrun.plugins.host import Host
from blockrun.plugins.suggest import listing

from .experiment import Training
from .optimizer import read_optimizer
from .reader import Cursor, missing
from .wiring import Wiring

KEYS = ("minimize", "epochs", "steps", "optimizer")


def read_training(root: Cursor, host: Host) -> Training | None:
    """The `train` section; None if there is none or it does not fit."""
    if "train" not in root or not root["train"].is_map("a map such as {epochs: 10, optimizer: adam}"):
        return None
    section = root["train"]
    section.only(KEYS)
    epochs = section.get("epochs", Annotated[int, Ge(1)])
    steps = section.get("steps", Annotated[int, Ge(1)])
    said = [key for key in ("epochs", "steps") if not missing(key, section.value, KEYS)]
    if len(said) != 1:
        fact = "says both `epochs` and `steps`" if said else "says neither `epochs` nor `steps`"
        section.error("E061", f"`train` {fact}", "how long?", "say one of them, such as `epochs: 10`", key=True)
    made = read_optimizer(section, host, KEYS)
    return None if made is None else Training(*made, epochs=epochs, steps=steps)


def read_objective(root: Cursor, wiring: Wiring, assembly: Assembly) -> dict[str, float]:
    """What is minimised: weights of scalar variables; what `train.minimize` says, or else the last node.

    Without a `train` section nothing need be a scalar.
    """
    section = root.nearest("train")
    if section is root or "minimize" not in section:
        last = next((d for d in reversed(wiring.drafts.values()) if d.section == "net"), None)
        if last is not None and section is not root:
            _check_scalar(last.name, last.cursor, assembly, "the last node, ", ",", key=True)
        return {} if last is None else {last.name: 1.0}
    weights: dict[str, float] = {}
    for cursor, weight in _terms(section):
        name = wiring.variable(cursor)
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
