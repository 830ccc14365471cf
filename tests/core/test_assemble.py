"""What is known of a network before it has seen data: every parameter, every shape, or why not."""

import numpy as np
import pytest

from blockrun.core import Block, GraphError, Node, Param, Spec
from blockrun.core.assemble import assemble
from blockrun.core.shapes import parse_shapes, show_shape

IMAGE = {"x": Spec((0, 6), np.dtype("f4"))}


def test_parameters_are_inputs_that_nobody_wired_named_by_node_and_input(small):
    built = assemble([Node("a", small.Dense(units=3), ("x",)), Node("b", small.Dense(units=2), ("a",))], IMAGE)
    assert {name: p.shape for name, p in built.params.items()} == {"a.W": (3, 6), "b.W": (2, 3)}
    assert built.specs["b"] == Spec((0, 2), np.dtype("f4"))
    assert built.graph.free == ("x", "a.W", "b.W")


def test_a_tied_parameter_is_made_once_and_must_have_the_shape_wanted(small):
    nodes = [Node("a", small.Dense(units=6), ("x",)), Node("b", small.Dense(units=6), ("a",), {"W": "a.W"})]
    assert list(assemble(nodes, IMAGE).params) == ["a.W"]
    wrong = [nodes[0], Node("b", small.Dense(units=2), ("a",), {"W": "a.W"})]
    with pytest.raises(GraphError, match=r"node `b` needs `W` of shape \(2, 6\), but `a.W`, which it shares, has"):
        assemble(wrong, IMAGE)


def test_a_whole_node_may_use_the_parameters_of_another(small):
    nodes = [Node("a", small.Dense(units=6), ("x",)), Node("b", small.Dense(units=6), ("a",), owner="a")]
    assert list(assemble(nodes, IMAGE).params) == ["a.W"]


def test_a_parameter_may_be_read_as_a_variable_even_by_an_earlier_node(small):
    nodes = [Node("twice", small.Double(), ("a.W",)), Node("a", small.Dense(units=3), ("x",))]
    assert assemble(nodes, IMAGE).specs["twice"].shape == (3, 6)


def test_a_node_may_read_nothing_but_its_own_parameter(small):
    class Learned(Block):
        def params(self):
            return {"value": Param((3, 6))}

        def forward(self, ctx, *, value):
            return value, None

    built = assemble([Node("l", Learned()), Node("twice", small.Double(), ("l",))], IMAGE)
    assert {name: p.shape for name, p in built.params.items()} == {"l.value": (3, 6)}
    assert built.specs["twice"] == Spec((3, 6), np.dtype("f4"))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_block_that_is_given_only_integers_is_told_the_dtype_of_the_parameters(small, dtype):
    labels = {"x": Spec((0,), np.dtype("i8"))}
    built = assemble([Node("y", small.Whole(), ("x",))], labels, dtype)
    assert built.specs["y"] == Spec((0,), np.dtype(dtype))


def test_assembly_allocates_nothing_for_a_layer_of_any_size(small):
    built = assemble([Node("huge", small.Dense(units=10**12), ("x",))], IMAGE)
    assert built.specs["huge"].shape == (0, 10**12)


def test_state_is_told_apart_from_parameters(small):
    built = assemble([Node("c", small.Counter(), ("x",))], IMAGE)
    assert list(built.params) == []
    assert list(built.state) == ["c.count"]
    assert built.graph.updates == {"c.count": "c.new_count"}


def test_a_block_that_cannot_take_an_empty_batch_gets_two_examples():
    class Ranked(Block):
        """Fails on N = 0, and its second output has no batch axis."""

        outputs = ("y", "largest")

        def forward(self, ctx, x):
            return (x - x.max(), np.stack([x.max(), x.min()])), None

    built = assemble([Node("r", Ranked(), ("x",))], IMAGE)
    assert built.specs["r"].shape == (0, 6)
    assert built.specs["r.largest"].shape == (2,)


def test_what_is_wrong_with_any_number_of_examples_is_said_of_the_empty_batch():
    class Fussy(Block):
        """Wants 5 columns, and more examples than one."""

        def forward(self, ctx, x):
            if x.shape[1] != 5:
                raise ValueError(f"x has shape {show_shape(x.shape)}, not {show_shape((x.shape[0], 5))}")
            if not x.size:
                raise ValueError("no examples")
            raise ValueError("too few examples")

    with pytest.raises(ValueError, match=r"x has shape \(N, 6\), not \(N, 5\)"):
        assemble([Node("f", Fussy(), ("x",))], IMAGE)
    with pytest.raises(ValueError, match="too few examples"):
        assemble([Node("f", Fussy(), ("x",))], {"x": Spec((0, 5), np.dtype("f4"))})


def test_shapes_that_do_not_fit_the_notation_are_explained(small):
    with pytest.raises(GraphError, match=r"`x` has shape \(N, 2, 3\); dense wants x \(N, K\), 2 axes, not 3") as error:
        assemble([Node("a", small.Dense(units=3), ("x",))], {"x": Spec((0, 2, 3), np.dtype("f4"))})
    assert "in node `a`, Dense(units=3, kind='plain'), given x (0, 2, 3) float32" in error.value.__notes__


def test_every_failing_node_is_reported_once_and_those_after_it_left_out(small):
    found = []
    nodes = [
        Node("bad", small.Failing(), ("x",)),
        Node("after", small.Double(), ("bad",)),
        Node("good", small.Double(), ("x",)),
        Node("worse", small.Failing(), ("good",)),
    ]
    built = assemble(nodes, IMAGE, report=lambda node, error: found.append((node.name, type(error).__name__)))
    assert found == [("bad", "ZeroDivisionError"), ("worse", "ZeroDivisionError")]
    assert [node.name for node in built.graph.nodes] == ["good"]


def test_a_variable_that_nothing_produces_is_named(small):
    with pytest.raises(GraphError, match="node `a` reads `image`, which nothing produces"):
        assemble([Node("a", small.Double(), ("image",))], IMAGE)


@pytest.mark.parametrize(
    ("wish", "message"),
    [
        ({"W": Param((0, 3))}, r"wants `W` of shape \(N, 3\); every size must be positive"),
        ({"W": np.zeros(3)}, "makes `W` a ndarray; it must be a Param or a State"),
        ({"V": Param((3,))}, "makes `V`, which is not an input of forward"),
    ],
)
def test_impossible_wishes_are_refused(wish, message):
    class Wishful(Block):
        def params(self, x):
            return wish

        def forward(self, ctx, x, *, W):
            return x, None

    with pytest.raises(GraphError, match=message):
        assemble([Node("w", Wishful(), ("x",))], IMAGE)


def test_the_notation_reads_symbols_numbers_and_ellipsis():
    pattern = parse_shapes("x (..., K), W (units, K), s () -> y (..., units), n (2,)")
    assert pattern.inputs == {"x": ("...", "K"), "W": ("units", "K"), "s": ()}
    assert pattern.outputs == {"y": ("...", "units"), "n": ("2",)}
    with pytest.raises(ValueError, match="no `->`"):
        parse_shapes("x (K)")
    with pytest.raises(ValueError, match="cannot read"):
        parse_shapes("x K -> y (K)")
