"""The picture of a network: what is drawn, and how Mermaid and Graphviz want it written."""

from __future__ import annotations

import shutil
import subprocess
import textwrap
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import MISSING, asdict, dataclass
from typing import Any

from blockrun.core import Block, Node
from blockrun.core.options import option_defaults, show
from blockrun.core.shapes import show_shape
from blockrun.plugins.errors import PluginError
from blockrun.plugins.network.network import Network

from .scopes import Scope, scopes

WIDTH = 32  # characters of a line of options
SECONDS = 60  # that `dot` may take
MERMAID_SHAPES = {"input": ('(["', '"])'), "parameter": ('[/"', '"/]'), "metric": ('("', '")')}
MERMAID_CLASSES = {
    "input": "fill:#e8f1fb,stroke:#4878a8,color:#000",
    "parameter": "fill:#fdf3dc,stroke:#b08a2e,color:#000,stroke-dasharray:4 3",
    "metric": "fill:#f2f2f2,stroke:#999,color:#000",
    "objective": "fill:#e6f4e6,stroke:#2e7d32,color:#000,stroke-width:3px",
}
DOT_STYLES = {
    "input": 'shape=box, style="rounded,filled", fillcolor="#e8f1fb", color="#4878a8"',
    "parameter": 'shape=box, style="dashed,filled", fillcolor="#fdf3dc", color="#b08a2e"',
    "metric": 'shape=box, style="rounded,filled", fillcolor="#f2f2f2", color="#999999"',
    "objective": 'shape=box, style=filled, fillcolor="#e6f4e6", color="#2e7d32", penwidth=2.5',
    "node": "shape=box",
}
DOT_CLUSTER = 'style=rounded; color="#bbbbbb"; fontname="Helvetica"; fontsize=10; fontcolor="#777777";'


@dataclass(frozen=True)
class Vertex:
    """An input, a node, or a parameter that is shared; `kind` is input, parameter, node, metric or objective.

    `lines` say what it is: the block or the shape, then the options, then its weight in the objective.
    """

    name: str
    kind: str
    lines: tuple[str, ...]

    @property
    def label(self) -> tuple[str, ...]:
        """The lines that are drawn, with the last part of the name: the scope around it has the others."""
        first, *rest = self.lines
        return (f"{self.name.rpartition('/')[2]}: {first}", *rest)


@dataclass(frozen=True)
class Edge:
    """What `target` reads from `source`; `parameter` tells that it reads it in the place of a parameter.

    `label` is the shape, nothing for a scalar, after the name of the output if it is not the first.
    """

    source: str
    target: str
    label: str
    parameter: bool = False


@dataclass(frozen=True)
class Picture:
    """What is drawn, in the order of the graph."""

    vertices: tuple[Vertex, ...]
    edges: tuple[Edge, ...]

    def as_data(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return asdict(self)


def picture(network: Network) -> Picture:
    """The inputs that are read, the nodes, and those parameters that are read in more than one place."""
    graph = network.graph
    edges = [edge for node in graph.nodes for edge in _edges(network, node)]
    times = Counter(edge.source for edge in edges)
    private = {e.source for e in edges if e.parameter and times[e.source] == 1 and _is_learned(network, e.source)}
    sources = [name for name in (*network.inputs, *network.params, *network.state) if times[name]]
    inputs = [_free(network, name) for name in sources if name not in private]
    nodes = [_vertex(network, node) for node in graph.nodes]
    return Picture((*inputs, *nodes), tuple(edge for edge in edges if edge.source not in private))


def _is_learned(network: Network, name: str) -> bool:
    return name in network.params or name in network.state


def _free(network: Network, name: str) -> Vertex:
    kind = "parameter" if _is_learned(network, name) else "input"
    return Vertex(name, kind, (_shape(network, name) or "scalar",))


def _vertex(network: Network, node: Node) -> Vertex:
    lines = (node.block.name, *textwrap.wrap(_options(node.block), WIDTH))
    if node.name not in network.objective:
        return Vertex(node.name, "metric" if node.name in network.metrics else "node", lines)
    weight = network.objective[node.name]
    return Vertex(node.name, "objective", (*lines, "minimised" + ("" if weight == 1 else f", times {weight:g}")))


def _options(block: Block) -> str:
    """The options that are not at their defaults."""
    defaults = option_defaults(type(block))
    given = {name: getattr(block, name) for name in defaults}
    return ", ".join(
        f"{name} {value if isinstance(value, str) else show(value)}"
        for name, value in given.items()
        if defaults[name] is MISSING or value != defaults[name]
    )


def _edges(network: Network, node: Node) -> Iterable[Edge]:
    for variable in node.inputs:
        if variable is not None:
            yield _edge(network, variable, node.name, False)
    for variable in node.params.values():
        yield _edge(network, variable, node.name, True)


def _edge(network: Network, variable: str, target: str, parameter: bool) -> Edge:
    writer = network.graph.writer.get(variable)
    source = variable if writer is None else network.graph.nodes[writer].name
    output = "" if source == variable else variable.removeprefix(f"{source}.")
    return Edge(source, target, f"{output} {_shape(network, variable)}".strip(), parameter)


def _shape(network: Network, variable: str) -> str:
    shape = tuple(network.assembly.specs[variable].shape)
    return show_shape(shape) if shape else ""


def to_mermaid(drawn: Picture) -> str:
    """As a Mermaid flowchart. Vertices are numbered, so that no name can be taken for syntax."""
    numbers = {vertex.name: f"n{i}" for i, vertex in enumerate(drawn.vertices)}
    lines = ["flowchart TD", *_mermaid_scope(scopes(drawn.vertices), numbers)]
    for edge in drawn.edges:
        arrow = "-.->" if edge.parameter else "-->"
        label = f'|"{_mermaid_text(edge.label)}"|' if edge.label else ""
        lines.append(f"  {numbers[edge.source]} {arrow}{label} {numbers[edge.target]}")
    kinds = {vertex.kind for vertex in drawn.vertices}
    lines += [f"  classDef {kind} {style}" for kind, style in MERMAID_CLASSES.items() if kind in kinds]
    return "\n".join(lines)


def _mermaid_scope(scope: Scope[Vertex], numbers: dict[str, str], indent: str = "  ") -> Iterator[str]:
    for vertex in scope.members:
        before, after = MERMAID_SHAPES.get(vertex.kind, ('["', '"]'))
        label = "<br/>".join(_mermaid_text(line) for line in vertex.label)
        marked = f":::{vertex.kind}" if vertex.kind in MERMAID_CLASSES else ""
        yield f"{indent}{numbers[vertex.name]}{before}{label}{after}{marked}"
    for inner in scope.inner:
        number = numbers.setdefault(f"{inner.name}/", f"s{len(numbers)}")
        yield f'{indent}subgraph {number}["{_mermaid_text(inner.name)}"]'
        yield from _mermaid_scope(inner, numbers, indent + "  ")
        yield f"{indent}end"


def _mermaid_text(text: str) -> str:
    """Whatever could be syntax, of Mermaid or of HTML, as a numbered entity."""
    return "".join(c if c.isalnum() or c in " .,:()/_+-=" else f"#{ord(c)};" for c in text)


def to_dot(drawn: Picture) -> str:
    """As a graph for Graphviz."""
    lines = [
        "digraph network {",
        "  graph [ranksep=0.3];",
        '  node [fontname="Helvetica", fontsize=11, margin="0.15,0.08"];',
        '  edge [fontname="Helvetica", fontsize=9, color="#555555", fontcolor="#555555"];',
    ]
    lines += _dot_scope(scopes(drawn.vertices))
    for edge in drawn.edges:
        style = ", style=dashed" if edge.parameter else ""
        ends = f"{_dot_name(edge.source)} -> {_dot_name(edge.target)}"
        lines.append(f'  {ends} [label=" {_dot_text(edge.label)}"{style}];')
    return "\n".join([*lines, "}"])


def _dot_scope(scope: Scope[Vertex], indent: str = "  ") -> Iterator[str]:
    for vertex in scope.members:
        label = r"\n".join(_dot_text(line) for line in vertex.label)
        yield f'{indent}{_dot_name(vertex.name)} [label="{label}", {DOT_STYLES[vertex.kind]}];'
    for inner in scope.inner:
        yield f"{indent}subgraph {_dot_name(f'cluster {inner.name}')} {{"
        yield f"{indent}  label={_dot_name(inner.name)}; {DOT_CLUSTER}"
        yield from _dot_scope(inner, indent + "  ")
        yield f"{indent}}}"


def _dot_name(name: str) -> str:
    return f'"{_dot_text(name)}"'


def _dot_text(text: str) -> str:
    return " ".join(text.split()).replace("\\", "\\\\").replace('"', '\\"').replace("&", "&amp;")


def to_svg(drawn: Picture) -> str:
    """As SVG, laid out by Graphviz; raises `PluginError` if that is not installed or fails."""
    program = shutil.which("dot")
    if program is None:
        raise PluginError(
            "SVG is drawn by `dot` of Graphviz, which is not on PATH",
            help="install Graphviz, for example `apt install graphviz`; or use --format mermaid",
        )
    try:
        done = subprocess.run(
            [program, "-Tsvg"], input=to_dot(drawn), capture_output=True, encoding="utf-8", check=True, timeout=SECONDS
        )
    except (OSError, subprocess.SubprocessError) as error:
        said = str(getattr(error, "stderr", "") or error).strip()
        raise PluginError(f"{program} cannot draw this network: {said}", help="use --format dot") from None
    return done.stdout.rstrip()
