"""Joining and parting: the order of the parts, the places where gradients are cut, and the messages."""

import numpy as np
import pytest

from blockrun.blocks.structure.joining import Concat, Split, Stack, Unstack
from blockrun.core import Graph, Node, backward, forward
from blockrun.core.options import OptionError


def test_concat_joins_in_order_and_cuts_the_gradient_at_the_same_places(run):
    xs = [np.array([[1.0], [2]]), np.array([[3.0, 4], [5, 6]]), np.array([[7.0], [8]])]
    y, gradients = run(Concat(), *xs, dy=np.array([[10.0, 20, 30, 40], [50, 60, 70, 80]]))
    assert y.tolist() == [[1, 3, 4, 7], [2, 5, 6, 8]]
    assert [g.tolist() for g in gradients.values()] == [[[10], [50]], [[20, 30], [60, 70]], [[40], [80]]]


def test_concat_joins_along_another_axis(run):
    y, gradients = run(Concat(axis=1), np.zeros((2, 3, 4)), np.ones((2, 1, 4)), dy=np.ones((2, 4, 4)))
    assert y.shape == (2, 4, 4)
    assert [g.shape for g in gradients.values()] == [(2, 3, 4), (2, 1, 4)]


def test_concat_without_inputs_says_how_many_it_needs():
    with pytest.raises(ValueError, match="concat has 0 inputs; it needs at least 1"):
        Concat().forward(None)


def test_shapes_that_cannot_be_joined_are_both_named(run):
    with pytest.raises(ValueError, match=r"shapes \(2, 3\) and \(4, 3\) differ; they must be the same but for axis 1"):
        run(Concat(), np.ones((2, 3)), np.ones((4, 3)))
    with pytest.raises(ValueError, match=r"shapes \(2, 3\) and \(2, 4\) differ; they must be the same(\n|$)"):
        run(Stack(), np.ones((2, 3)), np.ones((2, 4)))


def test_stack_puts_inputs_side_by_side_and_gives_each_its_own_gradient(run):
    y, gradients = run(Stack(axis=1), np.zeros((2, 3)), np.ones((2, 3)), dy=np.arange(12.0).reshape(2, 2, 3))
    assert y[0].tolist() == [[0, 0, 0], [1, 1, 1]]
    assert gradients["xs1"].tolist() == [[3, 4, 5], [9, 10, 11]]


def test_unstack_undoes_stack(run):
    xs = [np.full((2, 3), float(i)) for i in range(4)]
    parts, _ = run(Unstack(count=4, axis=1), run(Stack(axis=1), *xs)[0])
    assert [part.tolist() for part in parts] == [x.tolist() for x in xs]


def test_split_undoes_concat(run):
    xs = [np.full((2, n), float(n)) for n in (3, 1, 2)]
    parts, _ = run(Split(sizes=(3, 1, 2)), run(Concat(), *xs)[0])
    assert [part.tolist() for part in parts] == [x.tolist() for x in xs]


@pytest.mark.parametrize(
    ("block", "names"),
    [
        (Split(), ("y0", "y1")),
        (Split(parts=3), ("y0", "y1", "y2")),
        (Split(sizes=(5,)), ("y0",)),
        (Unstack(count=2), ("y0", "y1")),
    ],
)
def test_outputs_are_numbered_from_0(block, names):
    assert block.outputs == names


@pytest.mark.parametrize("block", [Split(parts=3, axis=1), Unstack(count=3, axis=1)])
def test_a_part_that_nobody_uses_has_a_gradient_of_zero(block):
    graph = Graph([Node("part", block, ("x",))])
    _, tape = forward(graph, {"x": np.ones((2, 3))}, keep=["part.y1"], wrt=["x"])
    shape = (2,) if isinstance(block, Unstack) else (2, 1)
    gradients = backward(tape, {"part.y1": np.full(shape, 7.0)}, ["x"])
    assert gradients["x"].tolist() == [[0, 7, 0], [0, 7, 0]]


def test_lengths_that_do_not_fit_are_said_with_both_numbers(run):
    x = np.ones((2, 7))
    with pytest.raises(ValueError, match="has length 7, which cannot be cut into 2 equal parts"):
        run(Split(), x)
    with pytest.raises(ValueError, match=r"has length 7; sizes \[3, 3\] add up to 6"):
        run(Split(sizes=(3, 3)), x)
    with pytest.raises(ValueError, match=r"axis 1 of shape \(2, 7\) has length 7, not 3"):
        run(Unstack(count=3), x)
    with pytest.raises(OptionError, match="`parts` and `sizes` are both given"):
        Split(parts=2, sizes=(3, 4))


@pytest.mark.parametrize("make", [Concat, Stack, Split, lambda axis: Unstack(count=2, axis=axis)])
def test_joining_and_parting_examples_does_not_run_in_pieces(make):
    assert [make(axis=axis).batchwise for axis in (0, 1, -1)] == [False, True, True]
