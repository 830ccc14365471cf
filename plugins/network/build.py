"""From a network file to a network, with everything that is wrong with the file said in one pass."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from blockrun.core import GraphError, Node
from blockrun.core.assemble import Assembly, assemble
from blockrun.core.graph import order
from blockrun.core.shapes import show_shape
from blockrun.plugins.host import Host

from .diagnostics import did_you_mean
from .experiment import Sections, check_fields, check_top, read_data, read_inputs, read_run, read_training
from .network import Network
from .nodes import Draft, Wiring, draft_nodes
from .reader import Cursor, Problems
from .scan import Document, read_document
from .settings import host_for
from .values import Substitution, apply_override


def load(file: str | Path, *overrides: str, host: Host | None = None) -> Network:
    """The network that `file` describes, with `key=value` overrides such as `"net.fc1.units=64"`.

    Raises `ConfigError` with every error found, each with its place in the file.
    """
    document = read_document(file)
    for text in overrides:
        apply_override(document, text)
    return build(document, host)


def build(document: Document, host: Host | None = None) -> Network:
    """The network that a parsed document describes; raises `ConfigError`."""
    problems = Problems(document)
    root = Cursor(document.data, (), problems)
    if not root.is_map("a map such as `blockrun: 1`, `inputs:`, `net:`"):
        problems.stop_if_any()
    check_top(root)
    host = host_for(root, host)
    return _Builder(root, host).build()


class _Builder:
    """Holds what the passes over one document hand to one another."""

    def __init__(self, root: Cursor, host: Host) -> None:
        self.raw = root
        self.host = host
        self.problems = root.problems
        self.document = root.problems.document
        self.data_values: dict[str, Any] = {}

    def build(self) -> Network:
        values = Substitution(self.document, self.problems, lambda: self.data_values)
        data = {}
        if "data" in self.raw:
            settled = Cursor(values.resolve(self.raw["data"].value, ("data",)), ("data",), self.problems)
            data = read_data(settled, self.host, self.document.folder)
            self.data_values = self._data_values(data)
        resolved = {
            key: settled.value if key == "data" else values.resolve(value, (key,))
            for key, value in self.raw.value.items()
        }
        root = Cursor(resolved, (), self.problems)
        run = read_run(root)
        sections = Sections(run, read_inputs(root, run.dtype), data, read_training(root, self.host))
        check_fields(root, sections.inputs, data)
        drafts, nodes = self._nodes(root, sections)
        complete = len(nodes) == len(drafts) and len(sections.inputs) == len(self._input_names(root))
        assembly = self._assemble(nodes, sections, complete)
        self._check_ties(drafts, nodes, assembly)
        objective = self._objective(root, drafts, assembly)
        self.problems.stop_if_any()
        metrics = {
            d.name: n for d in drafts if d.section == "metrics" for n in assembly.graph.nodes if n.name == d.name
        }
        return Network(self.document, self.host, sections, assembly, objective, metrics, resolved, self._local_code())

    def _local_code(self) -> tuple[Path, ...]:
        section = self.document.data.get("plugins") or {}
        return tuple(self.document.folder / path for path in section.get("local", ()))

    def _data_values(self, data: dict[str, Any]) -> dict[str, Any]:
        part = data.get("train") or next(iter(data.values()), None)
        return {} if part is None else {"examples": part.description.examples, **part.description.values}

    def _nodes(self, root: Cursor, sections: Sections) -> tuple[list[Draft], list[Node]]:
        drafts: list[Draft] = []
        for section in ("net", "metrics"):
            if section in root:
                drafts += draft_nodes(root[section], self.host, next(iter(sections.inputs), None))
        self._refuse_doubles(drafts, sections)
        wiring = Wiring(self._input_names(root), drafts)
        wired = [wiring.node(draft) for draft in drafts]
        return drafts, [node for node in wired if node is not None]

    def _input_names(self, root: Cursor) -> list[str]:
        """All inputs by name, those that were refused too, so that their readers are not refused as well."""
        return list(root.value["inputs"]) if isinstance(root.value.get("inputs"), dict) else []

    def _refuse_doubles(self, drafts: list[Draft], sections: Sections) -> None:
        seen: dict[str, Any] = {name: ("inputs", name) for name in sections.inputs}
        for draft in drafts:
            if draft.name in seen:
                first = ((seen[draft.name], "first here"),)
                message = f"the name `{draft.name}` is taken"
                self.problems.add("E035", message, draft.cursor.path, "again here", key=True, related=first)
            seen.setdefault(draft.name, draft.cursor.path)

    def _assemble(self, nodes: list[Node], sections: Sections, complete: bool) -> Assembly:
        """Discover the shapes of the nodes that could be made; those that wait for a broken one are left out.

        Unless everything before was right (`complete`), a variable that nothing produces is no news.
        """
        specs = {name: given.spec for name, given in sections.inputs.items()}
        failures: list[tuple[Node, Exception]] = []
        try:
            report = lambda node, error: failures.append((node, error))  # noqa: E731
            assembly = assemble(order(nodes), specs, np.dtype(sections.run.dtype), report)
        except GraphError as error:
            at = next((node.name for node in nodes if f"`{node.name}`" in str(error)), "")
            self.problems.add("E034", str(error), self._path(at), key=True)
            return assemble([], specs)
        for node, error in failures:
            if complete or not _only_missing(error):
                self._report_failure(node, error, assembly)
        return assembly

    def _path(self, name: str) -> tuple[str, ...]:
        return ("metrics" if name in self.document.data.get("metrics", {}) else "net", name)

    def _report_failure(self, node: Node, error: Exception, assembly: Assembly) -> None:
        chain = [f"{v} {show_shape(tuple(assembly.specs[v].shape))}" for v in _upstream(node, assembly)]
        message = f"node `{node.name}`: {error}" if str(error) else f"node `{node.name}`: {type(error).__name__}"
        source = next((v for v in node.inputs if v is not None), None)
        at = ("inputs", str(source)) if source in (self.document.data.get("inputs") or {}) else self._path(str(source))
        related = ((at, "this is what it reads"),) if source and self.problems.document.places.get(at) else ()
        code = "E040" if isinstance(error, GraphError) else "E042"
        note = "" if isinstance(error, GraphError) else f" ({type(error).__name__} in {node.block!r})"
        help = "shapes so far: " + " → ".join([*chain, node.name]) if chain else ""
        self.problems.add(code, message + note, self._path(node.name), "here", help, key=True, related=related)

    def _check_ties(self, drafts: list[Draft], nodes: list[Node], assembly: Assembly) -> None:
        """A parameter that is tied to must be one that its own node makes."""
        made = {v for n in assembly.graph.nodes for k, v in n.params.items() if v == f"{n.owner or n.name}.{k}"}
        assembled = {node.name for node in assembly.graph.nodes}
        paths = {draft.name: draft.cursor.path for draft in drafts}
        for node in nodes:
            for name, variable in node.params.items():
                maker = variable.rpartition(".")[0]
                if variable in made or variable in assembly.graph.writer or maker not in assembled:
                    continue
                path = (*paths[node.name], "params", name)
                self.problems.add("E033", f"no node makes `{variable}`", path, help=did_you_mean(variable, made))

    def _objective(self, root: Cursor, drafts: list[Draft], assembly: Assembly) -> dict[str, float]:
        weights, places = self._weights(root, drafts)
        for name, cursor in places.items():
            spec = assembly.specs.get(name)
            if spec is None and not any(draft.name == name for draft in drafts):
                known = [n for n, s in assembly.specs.items() if s.shape == ()]
                cursor.error("E036", f"unknown variable `{name}` to minimise", help=did_you_mean(name, known))
            elif spec is not None and spec.shape != ():
                help = "minimise a loss, such as softmax_cross_entropy or sum_of_squares"
                cursor.error("E036", f"`{name}` has shape {show_shape(spec.shape)}; it must be a scalar", help=help)
        return weights

    def _weights(self, root: Cursor, drafts: list[Draft]) -> tuple[dict[str, float], dict[str, Cursor]]:
        section = root["train"] if "train" in root and isinstance(root["train"].value, dict) else None
        if section is None or "minimize" not in section:
            last = next((d for d in reversed(drafts) if d.section == "net"), None)
            if last is None:
                return {}, {}
            return {last.name: 1.0}, {last.name: last.cursor} if section is not None else {}
        cursor = section["minimize"]
        if isinstance(cursor.value, dict):
            found = {name: cursor.get(name, float, 1.0) for name in cursor.value}
            return found, {name: cursor[name] for name in cursor.value}
        names = cursor.value if isinstance(cursor.value, list) else [cursor.value]
        return {str(name): 1.0 for name in names}, {str(name): cursor for name in names}


def _only_missing(error: Exception) -> bool:
    return "which nothing produces" in str(error)


def _upstream(node: Node, assembly: Assembly) -> list[str]:
    """The chain of first inputs that leads to `node`, the last few of it."""
    chain: list[str] = []
    at = next((v for v in node.inputs if v is not None), None)
    while at is not None and at in assembly.specs and len(chain) < 4:
        chain.append(at)
        writer = assembly.graph.writer.get(at)
        reads = assembly.graph.nodes[writer].inputs if writer is not None else ()
        at = next((v for v in reads if v is not None), None)
    return chain[::-1]
