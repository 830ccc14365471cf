"""From a network file to a network, with everything that is wrong with the file said in one pass."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from blockrun.core import Node
from blockrun.core.assemble import Assembly
from blockrun.core.shapes import show_shape
from blockrun.plugins.host import Host

from .discover import discover
from .document import BROKEN, Document, KeyPath
from .experiment import DataPart, Sections
from .inputs import check_fields, read_data, read_inputs
from .monitors import check_monitors
from .network import Network
from .nodes import Draft, draft_nodes
from .optimizer import check_groups
from .overrides import apply_overrides
from .reader import Cursor, Problems
from .scan import read_document
from .settings import check_top, host_for, local_code, read_run
from .training import check_accumulate, read_objective, read_training
from .values import Values
from .wiring import Wiring


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
    root, data = _settle(raw, host)
    sections = _read_sections(root, host, data)
    drafts = _read_drafts(root, host)
    wiring = Wiring(_keys(root, "inputs"), drafts)
    specs = {name: given.spec for name, given in sections.inputs.items() if name not in wiring.drafts}
    assembly = discover(wiring.nodes(), specs, sections.run.dtype, _paths(root, drafts), problems)
    objective = read_objective(root, wiring, assembly)
    if sections.training is not None:
        check_groups(root, sections.training.rule, sections.training.groups, assembly)
    metrics = _metrics(drafts, assembly)
    check_monitors(root, sections, objective, metrics)
    problems.stop_if_any()
    network = Network(document, host, sections, assembly, objective, metrics, root.value, local_code(root), drawn)
    check_accumulate(root, network)
    problems.stop_if_any()
    return network


def _settle(raw: Cursor, host: Host) -> tuple[Cursor, dict[str, DataPart]]:
    """The document with its references replaced, and its data, which some of them ask."""
    values = Values(raw.problems)
    resolved: dict[str, Any] = {}
    data: dict[str, DataPart] = {}
    if "data" in raw:
        resolved["data"] = values.resolve(raw.value["data"], ("data",))
        data = read_data(Cursor(resolved["data"], ("data",), raw.problems), host)
        values.answers = _answers(data)
    for key, value in raw.value.items():
        if key not in ("data", "vars"):
            resolved[key] = values.resolve(value, (key,))
    resolved["vars"] = values.variables()
    return Cursor({key: resolved[key] for key in raw.value if key in resolved}, (), raw.problems), data


def _read_sections(root: Cursor, host: Host, data: dict[str, DataPart]) -> Sections:
    run = read_run(root)
    inputs = read_inputs(root, run.dtype)
    check_fields(root, inputs, data)
    return Sections(run, inputs, data, read_training(root, host))


def _answers(data: Mapping[str, DataPart]) -> Any:
    """What `$data.*` can ask: the training part, or else the first; `BROKEN` if there is none that could be read."""
    part = data.get("train") or next(iter(data.values()), None)
    return BROKEN if part is None else {"examples": part.description.examples, **part.description.values}


def _keys(root: Cursor, section: str) -> list[str]:
    """The names in a section, of what was refused too, so that those who read it are not refused as well."""
    return list(root.value[section]) if section in root and isinstance(root.value[section], dict) else []


def _read_drafts(root: Cursor, host: Host) -> list[Draft]:
    """The nodes of `net` and `metrics`; where two have one name, neither can be read, so nothing is made of them."""
    first = next(iter(_keys(root, "inputs")), None)
    drafts = [d for section in ("net", "metrics") if section in root for d in draft_nodes(root[section], host, first)]
    doubled: set[str] = set()
    seen: dict[str, KeyPath] = {name: ("inputs", name) for name in _keys(root, "inputs")}
    for draft in drafts:
        if draft.name in seen:
            fact = f"the name `{draft.name}` is taken: inputs, nodes and metrics share their names"
            related = ((seen[draft.name], "first here"),)
            draft.cursor.error("E035", fact, "again here", "rename one of them", key=True, related=related)
            doubled.add(draft.name)
        seen.setdefault(draft.name, draft.cursor.path)
    for draft in drafts:
        draft.block = None if draft.name in doubled else draft.block
    return drafts


def _paths(root: Cursor, drafts: list[Draft]) -> dict[str, KeyPath]:
    """Where each input and node is written, in the order of the file."""
    paths: dict[str, KeyPath] = {name: ("inputs", name) for name in _keys(root, "inputs")}
    for draft in drafts:
        paths.setdefault(draft.name, draft.cursor.path)
    return paths


def _metrics(drafts: list[Draft], assembly: Assembly) -> dict[str, Node]:
    """The nodes of `metrics`; complains about those whose outputs do not add up over batches."""
    nodes = {node.name: node for node in assembly.graph.nodes}
    found = {d.name: nodes[d.name] for d in drafts if d.section == "metrics" and d.name in nodes}
    for draft in drafts:
        node = found.get(draft.name)
        shapes = [tuple(assembly.specs[v].shape) for v in node.outputs] if node else []
        per_example = next((s for s in shapes if s[:1] == (0,) or (s and not hasattr(draft.block, "result"))), None)
        if per_example is not None:
            fact = f"metric `{draft.name}` has shape {show_shape(per_example)}; it must be a number that adds up"
            help = "use a metric such as `accuracy`, or a loss"
            draft.cursor.error("E037", fact, "not a number", help, key=True)
    return found
