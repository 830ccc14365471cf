"""From a network file to a network, with everything that is wrong with the file said in one pass."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn

from blockrun.core import Node
from blockrun.core.assemble import Assembly
from blockrun.core.shapes import show_shape
from blockrun.plugins.errors import DataError
from blockrun.plugins.host import Host

from .callbacks import read_callbacks
from .discover import discover
from .document import BROKEN, Document
from .expansion.expand import Expansion
from .expansion.scopes import Pick
from .expansion.templates import read_templates
from .experiment import DataPart, Sections
from .inputs import check_fields, read_data, read_inputs
from .learned import Learned, Reader
from .monitors import check_monitors
from .network import Network, StartError
from .optimizer import check_groups
from .overrides import apply_overrides
from .reader import Cursor, Problems
from .scan import read_document
from .settings import check_top, host_for, local_code, read_run
from .training import check_accumulate, read_objective, read_training
from .values import Values
from .wiring import Wiring, spelt_out

EXPANDED = ("net", "metrics", "templates")  # sections whose values depend on where they are used


def load(file: str | Path, *overrides: str, host: Host | None = None) -> Network:
    """The network that `file` describes, with `key=value` overrides such as `"net.fc1.units=64"`.

    Raises `ConfigError` with every error found, each with its place in the file.
    """
    document = read_document(file)
    apply_overrides(document, overrides)
    return build(document, host)


def build(document: Document, host: Host | None = None, drawn: bool = True) -> Network:
    """The network that a parsed document describes, with initial values if `drawn`; raises `ConfigError`."""
    problems = Problems(document)
    raw = Cursor(document.data, (), problems)
    if not raw.is_map("a map that begins with `blockrun: 1`"):
        problems.stop()
    check_top(raw)
    host = host_for(raw, host)
    values = Values(problems)
    root, data = _settle(raw, host, values)
    sections = _read_sections(root, host, data)
    expansion = Expansion(raw, host, values, read_templates(raw), None)
    expansion.expand()
    wiring = Wiring(expansion)
    nodes = wiring.nodes()
    assembly = _assemble(nodes, wiring, sections, problems)
    objective = read_objective(root, wiring, assembly)
    if sections.training is not None:
        check_groups(root, sections.training.rule, sections.training.groups, assembly)
    metrics = _metrics(expansion, assembly)
    check_monitors(root, sections, objective, metrics)
    reader = Reader(host)
    learned = reader.learned(wiring, assembly)
    problems.stop_if_any()
    reader.finish()
    problems.stop_if_any()
    resolved, code = _resolved(root, wiring, nodes, learned), local_code(root)
    try:
        network = Network(
            document, host, sections, learned.assembly, objective, metrics, resolved, code, learned.frozen, drawn
        )
    except StartError as error:
        _cannot_start(error, learned, wiring, problems)
    check_accumulate(root, network)
    problems.stop_if_any()
    return network


def _cannot_start(error: StartError, learned: Learned, wiring: Wiring, problems: Problems) -> NoReturn:
    """Complain about an initialiser: of the file, or of the block where the file says nothing."""
    node, _ = learned.assembly.makers[error.parameter]
    path = learned.places.get(error.parameter)
    said = "E053" if isinstance(error.cause, DataError) else "E011"
    code = "E043" if path is None else said
    problems.add(code, error.message, path or wiring.expansion.paths[node], "cannot start", error.help, path is None)
    problems.stop()


def _resolved(root: Cursor, wiring: Wiring, nodes: list[Node], learned: Learned) -> dict[str, Any]:
    """The file with everything put in and spelt out."""
    drafts = {draft.name: draft for draft in wiring.expansion.drafts}
    found = {key: value for key, value in root.value.items() if key != "templates"}
    for section in ("net", "metrics"):
        if section in found:
            own = [node for node in nodes if drafts[node.name].section == section]
            found[section] = {n.name: spelt_out(drafts[n.name], n) | learned.spelt_out(n.name) for n in own}
    return found


def _assemble(nodes: list[Node], wiring: Wiring, sections: Sections, problems: Problems) -> Assembly:
    specs = {name: given.spec for name, given in sections.inputs.items() if name not in wiring.lost}
    lost = wiring.lost | {name for name in wiring.expansion.inputs if name not in specs}
    return discover(nodes, specs, sections.run.dtype, wiring.expansion.paths, lost, problems)


def _settle(raw: Cursor, host: Host, values: Values) -> tuple[Cursor, dict[str, DataPart]]:
    """The document with its references replaced, and its data, which some of them ask."""
    resolved: dict[str, Any] = {}
    data: dict[str, DataPart] = {}
    if "data" in raw:
        resolved["data"] = values.resolve(raw.value["data"], ("data",))
        data = read_data(Cursor(resolved["data"], ("data",), raw.problems), host)
        values.answers = _answers(data)
    for key, value in raw.value.items():
        if key not in ("data", "vars", *EXPANDED):
            resolved[key] = values.resolve(value, (key,))
    resolved["vars"] = values.variables()
    resolved |= {key: raw.value[key] for key in EXPANDED if key in raw.value}
    return Cursor({key: resolved[key] for key in raw.value if key in resolved}, (), raw.problems), data


def _read_sections(root: Cursor, host: Host, data: dict[str, DataPart]) -> Sections:
    run = read_run(root)
    inputs = read_inputs(root, run.dtype)
    check_fields(root, inputs, data)
    return Sections(run, inputs, data, read_training(root, host), read_callbacks(root, host))


def _answers(data: Mapping[str, DataPart]) -> Any:
    """What `$data.*` can ask: the training part, or else the first; `BROKEN` if there is none that could be read."""
    part = data.get("train") or next(iter(data.values()), None)
    return BROKEN if part is None else {"examples": part.description.examples, **part.description.values}


def _metrics(expansion: Expansion, assembly: Assembly) -> dict[str, Node]:
    """The nodes of `metrics`; complains about those whose outputs do not add up over batches."""
    nodes = {node.name: node for node in assembly.graph.nodes}
    found: dict[str, Node] = {}
    for name, entry in expansion.metrics.items():
        target = expansion.names.target(Pick(entry), expansion.top, expansion.root["metrics"][name])
        node = None if target is None or target.node is None else nodes.get(target.node.name)
        if node is None:
            continue
        found[name] = node
        shapes = [tuple(assembly.specs[v].shape) for v in node.outputs]
        per_example = next((s for s in shapes if s[:1] == (0,) or (s and not hasattr(node.block, "result"))), None)
        if per_example is not None:
            fact = f"metric `{name}` has shape {show_shape(per_example)}; it must be a number that adds up"
            at, help = expansion.root["metrics"][name], "use a metric such as `accuracy`, or a loss"
            at.error("E037", fact, "not a number", help, key=True)
    return found
