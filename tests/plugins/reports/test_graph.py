"""The picture of a network: what is drawn, and that no name can be taken for syntax."""

import json
import re
import shutil
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner, Result

import blockrun
from blockrun.plugins.commands.main import main
from blockrun.plugins.reports.graph import Edge, Picture, Vertex, picture, to_dot, to_mermaid, to_svg

CONFIGS = Path(__file__).parents[3] / "configs"
HOSTILE = 'a"b]; c -> d <script>&amp; #35; `x` \\" | {'
needs_dot = pytest.mark.skipif(shutil.which("dot") is None, reason="Graphviz is not installed")

SHARED = """\
flowchart TD
  n0(["x: (N, 2)"]):::input
  n1(["y: (N, 2)"]):::input
  n2[/"first.W: (2, 2)"/]:::parameter
  n3["first: linear<br/>units 2, bias false"]
  n4["second: linear<br/>units 2, bias false"]
  n5["J: sum_of_squares<br/>minimised"]:::objective
  n0 -->|"(N, 2)"| n3
  n2 -.->|"(2, 2)"| n3
  n3 -->|"(N, 2)"| n4
  n2 -.->|"(2, 2)"| n4
  n4 -->|"(N, 2)"| n5
  n1 -->|"(N, 2)"| n5
"""


def graph(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["graph", *arguments])


def hostile() -> Picture:
    return Picture((Vertex("x", "input", ("scalar",)), Vertex(HOSTILE, "node", (HOSTILE,))), (Edge("x", HOSTILE, ""),))


def test_a_shared_parameter_is_dashed_and_the_objective_is_marked():
    result = graph(str(CONFIGS / "kamper_shared.yaml"))
    assert result.exit_code == 0
    assert result.stdout.startswith(SHARED)


def test_only_shared_parameters_are_drawn():
    kinds = {vertex.kind for vertex in picture(blockrun.load(CONFIGS / "digits.yaml")).vertices}
    assert kinds == {"input", "node", "metric", "objective"}


def test_every_read_of_the_scalar_example_is_an_edge():
    """The graph of Kamper, section 3: x and y are each read twice."""
    drawn = picture(blockrun.load(CONFIGS / "kamper_scalar.yaml"))
    assert {f"{e.source}{e.target}" for e in drawn.edges} == {"ya", "xb", "ab", "xc", "cd", "yd", "de", "bf", "ef"}


def test_a_state_that_is_shared_leads_from_the_node_that_moves_it_first(tmp_path):
    (tmp_path / "net.yaml").write_text(
        "blockrun: 1\ninputs: {x: [3]}\nnet:\n  a: batch_norm\n  b: {block: batch_norm, share: a}\n"
    )
    drawn = picture(blockrun.load(tmp_path / "net.yaml"))
    assert {v.name for v in drawn.vertices if v.kind == "parameter"} == {"a.gamma", "a.beta"}
    assert Edge("a", "b", "new_mean (3,)", parameter=True) in drawn.edges


def test_options_are_shown_unless_they_are_the_default():
    drawn = picture(blockrun.load(CONFIGS / "digits.yaml"))
    lines = {vertex.name: vertex.lines for vertex in drawn.vertices}
    assert lines["conv1"] == ("conv2d", "channels 16, kernel 3, pad same,", "bias false")
    assert lines["drop3"] == ("dropout",)


def test_a_weight_in_the_objective_is_shown(tmp_path):
    (tmp_path / "net.yaml").write_text(
        "blockrun: 1\ninputs: {x: [3]}\nnet:\n  loss: {block: sum_of_squares, in: [x, x]}\n"
        "train: {minimize: {loss: 0.5}, epochs: 1, optimizer: sgd}\n"
    )
    drawn = picture(blockrun.load(tmp_path / "net.yaml"))
    assert drawn.vertices[-1].lines == ("sum_of_squares", "minimised, times 0.5")


def test_names_cannot_be_taken_for_mermaid():
    """Mermaid's only way to write a character literally is its number, as in #34; for a quotation mark."""
    line = to_mermaid(hostile()).splitlines()[2]
    label = re.fullmatch(r'  n1\["(.*)"\]', line)
    assert label is not None
    assert not set(re.sub(r"#\d+;|<br/>", "", label[1])) & set('"#<>&;[]{}|`\\')
    unescaped = re.sub(r"#(\d+);", lambda m: chr(int(m[1])), label[1])
    assert unescaped == f"{HOSTILE}: {HOSTILE}"


def test_names_cannot_be_taken_for_dot():
    quoted = r'"((?:[^"\\]|\\.)*)"'
    line = to_dot(hostile()).splitlines()[5]
    found = re.fullmatch(rf"  {quoted} \[label={quoted}, shape=box\];", line)
    assert found is not None
    assert re.sub(r"\\(.)", r"\1", found[1]).replace("&amp;", "&") == HOSTILE


@needs_dot
def test_graphviz_reads_names_as_they_are():
    texts = [element.text for element in ElementTree.fromstring(to_svg(hostile())).iter() if element.text]
    assert f"{HOSTILE}: {HOSTILE}" in [text.replace("\u00a0", " ") for text in texts]


@needs_dot
@pytest.mark.parametrize("config", ["digits", "kamper_scalar", "kamper_shared"])
def test_the_picture_has_every_vertex_and_edge(config):
    drawn = picture(blockrun.load(CONFIGS / f"{config}.yaml"))
    result = graph(str(CONFIGS / f"{config}.yaml"), "--format", "svg")
    groups = [element.get("class") for element in ElementTree.fromstring(result.stdout.encode()).iter()]
    assert (groups.count("node"), groups.count("edge")) == (len(drawn.vertices), len(drawn.edges))


def test_without_graphviz_the_error_says_so(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    result = graph(str(CONFIGS / "digits.yaml"), "--format", "svg")
    assert (result.exit_code, result.stdout) == (3, "")
    assert "Graphviz, which is not on PATH" in result.stderr


def test_a_graphviz_that_fails_is_an_error_with_what_it_said(monkeypatch, tmp_path):
    (tmp_path / "dot").write_text("#!/bin/sh\necho 'no fonts' >&2\nexit 1\n")
    (tmp_path / "dot").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    result = graph(str(CONFIGS / "kamper_scalar.yaml"), "--format", "svg")
    assert result.exit_code == 3
    assert "cannot draw this network: no fonts" in result.stderr


def test_the_object_lists_vertices_and_edges():
    data = json.loads(graph(str(CONFIGS / "kamper_shared.yaml"), "--json").stdout)
    assert data["vertices"][2] == {"name": "first.W", "kind": "parameter", "lines": ["(2, 2)"]}
    assert data["edges"][1] == {"source": "first.W", "target": "first", "label": "(2, 2)", "parameter": True}


def test_scopes_are_clusters_in_clusters():
    names = ("x", "stage/0/fc", "stage/0/act", "stage/1/fc", "loss")
    edges = tuple(Edge(a, b, "(N, 4)") for a, b in pairwise(names))
    drawn = Picture(tuple(Vertex(name, "node", ("linear",)) for name in names), edges)
    mermaid = to_mermaid(drawn).splitlines()
    assert [line.strip() for line in mermaid if "subgraph" in line or line.strip() == "end"] == [
        'subgraph s5["stage"]', 'subgraph s6["stage/0"]', "end", 'subgraph s7["stage/1"]', "end", "end",
    ]  # fmt: skip
    assert '      n1["fc: linear"]' in mermaid
    assert '  n4["loss: linear"]' in mermaid
    dot = to_dot(drawn)
    assert dot.count("subgraph") == 3
    assert 'subgraph "cluster stage/1" {' in dot
    assert dot.count("{") == dot.count("}")
