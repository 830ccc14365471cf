"""From wired nodes to a graph with every shape known, or to what is wrong with the shapes, node by node."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from graphlib import CycleError, TopologicalSorter
from itertools import pairwise
from math import prod
from pathlib import Path
from traceback import extract_tb
from typing import Any

import numpy as np

from blockrun.core import GraphError, Node, Spec
from blockrun.core.assemble import Assembly, assemble
from blockrun.core.graph import order
from blockrun.core.shapes import ShapeError, show_shape
from blockrun.plugins.suggest import did_you_mean

from .document import KeyPath
from .reader import Problems

CHAIN = 5  # nodes of which the shapes are shown
BROADCAST = re.compile(r"operands could not be broadcast together with .*")  # NumPy's, of a batch of two
TOO_BIG = re.compile(r"array is too big|[Mm]aximum (allowed|supported) |iterator is too large")
BUG = "this is a bug in the plugin that offers the block"


def discover(
    nodes: list[Node], specs: Mapping[str, Spec], dtype: Any, paths: Mapping[str, KeyPath], lost: set[str],
    problems: Problems,
) -> Assembly:  # fmt: skip
    """Assemble the nodes that can be, and complain about those that cannot.

    `paths` is where each node and input is written. A node that reads one of `lost`, which could not be made, is left
    out in silence: it may be right.
    """
    report = _Report(paths, problems)
    while loop := _cycle(nodes := _possible(nodes, lost)):
        report.cycle(loop)
        nodes = [node for node in nodes if node.name not in loop]
        lost = lost | set(loop)
    failures: list[tuple[Node, Exception]] = []
    assembly = assemble(order(nodes), specs, np.dtype(dtype), lambda node, error: failures.append((node, error)))
    for node, failure in failures:
        report.failure(node, failure, assembly)
    report.parameters(assembly)
    report.dtypes(assembly, np.dtype(dtype))
    report.memory(assembly)
    return assembly


def _possible(nodes: list[Node], lost: set[str]) -> list[Node]:
    """The nodes that depend on nothing that is lost."""
    readers: dict[str, list[str]] = {}
    for node in nodes:
        for variable in node.reads:
            readers.setdefault(variable.partition(".")[0], []).append(node.name)
    gone, waiting = set(lost), list(lost)
    while waiting:
        more = [name for name in readers.get(waiting.pop(), ()) if name not in gone]
        gone.update(more)
        waiting += more
    return [node for node in nodes if node.name not in gone]


def _cycle(nodes: list[Node]) -> list[str]:
    """The names of nodes each of which reads the one before; empty if there is no such circle."""
    writer = {variable: node.name for node in nodes for variable in node.outputs}
    try:
        TopologicalSorter({n.name: {writer[v] for v in n.reads if v in writer} for n in nodes}).prepare()
    except CycleError as error:
        return list(error.args[1][:-1])
    return []


class _Report:
    """Says what went wrong in assembly in terms of the file."""

    def __init__(self, paths: Mapping[str, KeyPath], problems: Problems) -> None:
        self.paths = paths
        self.problems = problems

    def cycle(self, loop: list[str]) -> None:
        first = min(range(len(loop)), key=lambda i: list(self.paths).index(loop[i]))
        loop = loop[first:] + loop[:first]
        shown = " -> ".join(f"`{name}`" for name in [*loop, loop[0]])
        fact = f"a circle: {shown}, each read by the next" if len(loop) > 1 else f"node `{loop[0]}` reads itself"
        related = [(self.paths[b], f"reads `{a}`") for a, b in pairwise(loop)]
        label = f"reads `{loop[-1]}`"
        help = "a node can only read what is computed without it"
        self.problems.add("E034", fact, self.paths[loop[0]], label, help, key=True, related=related)

    def failure(self, node: Node, error: Exception, assembly: Assembly) -> None:
        """What a block, or the core, said against the inputs of a node."""
        missing = next((i for i, v in enumerate(node.inputs) if v is not None and v not in assembly.specs), None)
        if missing is not None:
            self.unmade(node, missing, assembly)
            return
        code, fact = _classify(node, error)
        notes = [note for note in getattr(error, "__notes__", ()) if not note.startswith("in node ")]
        reads = [v for v in dict.fromkeys(node.inputs) if v in assembly.specs]
        path = self.paths[node.name]
        related = [(self._path(v), f"{v} is {_shape(assembly, v)}") for v in reads[:3]]
        related += [(at, "comes from here") for at in self.problems.document.made_from((*path, "block"), most=1)]
        changes = self.problems.document.changes([path, *map(self._path, reads)])
        notes += [f"changed on the command line: {text}" for text in changes]
        chain = _chain(node, assembly)
        notes += [f"shapes so far: {' -> '.join([*chain, node.name])}"] if chain else []
        label = f"reads {', '.join(f'{v} {_shape(assembly, v)}' for v in reads)}" if reads else ""
        help = f"{BUG}, {node.block.name}" if code == "E043" else _tied_to_an_output(node, assembly)
        self.problems.add(code, fact, path, label, help, True, related, notes)

    def unmade(self, node: Node, index: int, assembly: Assembly) -> None:
        """An input that is a parameter, which the options of its node leave out."""
        variable = str(node.inputs[index])
        owner, _, part = variable.rpartition(".")
        made = [name for name in (*assembly.params, *assembly.state) if name.startswith(f"{owner}.")]
        fact = f"node `{node.name}` reads `{variable}`, a parameter that `{owner}` does not make with these options"
        help = did_you_mean(variable, made, f"`{owner}` makes")
        related = ((self._path(variable), f"makes no `{part}`"),)
        path = (*self.paths[node.name], "in", index)
        self.problems.add("E030", fact, path, "nothing produces this", help, related=related)

    def parameters(self, assembly: Assembly) -> None:
        """Complain about parameters that are used but that the node they are named after does not make."""
        own = {v for n in assembly.graph.nodes for k, v in n.params.items() if v == f"{n.name}.{k}" and not n.owner}
        done = {node.name for node in assembly.graph.nodes}
        for node in assembly.graph.nodes:
            for variable in node.params.values():
                owner = variable.rpartition(".")[0]
                free = variable not in own and variable not in assembly.graph.writer
                if free and owner in done and owner != node.name:
                    self._foreign(node, variable, owner, own)

    def _foreign(self, node: Node, variable: str, owner: str, own: set[str]) -> None:
        part = variable.rpartition(".")[2]
        tied = next((k for k, v in node.params.items() if v == variable), part)
        path = self.paths[node.name]
        said = ((*path, "params", tied), (*path, "share"))
        at = next(filter(self._is_written, said), path)
        fact = f"node `{node.name}` needs `{variable}`, but `{owner}` makes no `{part}`"
        made = [v.rpartition(".")[2] for v in own if v.startswith(f"{owner}.")]
        help = f"`{owner}` makes {' and '.join(sorted(made)) or 'no parameters'}"
        related = ((self.paths[owner], f"makes no `{part}`"),)
        self.problems.add("E033", fact, at, "nothing makes it", help, related=related)

    def dtypes(self, assembly: Assembly, dtype: Any) -> None:
        """Complain about the nodes where integers, mixed in, make the results wider than the network is."""
        wide = {v for v, spec in assembly.specs.items() if spec.dtype.kind == "f" and spec.dtype != dtype}
        for node in assembly.graph.nodes:
            statistics = hasattr(node.block, "result")  # of a metric, which may be wider
            if wide.isdisjoint(node.outputs) or not wide.isdisjoint(node.reads) or statistics:
                continue
            whole = [v for v in node.reads if assembly.specs[v].dtype.kind in "iu"]
            at = whole[0] if whole else node.name
            fact = f"node `{node.name}` reads `{at}`, which is {assembly.specs[at].dtype}, and would compute in float64"
            help = "wire a floating variable, or leave out the `dtype` of the input"
            related = ((self._path(at), f"{assembly.specs[at].dtype}"),) if whole else ()
            label = f"{dtype} is wanted"
            self.problems.add("E041", fact, self.paths[node.name], label, help, key=True, related=related)

    def memory(self, assembly: Assembly) -> None:
        """Complain if the parameters alone are more than the memory of this machine."""
        sizes = {v: prod(p.shape) * np.dtype(assembly.specs[v].dtype).itemsize for v, p in assembly.params.items()}
        total, there = sum(sizes.values()), _memory()
        if total > there:
            largest = max(sizes, key=lambda v: sizes[v])
            node = assembly.makers[largest][0]
            fact = f"the parameters take {_bytes(total)}; this machine has {_bytes(there)} of memory"
            label = f"`{largest}` is {show_shape(tuple(assembly.params[largest].shape))}, {_bytes(sizes[largest])}"
            self.problems.add("E044", fact, self.paths[node], label, key=True)

    def _is_written(self, path: KeyPath) -> bool:
        document = self.problems.document
        return document.written(path) in document.places

    def _path(self, variable: str) -> KeyPath:
        return self.paths.get(variable) or self.paths[variable.rpartition(".")[0]]


def _classify(node: Node, error: Exception) -> tuple[str, str]:
    """The code of an exception from assembly, and the fact in a sentence."""
    text = BROADCAST.sub("these shapes cannot be broadcast together", str(error).replace(str(node), f"`{node.name}`"))
    if isinstance(error, MemoryError) or TOO_BIG.match(text):
        return "E044", f"node `{node.name}`: an array would be larger than any memory"
    if isinstance(error, GraphError) and not isinstance(error, ShapeError):
        return _graph_error(node, text)
    if isinstance(error, ValueError) and text:
        return "E040", f"node `{node.name}`: {text}"
    last = extract_tb(error.__traceback__)[-1]
    where = f"{Path(last.filename).name}:{last.lineno}"
    return "E042", f"node `{node.name}`: block {node.block.name} fails here: {type(error).__name__}: {text} ({where})"


def _graph_error(node: Node, text: str) -> tuple[str, str]:
    """The core's complaints: about nodes that share, about a parameter sized by the batch axis, about the block."""
    if text.startswith("node "):
        return "E033", text
    if text.startswith("params wants"):
        return "E040", f"node `{node.name}`: {text}, and the batch axis counts as 0"
    return "E043", f"node `{node.name}`: {text}"


def _tied_to_an_output(node: Node, assembly: Assembly) -> str:
    """Help for a node that takes what another makes where it may mean the parameter of that."""
    for name, variable in node.params.items():
        if f"{variable}.{name}" in assembly.params:
            return f"did you mean `{variable}.{name}`?"
    return ""


def _shape(assembly: Assembly, variable: str) -> str:
    spec = assembly.specs[variable]
    kind = "" if np.dtype(spec.dtype).kind == "f" else f" {spec.dtype}"
    return f"{show_shape(tuple(spec.shape))}{kind}"


def _chain(node: Node, assembly: Assembly) -> list[str]:
    """The chain of first inputs that leads to `node`, the last few of it, with their shapes."""
    chain: list[str] = []
    at = next((v for v in node.inputs if v is not None), None)
    while at is not None and at in assembly.specs and len(chain) < CHAIN:
        chain.append(f"{at} {_shape(assembly, at)}")
        writer = assembly.graph.writer.get(at)
        reads = assembly.graph.nodes[writer].inputs if writer is not None else ()
        at = next((v for v in reads if v is not None), None)
    return [*(["..."] if at in assembly.specs else []), *chain[::-1]]


def _memory() -> float:
    """The memory of this machine in bytes; unlimited where the system does not tell."""
    names = getattr(os, "sysconf_names", {})
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") if "SC_PHYS_PAGES" in names else float("inf")


def _bytes(size: float) -> str:
    for unit in ("B", "kB", "MB", "GB", "TB", "PB"):
        if size < 1000 or unit == "PB":
            break
        size /= 1000
    return f"{size:.3g} {unit}"
