"""Ends: what lets a gradient through, what stops it, and what is there without being computed."""

import numpy as np
import pytest

from blockrun import load
from blockrun.blocks.structure.ends import Identity, Parameter, StopGradient, Zeros
from blockrun.core import Graph, Node, backward, forward


def test_a_gradient_goes_through_identity_and_not_through_stop_gradient():
    graph = Graph([Node("open", Identity(), ("x",)), Node("shut", StopGradient(), ("x",))])
    values, tape = forward(graph, {"x": np.array([3.0])}, keep=["open", "shut"], wrt=["x"])
    assert [v.tolist() for v in values.values()] == [[3], [3]]
    gradients = backward(tape, {"open": np.array([5.0]), "shut": np.array([7.0])}, ["x"])
    assert gradients["x"].tolist() == [5]


@pytest.mark.parametrize(
    ("block", "given", "wanted"),
    [(Zeros(shape=(7,)), (4, 3), (4, 7)), (Zeros(), (4, 3), (4, 3)), (Zeros(shape=()), (0, 3), (0,))],
)
def test_zeros_have_the_examples_and_the_dtype_of_what_they_are_shaped_after(run, block, given, wanted):
    y, _ = run(block, np.ones(given, np.float32))
    assert y.shape == wanted
    assert y.dtype == np.float32
    assert not y.any()


def test_zeros_beside_integers_are_floating():
    """The state of a net that reads letters starts from zeros that it can add to."""
    graph = Graph([Node("h", Zeros(shape=(2,)), ("letters",))])
    values, _ = forward(graph, {"letters": np.ones((4, 3), np.int64)}, keep=["h"])
    assert values["h"].dtype == np.float32


FILE = """
blockrun: 1
inputs: {x: [3]}
net:
  W: {block: parameter, shape: [4, 3]}
  y: {block: matmul, in: [x, W], transpose: true}
  again: {block: parameter, shape: [4, 3], params: {value: W.value}}
  z: {block: matmul, in: [x, again], transpose: true}
  total: {block: add, in: [y, z]}
  loss: {block: reduce_sum, axis: null}
"""


def test_a_network_file_makes_a_learned_array_by_itself_and_shares_it(tmp_path):
    (tmp_path / "net.yaml").write_text(FILE)
    net = load(tmp_path / "net.yaml")
    assert {name: value.shape for name, value in net.params.items()} == {"W.value": (4, 3)}
    x = np.array([[1.0, 2, 3], [4, 5, 6]], np.float32)
    np.testing.assert_allclose(net.gradients({"x": x})["W.value"], [[10, 14, 18]] * 4, rtol=1e-6)


def test_a_parameter_reads_nothing():
    assert Parameter(shape=(2,)).signature.bind(0) == ()
    with pytest.raises(ValueError, match="1 inputs given, 0 wanted"):
        Parameter(shape=(2,)).signature.bind(1)
