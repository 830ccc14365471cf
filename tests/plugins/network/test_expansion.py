"""Expansion: what templates, repetitions and shared sub-graphs stand for, node by node and parameter by parameter."""

import textwrap

import numpy as np
import pytest

from blockrun.plugins.host import load_host
from blockrun.plugins.network import load
from blockrun.plugins.network.diagnostics import ConfigError

HOST = load_host(entry_points=False)
TEMPLATES = """
  layer:
    args: {width: required, p: 0.0}
    net:
      fc: {block: linear, units: $width}
      act: relu
  block:
    args: {width: 3}
    net:
      first: {use: layer, width: $width}
      second: {use: layer, width: "${2 * width}", in: first}
      back: {block: linear, units: 3}
      sum: {block: add, in: [x, back]}
  cell:
    in: [x, h]
    out: {h: new, s: mix}
    net:
      a: {block: linear, units: 3, in: x}
      b: {block: linear, units: 3, in: h, bias: false}
      mix: {block: add, in: [a, b]}
      new: tanh
"""


@pytest.fixture
def built(tmp_path):
    """Build a network of these nodes over the inputs x (3), y (3) and z (4), with the templates above."""

    def build(nodes, *overrides, templates=TEMPLATES, more=""):
        text = f"blockrun: 1\ninputs: {{x: [3], y: [3], z: [4]}}\ntemplates:{templates}{more}net:\n"
        (tmp_path / "net.yaml").write_text(text + textwrap.indent(textwrap.dedent(nodes).strip(), "  ") + "\n")
        return load(tmp_path / "net.yaml", "run.dtype=float64", *overrides, host=HOST)

    return build


def reads(network):
    return {node.name: node.inputs for node in network.graph.nodes}


def errors(build, nodes, **more):
    with pytest.raises(ConfigError) as caught:
        build(nodes, **more)
    return caught.value.diagnostics


def test_a_template_is_written_out_under_the_name_of_its_use(built):
    network = built("b: {use: block}\nc: {block: relu, in: b}")
    assert reads(network) == {
        "b/first/fc": ("x",),
        "b/first/act": ("b/first/fc",),
        "b/second/fc": ("b/first/act",),
        "b/second/act": ("b/second/fc",),
        "b/back": ("b/second/act",),
        "b/sum": ("x", "b/back"),
        "c": ("b/sum",),
    }
    assert network.params["b/first/fc.W"].shape == (3, 3)
    assert network.params["b/second/fc.W"].shape == (6, 3)


def test_a_template_computes_what_its_nodes_do_written_by_hand(built):
    by_use = built("b: {use: block, width: 4}")
    by_hand = built("""
        b1: {block: linear, units: 4, in: x}
        b2: relu
        b3: {block: linear, units: 8}
        b4: relu
        b5: {block: linear, units: 3}
        b6: {block: add, in: [x, b5]}
    """)
    names = {"b1": "b/first/fc", "b3": "b/second/fc", "b5": "b/back"}
    for mine, theirs in names.items():
        for part in "Wb":
            by_hand.params[f"{mine}.{part}"] = by_use.params[f"{theirs}.{part}"]
    x = np.random.default_rng(0).standard_normal((5, 3))
    assert np.array_equal(by_use.forward({"x": x})["b/sum"], by_hand.forward({"x": x})["b6"])


def test_inputs_by_list_and_by_name_and_public_outputs(built):
    network = built("""
        c: {use: cell, in: [x, y]}
        d: {use: cell, in: {h: c, x: y}}
        e: {block: add, in: [d, d.h, d.s, c.s]}
    """)
    wiring = reads(network)
    assert (wiring["c/a"], wiring["c/b"]) == (("x",), ("y",))
    assert (wiring["d/a"], wiring["d/b"]) == (("y",), ("c/new",))
    assert wiring["e"] == ("d/new", "d/new", "d/mix", "c/mix")


@pytest.mark.parametrize(
    ("out", "read"),
    [("", "d/b"), ("out: a,", "d/a"), ("out: [a, b],", "d/a"), ("out: {one: b, two: a},", "d/b"), ("out: x,", "x")],
)
def test_the_bare_name_is_the_first_public_output_by_default_the_last_node(built, out, read):
    template = f"  t: {{{out} net: {{a: relu, b: tanh}}}}\n"
    assert reads(built("d: {use: t, in: x}\ne: {block: relu, in: d}", more=template))["e"] == (read,)


def test_names_are_local_and_shadow_and_are_looked_up_outwards(built):
    inner = "  inner: {net: {a: {block: add, in: [x, y, mask]}}}\n"
    outer = "  outer: {net: {mask: tanh, y: relu, b: {use: inner, in: x}}}\n"
    nodes = "mask: {block: sigmoid, in: y}\nu: {use: outer, in: mask}\nw: {use: inner, in: x}"
    network = built(nodes, more=inner + outer)
    wiring = reads(network)
    assert wiring["u/b/a"] == ("mask", "u/y", "u/mask")  # x is what `b` reads, the rest is found in `u`
    assert wiring["w/a"] == ("x", "y", "mask")


def test_nodes_inside_are_read_by_their_path(built):
    network = built("b: {use: block}\nc: {block: relu, in: b/first/fc}\nd: {block: square, in: b/back.W}")
    assert reads(network)["c"] == ("b/first/fc",)
    assert reads(network)["d"] == ("b/back.W",)


def test_arguments_see_the_variables_around_and_defaults_the_other_arguments(built):
    args = "{width: $width, hidden: '${2 * width}', n: required}"
    net = "{a: {block: linear, units: $hidden}, b: {block: linear, units: $n}}"
    template = f"  t: {{args: {args}, net: {net}}}\nvars: {{width: 7}}\n"
    network = built("u: {use: t, n: $width}\nv: {use: t, width: 5, n: '${width + 1}'}", more=template)
    sizes = {name: p.shape[0] for name, p in network.params.items() if name.endswith("W")}
    assert sizes == {"u/a.W": 14, "u/b.W": 7, "v/a.W": 10, "v/b.W": 8}


def test_another_use_does_not_change_the_first_values_of_the_others(built):
    one, two = built("b: {use: block}"), built("a: {use: block, in: y}\nb: {use: block, in: x}")
    assert np.array_equal(one.params["b/back.W"], two.params["b/back.W"])


def test_a_number_of_copies_is_a_chain_through_their_first_inputs(built):
    network = built("a: {block: linear, units: 3, repeat: 3}\nb: relu\nc: {use: cell, in: [b, y], repeat: 2}")
    wiring = reads(network)
    assert [wiring[name] for name in ("a/0", "a/1", "a/2", "b")] == [("x",), ("a/0",), ("a/1",), ("a/2",)]
    assert (wiring["c/0/a"], wiring["c/0/b"]) == (("b",), ("y",))
    assert (wiring["c/1/a"], wiring["c/1/b"]) == (("c/0/new",), ("y",))
    assert {name for name in network.params if name.startswith("a")} == {f"a/{i}.{p}" for i in range(3) for p in "Wb"}


def test_copies_of_a_block_that_reads_many_chain_the_first_and_keep_the_rest(built):
    assert reads(built("a: {block: add, in: [x, y], repeat: 2}")) == {"a/0": ("x", "y"), "a/1": ("a/0", "y")}


def test_no_copies_stand_for_what_they_would_have_read(built):
    network = built("a: {use: block, in: y, repeat: 0}\nb: {block: linear, units: 2, repeat: 0}\nc: relu")
    assert reads(network) == {"c": ("y",)}
    assert not network.params


def test_copies_that_share_have_one_set_of_parameters_under_the_name_of_the_repetition(built):
    network = built("""
        a: {use: layer, width: 3, repeat: {times: 3, share: true}}
        b: {block: linear, units: 3, repeat: {times: 2, share: true}}
    """)
    assert list(network.params) == ["a/fc.W", "a/fc.b", "b.W", "b.b"]
    x = np.random.default_rng(0).standard_normal((4, 3))
    W, b, V, c = network.params.values()
    y = x
    for _ in range(3):
        y = np.maximum(y @ W.T + b, 0)
    for _ in range(2):
        y = y @ V.T + c
    np.testing.assert_allclose(network.forward({"x": x})["b/1"], y, rtol=1e-13)


def test_the_parameters_of_copies_that_share_can_be_read_and_tied_without_saying_which_copy(built):
    network = built("""
        a: {use: layer, width: 3, repeat: {times: 2, share: true}}
        b: {block: linear, units: 3, params: {W: a/fc.W}}
        c: {block: linear, units: 3, repeat: {times: 2, share: true}}
        d: {block: square, in: c.W}
        e: {block: linear, units: 3, params: {W: a/1/fc.W, b: c/0.b}, in: x}
    """)
    assert list(network.params) == ["a/fc.W", "a/fc.b", "b.b", "c.W", "c.b"]
    assert reads(network)["d"] == ("c.W",)


def test_carry_start_and_what_is_the_same_for_all(built):
    network = built("""
        r: {use: cell, in: {x: x}, repeat: {times: 3, share: true, carry: {h: h}, start: {h: y}}}
        s: {block: add, in: [r, r.s, r/0]}
    """)
    wiring = reads(network)
    assert [wiring[f"r/{i}/a"] for i in range(3)] == [("x",)] * 3
    assert [wiring[f"r/{i}/b"] for i in range(3)] == [("y",), ("r/0/new",), ("r/1/new",)]
    assert wiring["s"] == ("r/2/new", "r/2/mix", "r/0/new")
    assert set(network.params) == {"r/a.W", "r/a.b", "r/b.W"}


def test_what_the_first_copy_reads_may_be_said_by_in(built):
    network = built("r: {use: cell, in: [x, y], repeat: {times: 2, carry: {h: s}}}")
    assert reads(network)["r/1/b"] == ("r/0/mix",)
    assert reads(network)["r/1/a"] == ("x",)


def test_the_first_copy_may_have_other_options(built):
    network = built("a: {use: layer, width: 3, repeat: {times: 2, first: {width: 3, p: 0.5}}, in: z}\n"
                    "b: {block: linear, units: 2, repeat: {times: 3, first: {units: 5, bias: false}}}")  # fmt: skip
    shapes = {name: p.shape for name, p in network.params.items()}
    assert shapes["a/0/fc.W"] == (3, 4)
    assert [shapes[f"b/{i}.W"] for i in range(3)] == [(5, 3), (2, 5), (2, 2)]
    assert "b/0.b" not in shapes


def test_repetitions_inside_repetitions(built):
    template = "  deep: {net: {a: {block: linear, units: 3, repeat: 2}, b: {block: add, in: [a, x]}}}\n"
    network = built("d: {use: deep, repeat: {times: 2, share: true}}", more=template)
    assert list(network.params) == ["d/a/0.W", "d/a/0.b", "d/a/1.W", "d/a/1.b"]
    assert reads(network)["d/1/a/1"] == ("d/1/a/0",)


def test_a_sub_graph_shares_with_another_whatever_comes_first(built):
    nodes = ["left: {use: block, in: x}", "right: {use: block, share: left, in: y}"]
    for order in (nodes, nodes[::-1]):
        network = built("\n".join(order))
        assert {name.partition("/")[0] for name in network.params} == {"left"}
        same = network.forward({"x": np.ones((2, 3)), "y": np.ones((2, 3))})
        assert np.array_equal(same["left/sum"], same["right/sum"])


def test_sharing_goes_through_sharing_repetitions_and_ties(built):
    network = built("""
        one: {use: block, repeat: 2}
        two: {use: block, repeat: 2, share: one, in: y}
        three: {use: block, repeat: 2, share: two, in: y}
        four: {block: linear, units: 3, share: one/1/first/fc, in: y}
        five: {block: linear, units: 3, params: {W: three/0/first/fc.W}, in: y}
    """)
    assert {name.partition("/")[0] for name in network.params} == {"one", "five.b"}
    assert len(network.params) == 13


def test_of_a_repetition_that_shares_with_fewer_copies_only_those_are_read(built):
    found = errors(built, "one: {use: layer, width: 3, repeat: 2}\ntwo: {use: layer, width: 3, repeat: 3, share: one}")
    assert [error.code for error in found] == ["E033"]
    assert "`two/2/fc` would share with `one/2/fc`, which is not there" in found[0].message
    built("one: {use: layer, width: 3, repeat: 3}\ntwo: {use: layer, width: 3, repeat: 2, share: one}")


def test_the_gradient_of_what_is_shared_is_the_sum_over_its_uses(built):
    """∂/∂W of ‖W x − W y‖² = 2 W (x − y) (x − y)ᵀ."""
    template = "  t: {net: {fc: {block: linear, units: 2, bias: false}}}\n"
    nodes = "a: {use: t, in: x}\nb: {use: t, share: a, in: y}\nloss: {block: sum_of_squares, in: [a, b]}"
    network = built(nodes, more=template)
    x, y = np.random.default_rng(1).standard_normal((2, 1, 3))
    W = network.params["a/fc.W"]
    (found,) = network.gradients({"x": x, "y": y}).values()
    np.testing.assert_allclose(found, 2 * W @ (x - y).T @ (x - y), rtol=1e-12)


def test_when_false_makes_a_node_another_name_for_what_it_reads(built):
    network = built("""
        a: {block: linear, units: 3}
        b: {block: dropout, when: false}
        c: {use: block, when: "${1 > 2}"}
        d: {block: add, in: [b, c, y], when: false}
        e: {block: relu, when: true}
    """)
    assert reads(network) == {"a": ("x",), "e": ("a",)}


def test_what_is_left_out_is_still_checked(built):
    nodes = "a: {block: dropout, p: 2, when: false}\nb: {use: layer, widht: 3, when: false}"
    found = errors(built, nodes + "\nc: {block: relu, in: nix, when: false}")
    assert [error.code for error in found] == ["E011", "E012", "E030"]


def test_what_is_tied_to_what_is_left_out_keeps_the_name(built):
    network = built("a: {block: linear, units: 3, when: false}\nb: {block: linear, units: 3, params: {W: a.W}, in: x}")
    assert list(network.params) == ["a.W", "b.b"]


def test_hundreds_of_nodes_that_are_left_out_in_a_row_are_one_name(built):
    nodes = "\n".join(f"n{i}: {{block: relu, in: {'x' if i == 0 else f'n{i - 1}'}, when: false}}" for i in range(600))
    backwards = "\n".join(nodes.splitlines()[::-1])
    for text in (nodes, backwards):
        assert reads(built(text + "\nlast: {block: relu, in: n599}", templates=" {}\n")) == {"last": ("x",)}


def test_the_place_of_a_node_is_that_in_the_template(built, tmp_path):
    network = built("b: {use: layer, width: 3}")
    assert network.graph.nodes[0].place == f"{tmp_path / 'net.yaml'}:7:7"


def test_the_resolved_file_has_every_node_with_its_full_name(built):
    network = built("b: {use: layer, width: $w, repeat: {times: 2, share: true}}", more="vars: {w: 3}\n")
    net = network.resolved["net"]
    assert net["b/1/fc"] == {"block": "linear", "units": 3, "in": "b/0/act", "share": "b/fc"}
    assert "templates" not in network.resolved


def test_too_many_nodes_are_refused_and_the_limit_can_be_raised(built, monkeypatch):
    nodes = "a: {block: relu, repeat: 10001}"
    (found,) = errors(built, nodes)
    assert (found.code, found.help) == ("E006", "if that is meant, set BLOCKRUN_MAX_NODES=20000 in the environment")
    monkeypatch.setenv("BLOCKRUN_MAX_NODES", "5")
    assert errors(built, "a: {block: relu, repeat: 6}")[0].code == "E006"
    monkeypatch.setenv("BLOCKRUN_MAX_NODES", "6")
    assert len(built("a: {block: relu, repeat: 6}").graph.nodes) == 6


def test_a_template_inside_itself_is_shown_as_a_chain(built):
    loop = "  p: {net: {a: {use: q}}}\n  q: {net: {a: {use: r}}}\n  r: {net: {a: {use: p}}}\n"
    (found,) = errors(built, "a: {use: p}", more=loop)
    assert found.message == "a template that uses itself: `p` -> `q` -> `r` -> `p`"


def test_templates_may_be_deep_but_not_without_end(built):
    chain = "".join(f"  t{i}: {{net: {{a: {{use: t{i + 1}}}}}}}\n" for i in range(100)) + "  t100: {net: {a: relu}}\n"
    assert [error.code for error in errors(built, "a: {use: t0}", more=chain)] == ["E006"]
    assert len(built("a: {use: t90}", more=chain).graph.nodes) == 1


def test_metrics_may_use_templates(built):
    template = "  m: {in: [a, b], net: {d: {block: subtract, in: [a, b]}, n: {block: sum_of_squares, in: [d, d]}}}\n"
    text = "fc: {block: linear, units: 3}"
    network = built(text, more=template + "metrics: {err: {use: m, in: [fc, y]}}\n")
    assert list(network.metrics) == ["err"]
    assert network.metrics["err"].name == "err/n"


def test_each_copy_reads_its_step_and_all_of_them_are_stacked(built):
    """h_t = tanh(x_t Aᵀ + a + h_(t−1) Bᵀ), written as a loop (Elman 1990)."""
    network = built(
        """
        rnn: {use: cell, repeat: {times: 4, share: true, carry: {h: h}, start: {h: y}, each: {x: x}}}
        last: {block: relu, in: rnn}
        twice: {block: add, in: [rnn.all, rnn.all]}
        sums: {block: relu, in: rnn.s.all}
        """,
        "inputs.x=[4, 3]",
    )
    rng = np.random.default_rng(0)
    x, h = rng.standard_normal((2, 4, 3)), rng.standard_normal((2, 3))
    found = network.forward({"x": x, "y": h})
    A, a, B = (network.params[name] for name in ("rnn/a.W", "rnn/a.b", "rnn/b.W"))
    hidden, sums = [], []
    for t in range(4):
        sums.append(x[:, t] @ A.T + a + h @ B.T)
        hidden.append(h := np.tanh(sums[-1]))
    np.testing.assert_allclose(found["last"], np.maximum(h, 0), rtol=1e-12)
    np.testing.assert_allclose(found["twice"], 2 * np.stack(hidden, axis=1), rtol=1e-12)
    np.testing.assert_allclose(found["sums"], np.maximum(np.stack(sums, axis=1), 0), rtol=1e-12)
    assert [node.block.name for node in network.graph.nodes].count("stack") == 2  # one for each output that is read


def test_copies_that_read_each_a_step_of_their_first_input_are_not_chained(built):
    network = built("a: {block: linear, units: 2, repeat: {times: 4, each: {a: x}}}\nb: {block: relu, in: a.all}",
                    "inputs.x=[4, 3]")  # fmt: skip
    assert reads(network)["a/3"] == ("a/a.y3",)
    assert network.assembly.specs["b"].shape == (0, 4, 2)


def test_with_each_for_another_input_the_first_is_chained(built):
    network = built("a: {block: add, in: y, repeat: {times: 2, each: {xs: x}}}", "inputs.x=[2, 3]")
    assert reads(network)["a/1"] == ("a/xs.y1",)  # `xs` is the first, and only, input of add
    network = built("c: {use: cell, in: {x: y}, repeat: {times: 2, each: {h: x}}}", "inputs.x=[2, 3]")
    assert (reads(network)["c/1/a"], reads(network)["c/1/b"]) == (("c/0/new",), ("c/h.y1",))


def test_the_number_of_copies_must_be_the_number_of_steps_and_the_message_points_at_each(built):
    nodes = "a: {block: linear, units: 2, repeat: {times: 3, each: {a: z}}}"
    with pytest.raises(ConfigError) as caught:
        built(nodes, "inputs.z=[4, 3]")
    (found,) = caught.value.diagnostics
    assert found.code == "E040"
    assert found.mark.text[found.mark.column - 1 :].startswith("a: z")


def test_an_argument_may_be_a_whole_node_with_options_or_of_a_template(built):
    more = "  with: {args: {what: relu}, net: {a: $what, b: {block: linear, units: 2}}}\n"
    network = built(
        """
        one: {use: with, what: {block: leaky_relu, slope: 0.25}}
        two: {use: with, what: {block: linear, units: 4, init: zeros}}
        three: {use: with, what: {use: layer, width: 5, repeat: 2}}
        """,
        "net.one/a.slope=0.5",
        more=more,
    )
    blocks = {node.name: node.block for node in network.graph.nodes}
    assert blocks["one/a"].slope == 0.5
    assert blocks["two/a"].units == 4
    assert not network.params["two/a.W"].any()
    assert reads(network)["three/b"] == ("three/a/1/act",)


def test_what_is_written_beside_an_argument_that_is_a_node_comes_first(built):
    more = "  with: {args: {what: relu}, net: {a: {block: $what, units: 7}}}\n"
    network = built("one: {use: with, what: {block: linear, units: 4}}", more=more)
    assert network.graph.nodes[0].block.units == 7
