"""Wiring: what a node reads by default, by list and by name, and which parameters are one."""

import textwrap

import pytest

from blockrun.plugins.host import load_host
from blockrun.plugins.network import load
from blockrun.plugins.network.diagnostics import ConfigError

HOST = load_host(entry_points=False)
LOCAL = '''
"""Blocks with every kind of input."""

from blockrun.core import Block, Param


class Mixed(Block):
    """y = the sum of what is given, each times its weight."""

    def params(self, q, k=None, *xs):
        return {"W": Param((1,), init="ones")}

    def forward(self, ctx, q, k=None, *xs, W):
        return q * W + (0 if k is None else 10 * k) + sum(100 * x for x in xs), None


class Halves(Block):
    """low and high: the two halves of the last axis."""

    outputs = ("low", "high")

    def forward(self, ctx, x):
        half = x.shape[-1] // 2
        return (x[..., :half], x[..., half:]), None
'''


@pytest.fixture
def built(tmp_path):
    """Build a network of these nodes over the inputs x (3), y (3) and z (4)."""
    (tmp_path / "local.py").write_text(LOCAL)

    def build(nodes, *overrides):
        text = "blockrun: 1\nplugins: {local: [local.py]}\ninputs: {x: [3], y: [3], z: [4]}\nnet:\n"
        (tmp_path / "net.yaml").write_text(text + textwrap.indent(textwrap.dedent(nodes).strip(), "  ") + "\n")
        return load(tmp_path / "net.yaml", *overrides, host=HOST)

    return build


def reads(network):
    return {node.name: node.inputs for node in network.graph.nodes}


def codes(build, nodes):
    with pytest.raises(ConfigError) as caught:
        build(nodes)
    return [diagnostic.code for diagnostic in caught.value.diagnostics]


def test_without_in_a_node_reads_the_one_before_and_the_first_the_first_input(built):
    network = built("a: relu\nb: tanh\nc: {block: relu, in: y}\nd: sigmoid")
    assert reads(network) == {"a": ("x",), "b": ("a",), "c": ("y",), "d": ("c",)}


def test_order_in_the_file_does_not_matter_where_in_is_given(built):
    network = built("b: {block: relu, in: a}\na: {block: tanh, in: x}")
    assert reads(network) == {"a": ("x",), "b": ("a",)}


@pytest.mark.parametrize(
    ("wired", "inputs"),
    [
        ("x", ("x",)),
        ("[x]", ("x",)),
        ("[x, y]", ("x", "y")),
        ("[x, y, x, y]", ("x", "y", "x", "y")),
        ("{q: x}", ("x",)),
        ("{k: y, q: x}", ("x", "y")),
        ("{q: x, xs: y}", ("x", None, "y")),
        ("{q: x, k: x, xs: [y, x]}", ("x", "x", "y", "x")),
        ("{q: x, xs: []}", ("x",)),
    ],
)
def test_inputs_by_list_and_by_name(built, wired, inputs):
    assert reads(built(f"a: {{block: mixed, in: {wired}}}"))["a"] == inputs


def test_an_optional_input_left_out_before_one_given_is_computed_without(built):
    network = built("a: {block: mixed, in: {q: x, xs: [y]}}")
    x, y = [[1.0, 2.0, 3.0]], [[1.0, 1.0, 1.0]]
    assert network.forward({"x": x, "y": y})["a"].tolist() == [[101.0, 102.0, 103.0]]


def test_further_outputs_by_name_and_the_bare_name_is_the_first(built):
    network = built("h: {block: halves, in: z}\na: {block: relu, in: h.high}\nb: {block: relu, in: h.low}")
    assert reads(network) == {"h": ("z",), "a": ("h.high",), "b": ("h",)}


def test_a_parameter_can_be_read_as_a_variable(built):
    network = built("fc: {block: linear, units: 2}\nnorm: {block: square, in: fc.W}")
    assert reads(network)["norm"] == ("fc.W",)
    assert network.assembly.specs["norm"].shape == (2, 3)


def test_a_tied_parameter_is_one_whichever_node_comes_first(built):
    network = built("""
        a: {block: linear, units: 3, bias: false, params: {W: b.W}, in: x}
        b: {block: linear, units: 3}
    """)
    assert list(network.params) == ["b.W", "b.b"]
    assert network.assembly.makers["b.W"] == ("a", "W")


def test_a_tie_to_a_tie_and_sharing_with_what_is_tied_lead_to_the_same_parameter(built):
    network = built("""
        a: {block: linear, units: 3, bias: false, in: x}
        b: {block: linear, units: 3, bias: false, params: {W: a.W}, in: x}
        c: {block: linear, units: 3, bias: false, params: {W: b.W}, in: x}
        d: {block: linear, units: 3, bias: false, share: c, in: x}
        e: {block: square, in: d.W}
    """)
    assert list(network.params) == ["a.W"]
    assert reads(network)["e"] == ("a.W",)


def test_a_weight_can_be_computed_by_a_node(built):
    network = built("""
        V: {block: linear, units: 3, in: x}
        W: {block: tanh, in: V.W}
        fc: {block: linear, units: 3, bias: false, params: {W: W}, in: y}
    """)
    assert list(network.params) == ["V.W", "V.b"]


def test_share_makes_one_set_of_parameters_and_state(built):
    network = built("""
        left: {block: batch_norm, in: x}
        right: {block: batch_norm, share: left, in: y}
        again: {block: batch_norm, share: right, in: x}
    """)
    assert {name.partition(".")[0] for name in (*network.params, *network.state)} == {"left"}


def test_a_node_that_shares_may_use_fewer_parameters_but_not_others(built):
    built("a: {block: linear, units: 3}\nb: {block: linear, units: 3, bias: false, share: a, in: x}")
    assert codes(built, "a: {block: linear, units: 3, bias: false}\nb: {block: linear, units: 3, share: a}") == ["E033"]


@pytest.mark.parametrize(
    ("nodes", "code"),
    [
        ("a: {block: relu, in: [x, y]}", "E031"),
        ("a: {block: mixed, in: {k: y}}", "E031"),
        ("a: {block: mixed, in: {q: x, v: y}}", "E032"),
        ("a: {block: mixed, in: {q: x, xs: [y, w]}}", "E030"),
        ("a: {block: mixed, in: [[x]]}", "E030"),
        ("a: {block: mixed, in: [x, null]}", "E030"),
        ("h: {block: halves, in: z}\na: {block: relu, in: h.middle}", "E030"),
        ("a: {block: linear, units: 3, params: {W: b.W}}\nb: {block: linear, units: 3, params: {W: a.W}}", "E033"),
        ("a: {block: linear, units: 3, params: W}", "E004"),
        ("a: {block: linear, units: 3, bias: false, params: {b: b.b}}\nb: {block: linear, units: 3}", "E033"),
        ("a: {block: linear, units: 3, share: a}", "E033"),
        ("a: {block: linear, units: 3, share: [a]}", "E033"),
    ],
)
def test_wrong_wiring_is_one_error(built, nodes, code):
    assert set(codes(built, nodes)) == {code}


READERS = """
second: {block: linear, units: 4}
third: {block: add, in: [second, first, y]}
"""
USERS = """
fourth: {block: relu, in: first.h}
fifth: {block: linear, units: 2, share: first}
sixth: {block: linear, units: 3, params: {W: first.W}}
"""


@pytest.mark.parametrize(
    "broken",
    [
        "{block: linear, units: 3, in: w}",
        "{block: linear, units: 3, params: {W: nothing}}",
        "{block: linear, units: 3, share: second, params: {b: first.b}}",
        "{block: flatten, in: fc.W.x}",
        "{block: add, in: [x, z]}",
        "{block: relu, in: first}",
    ],
)
def test_what_reads_a_broken_node_is_not_blamed(built, broken):
    """Whatever is wrong with `first` is said once, although everything after it, of any shape, depends on it."""
    assert len(codes(built, f"first: {broken}\n{READERS}")) == 1


@pytest.mark.parametrize(
    "broken",
    ["{block: linaer, units: 3}", "{block: linear, units: $w}", "{block: linear, unit: 3}", "{block: linear}",
     "[linear]", "3", "", "!!map {block: relu}", "{<<: {block: relu}}", "*a", "{block: linear, units: 3, repeat: two}"],
)  # fmt: skip
def test_of_a_node_that_could_not_be_made_any_output_and_parameter_is_believed(built, broken):
    assert len(codes(built, f"first: {broken}\n{READERS}{USERS}")) == 1


def test_a_cycle_is_named_with_every_node_in_it(built):
    with pytest.raises(ConfigError) as caught:
        built("a: {block: add, in: [x, c]}\nb: relu\nc: tanh\nd: {block: relu, in: z}\ne: {block: add, in: [d, x]}")
    cycle, shape = caught.value.diagnostics
    assert cycle.message == "a circle: `a` -> `b` -> `c` -> `a`, each read by the next"
    assert [mark.line for mark, _ in cycle.related] == [6, 7]
    assert shape.code == "E040"  # and what is wrong elsewhere is said as well


def test_the_place_of_a_node_is_that_in_the_file(built, tmp_path):
    assert built("a: relu").graph.nodes[0].place == f"{tmp_path / 'net.yaml'}:5:3"
