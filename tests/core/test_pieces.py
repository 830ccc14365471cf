"""A batch in pieces gives the numbers of the whole batch, or says why it cannot."""

import tracemalloc
import warnings

import numpy as np
import pytest

from blockrun.core import Block, Graph, GraphError, Node, Param, State, backward, forward
from blockrun.core.pieces import in_pieces

RNG = np.random.default_rng(0)
SIZES = (3, 1, 4)


class Dense(Block):
    """y = x Wᵀ"""

    batchwise = True

    def params(self, x):
        return {"W": Param((2, x.shape[-1]))}

    def forward(self, ctx, x, *, W):
        return x @ W.T, (x, W)

    def backward(self, ctx, saved, dy):
        x, W = saved
        return dy @ W, dy.T @ x


class Centre(Block):
    """y = x − mean over the whole batch, which `new_mean` leaves with."""

    batchwise = True
    outputs = ("y", "new_mean")

    def params(self, x):
        return {"mean": State(x.shape[1:], update="new_mean")}

    def forward(self, ctx, x, *, mean):
        batch = ctx.total(x.sum(axis=0)) / ctx.examples
        return (x - batch, 0.5 * mean + 0.5 * batch), None

    def backward(self, ctx, saved, dy):
        return dy - ctx.total(dy.sum(axis=0)) / ctx.examples


class Mean(Block):
    """y = Σ x² / examples"""

    batchwise = True

    def forward(self, ctx, x):
        return (x * x).sum() / ctx.examples, (x,)

    def backward(self, ctx, saved, dy):
        return 2 * dy * saved[0] / ctx.examples


class Largest(Block):
    """How often each entry of an example is the largest: a metric."""

    batchwise = True

    def forward(self, ctx, x):
        return np.bincount(x.argmax(axis=1), minlength=x.shape[1]), None

    def result(self, y):
        return y


class Norm(Block):
    """y = Σ W², of a parameter; not batchwise, and need not be."""

    def forward(self, ctx, x):
        return (x * x).sum(), (x,)

    def backward(self, ctx, saved, dy):
        return 2 * dy * saved[0]


class Careless(Block):
    """Asks for a total only where the piece is large."""

    batchwise = True

    def forward(self, ctx, x):
        return x - (ctx.total(x.sum(axis=0)) if len(x) > 1 else 0), None

    def backward(self, ctx, saved, dy):
        return dy


class Fails(Block):
    batchwise = True

    def forward(self, ctx, x):
        if len(x) == 1:
            raise OverflowError("one is too few")
        return ctx.total(x), None


NODES = [
    Node("h", Dense(), ("x",), {"W": "W"}),
    Node("c", Centre(), ("h",), {"mean": "mean"}, {"mean": "new_mean"}),
    Node("J", Mean(), ("c",)),
    Node("penalty", Norm(), ("W",)),
]
FEED = {"x": RNG.standard_normal((8, 3)), "W": RNG.standard_normal((2, 3)), "mean": np.ones(2)}
SEEDS = {"J": 1.0, "penalty": 0.1, "h": RNG.standard_normal((8, 2))}
KEEP, WRT = ("J", "penalty", "h", "c.new_mean"), ("W", "x", "h", "J")


def whole(graph):
    values, tape = forward(graph, FEED, keep=KEEP, wrt=WRT, examples=8)
    return values, backward(tape, SEEDS, WRT)


def pieces(graph, **options):
    return in_pieces(graph, FEED, split={"x"}, sizes=SIZES, keep=KEEP, seeds=SEEDS, wrt=WRT, **options)


def test_threads_that_meet_give_the_whole_batch_exactly():
    """Per-example values are put together, sums added up, a penalty on a parameter counted once, state agreed on."""
    graph = Graph(NODES)
    for expected, found in zip(whole(graph), pieces(graph), strict=True):
        assert list(found) == list(expected)
        for name in expected:
            np.testing.assert_allclose(found[name], expected[name], rtol=1e-12, atol=1e-13, err_msg=name)


def test_threads_give_the_same_bits_every_time():
    graph = Graph(NODES)
    first = pieces(graph)
    for _ in range(20):
        for a, b in zip(first, pieces(graph), strict=True):
            assert all(np.array_equal(a[name], b[name]) for name in a)


def test_what_numpy_is_told_to_do_about_overflow_holds_on_the_threads_too():
    feed = FEED | {"x": FEED["x"] * 1e200, "W": FEED["W"] * 1e200}
    cut = {"split": {"x"}, "sizes": SIZES, "keep": ("h", "penalty")}
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("error")
        values, _ = in_pieces(Graph(NODES), feed, **cut)
    assert np.isinf(values["penalty"])
    with np.errstate(over="raise"), pytest.raises(FloatingPointError):
        in_pieces(Graph(NODES), feed, **cut)


def test_one_after_another_equals_the_whole_where_nothing_couples_examples():
    nodes = [NODES[0], Node("J", Mean(), ("h",))]
    graph = Graph(nodes)
    _, tape = forward(graph, FEED, keep=("J",), wrt=("W",), examples=8)
    expected = backward(tape, {"J": 1.0}, ("W",))["W"]
    _, found = in_pieces(
        graph, FEED, split={"x"}, sizes=SIZES, keep=("J",), seeds={"J": 1.0}, wrt=("W",), threads=False
    )
    np.testing.assert_allclose(found["W"], expected, rtol=1e-12)


def test_one_after_another_holds_the_gradients_of_one_piece_and_not_of_all():
    """A running sum, the gradient that is added and their new sum: three arrays; eight pieces would make eight."""
    graph = Graph([NODES[0], Node("J", Mean(), ("h",))])
    feed = {"x": RNG.standard_normal((8, 50_000)), "W": RNG.standard_normal((2, 50_000))}
    tracemalloc.start()
    in_pieces(graph, feed, split={"x"}, sizes=(1,) * 8, keep=("J",), seeds={"J": 1.0}, wrt=("W",), threads=False)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 4 * feed["W"].nbytes


def test_one_after_another_refuses_a_total_unless_told_to_settle():
    graph = Graph(NODES)
    with pytest.raises(GraphError, match="needs a sum over the whole batch") as error:
        pieces(graph, threads=False)
    assert "in node `c`" in error.value.__notes__[0]
    values, _ = pieces(graph, threads=False, settle=True)
    assert values["h"].shape == (8, 2)


def test_settling_passes_state_from_piece_to_piece():
    graph = Graph(NODES)
    values, _ = pieces(graph, threads=False, settle=True)
    mean, start = FEED["mean"], 0
    for size in SIZES:
        h = FEED["x"][start : start + size] @ FEED["W"].T
        mean, start = 0.5 * mean + 0.5 * h.sum(axis=0) / 8, start + size
    np.testing.assert_allclose(values["c.new_mean"], mean, rtol=1e-12)


def test_a_block_that_does_not_declare_it_is_refused_by_name():
    graph = Graph([Node("n", Norm(), ("x",))])
    with pytest.raises(GraphError, match="node `n` cannot run in pieces: norm does not declare `batchwise`"):
        in_pieces(graph, FEED, split={"x"}, sizes=SIZES, keep=("n",))


def test_going_on_from_a_sum_over_the_batch_is_refused():
    """(Σ a)² is not Σ a², so a node that reads a sum cannot run before all pieces are done."""
    graph = Graph([Node("J", Mean(), ("x",)), Node("square", Mean(), ("J",))])
    with pytest.raises(GraphError, match="node `square` reads `J`, a sum over the batch, which no piece knows"):
        in_pieces(graph, FEED, split={"x"}, sizes=SIZES, keep=("square",))


def test_a_total_asked_for_in_some_pieces_only_is_an_error_and_no_deadlock():
    graph = Graph([Node("n", Careless(), ("x",))])
    with pytest.raises(GraphError, match="called in some pieces and not in others"):
        in_pieces(graph, FEED, split={"x"}, sizes=SIZES, keep=("n",))


def test_an_error_in_one_piece_is_the_one_that_is_raised():
    graph = Graph([Node("n", Fails(), ("x",))])
    with pytest.raises(OverflowError, match="one is too few"):
        in_pieces(graph, FEED, split={"x"}, sizes=SIZES, keep=("n",))


def test_sizes_that_do_not_add_up_are_refused():
    with pytest.raises(GraphError, match="`x` has 8 examples; the pieces have 7"):
        in_pieces(Graph(NODES), FEED, split={"x"}, sizes=(3, 4), keep=KEEP)


def test_the_counts_of_a_metric_add_up_even_where_they_are_as_many_as_the_examples_of_a_piece():
    x = RNG.standard_normal((8, 4))
    graph = Graph([Node("counts", Largest(), ("x",))])
    values, _ = in_pieces(graph, {"x": x}, split=["x"], sizes=(4, 4), keep=["counts"])
    assert values["counts"].tolist() == np.bincount(x.argmax(axis=1), minlength=4).tolist()
