"""From a network file to a network, with everything that is wrong with the file said in one pass."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache, partial
from pathlib import Path
from typing import Any, NoReturn

from blockrun.core import Node
from blockrun.plugins.data.arrays import handed_over
from blockrun.plugins.data.class_weights import class_weights, label_field
from blockrun.plugins.data.streaming import Readable
from blockrun.plugins.data.transformed import untransformed
from blockrun.plugins.errors import DataError
from blockrun.plugins.host import Host

from .callbacks import read_callbacks
from .data import read_data
from .document import BROKEN, Document
from .experiment import Data, Sections
from .extends import read_file
from .inputs import check_fields, read_inputs
from .modes import Modes
from .monitors import check_monitors
from .network import Network, StartError
from .optimizer import check_groups
from .overrides import apply_overrides
from .reader import Cursor, Problems
from .settings import check_top, host_for, local_code, read_run
from .training import check_pieces, read_training
from .values import Values

EXPANDED = ("net", "metrics", "templates")  # sections whose values depend on where they are used


def load(file: str | Path, *overrides: str, host: Host | None = None, data: Mapping[str, Any] | None = None) -> Network:
    """The network that `file` describes, with `key=value` overrides such as `"net.fc1.units=64"`.

    `data` takes the place of the file's: arrays by field, `{"x": x, "label": label}`, for training, or such a map for
    each of `train`, `val` and `test`. Raises `DataError` where these are no arrays of numbers, and `ConfigError` with
    every error found, each with its place in the file.
    """
    document = read_file(file)
    apply_overrides(document, overrides)
    return build(document, host, given=None if data is None else handed_over(data))


def build(
    document: Document, host: Host | None = None, drawn: bool = True, given: Mapping[str, Readable] | None = None
) -> Network:
    """The network that a parsed document describes, with initial values if `drawn`; raises `ConfigError`.

    `given` takes the place of the sources of parts of its data.
    """
    problems = Problems(document)
    raw = Cursor(document.data, (), problems)
    if not raw.is_map("a map that begins with `blockrun: 1`"):
        problems.stop()
    check_top(raw)
    host = host_for(raw, host)
    values = Values(problems)
    root, data = _settle(raw, host, values, given)
    sections = _read_sections(root, host, data)
    modes = Modes(raw, root, host, values, sections)
    metrics = modes.metrics()
    if sections.training is not None:
        check_groups(root, sections.training.rule, sections.training.groups, modes.training.assembly)
    check_monitors(root, sections, modes.training.mode.objective, metrics)
    problems.stop_if_any()
    modes.reader.finish()
    problems.stop_if_any()
    network = _network(root, host, sections, modes, metrics, drawn)
    check_pieces(root, network)
    problems.stop_if_any()
    return network


def _network(
    root: Cursor, host: Host, sections: Sections, modes: Modes, metrics: dict[str, Node], drawn: bool
) -> Network:
    training, evaluation = modes.training.mode, modes.evaluation.mode
    try:
        return Network(
            root.problems.document, host, sections, training.assembly, training.objective, metrics, modes.resolved(),
            local_code(root), modes.frozen, None if evaluation is training else evaluation, drawn,
        )  # fmt: skip
    except StartError as error:
        _cannot_start(error, modes, root.problems)


def _cannot_start(error: StartError, modes: Modes, problems: Problems) -> NoReturn:
    """Complain about an initialiser: of the file, or of the block where the file says nothing."""
    built = next(b for b in (modes.training, modes.evaluation) if error.parameter in b.assembly.makers)
    path = built.learned.places.get(error.parameter)
    node = built.wiring.expansion.paths[built.assembly.makers[error.parameter][0]]
    said = "E053" if isinstance(error.cause, DataError) else "E011"
    code = "E043" if path is None else said
    problems.add(code, error.message, path or node, "cannot start", error.help, path is None)
    problems.stop()


def _settle(raw: Cursor, host: Host, values: Values, given: Mapping[str, Readable] | None) -> tuple[Cursor, Data]:
    """The document with its references replaced, and its data, which some of them ask."""
    resolved: dict[str, Any] = {}
    data = Data()
    if "data" in raw or given:
        resolved["data"] = values.resolve(raw.value.get("data", {}), ("data",))
        data = read_data(Cursor(resolved["data"], ("data",), raw.problems), host, given)
        values.answers = _answers(data)
    for key, value in raw.value.items():
        if key not in ("data", "vars", *EXPANDED):
            resolved[key] = values.resolve(value, (key,))
    resolved["vars"] = values.variables()
    resolved |= {key: raw.value[key] for key in EXPANDED if key in raw.value}
    return Cursor({key: resolved[key] for key in raw.value if key in resolved}, (), raw.problems), data


def _read_sections(root: Cursor, host: Host, data: Data) -> Sections:
    run = read_run(root)
    inputs = read_inputs(root, run.dtype)
    check_fields(root, inputs, data.parts)
    training, callbacks = read_training(root, host), read_callbacks(root, host)
    return Sections(run, inputs, data.parts, data.transforms, data.loading, training, callbacks)


def _answers(data: Data) -> Any:
    """What `$data.*` can ask: the training part, or else the first; `BROKEN` if there is none that could be read."""
    part = data.parts.get("train") or next(iter(data.parts.values()), None)
    if part is None:
        return BROKEN
    known, field = part.description, label_field(part.description)
    weights = (
        {} if field is None else {"class_weights": cache(partial(class_weights, untransformed(part.source), field))}
    )
    return {"examples": known.examples, **weights, **known.values}
