"""What running a graph forward and backward gives: the general chain rule, and nothing that was not asked for."""

import tracemalloc

import numpy as np
import pytest

from blockrun.core import Block, Graph, GraphError, Node, backward, forward

X = np.array([[1.0, -2.0, 3.0, 0.5]])


def gradients(nodes, feed, seeds, wrt):
    graph = Graph(nodes)
    _, tape = forward(graph, feed, keep=tuple(seeds), wrt=wrt)
    return backward(tape, seeds, wrt)


def test_an_input_that_forks_three_ways_gets_the_sum_of_all_paths(small):
    """y = 2x · x + x, so dy/dx = 4x + 1."""
    nodes = [
        Node("double", small.Double(), ("x",)),
        Node("product", small.Times(), ("double", "x")),
        Node("y", small.Plus(), ("product", "x")),
    ]
    found = gradients(nodes, {"x": X}, {"y": np.ones_like(X)}, ("x",))
    np.testing.assert_allclose(found["x"], 4 * X + 1, rtol=1e-15)


def test_the_same_variable_twice_in_one_block_counts_twice(small):
    found = gradients([Node("y", small.Plus(), ("x", "x", "x"))], {"x": X}, {"y": np.ones_like(X)}, ("x",))
    np.testing.assert_array_equal(found["x"], np.full_like(X, 3))


def test_one_block_instance_and_one_parameter_used_twice(small):
    """y = (x Wᵀ) Wᵀ with one W: the gradient is the sum of the two uses (Kamper's general chain rule)."""
    block, W = small.Dense(units=4), np.arange(16.0).reshape(4, 4) / 10
    nodes = [Node("h", block, ("x",), {"W": "W"}), Node("y", block, ("h",), {"W": "W"})]
    dy = np.array([[1.0, 2.0, -1.0, 0.5]])
    found = gradients(nodes, {"x": X, "W": W}, {"y": dy}, ("W", "x"))
    h = X @ W.T
    np.testing.assert_allclose(found["W"], dy.T @ h + (dy @ W).T @ X, rtol=1e-14)
    np.testing.assert_allclose(found["x"], dy @ W @ W, rtol=1e-14)


def test_an_unused_output_gets_a_zero_gradient_of_its_shape(small):
    found = gradients([Node("half", small.Halves(), ("x",))], {"x": X}, {"half.b": np.ones((1, 2))}, ("x",))
    np.testing.assert_array_equal(found["x"], [[0, 0, 1, 1]])


def test_a_variable_that_the_seed_does_not_reach_has_a_zero_gradient(small):
    nodes = [Node("y", small.Double(), ("x",)), Node("z", small.Double(), ("u",))]
    graph = Graph(nodes)
    _, tape = forward(graph, {"x": X, "u": X[:, :2]}, keep=("y", "z"), wrt=("x", "u"))
    found = backward(tape, {"y": np.ones_like(X)}, ("x", "u"))
    np.testing.assert_array_equal(found["u"], np.zeros((1, 2)))


def test_the_gradient_of_a_value_on_the_way_may_be_asked_for(small):
    nodes = [Node("h", small.Double(), ("x",)), Node("y", small.Times(), ("h", "h"))]
    found = gradients(nodes, {"x": X}, {"y": np.ones_like(X)}, ("h", "x"))
    np.testing.assert_allclose(found["h"], 4 * X)
    np.testing.assert_allclose(found["x"], 8 * X)


def test_gradients_are_computed_only_where_asked_for():
    asked = []

    class Spy(Block):
        def forward(self, ctx, a, b):
            return a + b, None

        def backward(self, ctx, saved, dy):
            asked.append((ctx.needs.a, ctx.needs.b))
            return dy if ctx.needs.a else None, dy if ctx.needs.b else None

    nodes = [Node("first", Spy(), ("data", "data")), Node("second", Spy(), ("first", "weight"))]
    found = gradients(nodes, {"data": X, "weight": X}, {"second": np.ones_like(X)}, ("weight",))
    assert asked == [(False, True)]
    assert list(found) == ["weight"]


def test_what_the_kept_variables_do_not_depend_on_is_not_run(small):
    nodes = [Node("y", small.Double(), ("x",)), Node("broken", small.Failing(), ("x",))]
    values, _ = forward(Graph(nodes), {"x": X}, keep=("y",))
    np.testing.assert_array_equal(values["y"], 2 * X)


def test_a_missing_feed_names_the_way_to_what_needs_it(small):
    nodes = [Node("h", small.Dense(units=2), ("x",), {"W": "h.W"}), Node("y", small.Double(), ("h",))]
    with pytest.raises(GraphError, match=r"`h\.W` is not fed, and `y` depends on it: h\.W -> h -> y"):
        forward(Graph(nodes), {"x": X}, keep=("y",))


def test_a_tape_is_used_once(small):
    _, tape = forward(Graph([Node("y", small.Double(), ("x",))]), {"x": X}, keep=("y",), wrt=("x",))
    backward(tape, {"y": X}, ("x",))
    with pytest.raises(GraphError, match="this tape has been used"):
        backward(tape, {"y": X}, ("x",))


def test_a_gradient_that_was_not_announced_is_refused(small):
    _, tape = forward(Graph([Node("y", small.Times(), ("x", "u"))]), {"x": X, "u": X}, keep=("y",), wrt=("x",))
    with pytest.raises(GraphError, match="the gradient of `u` was not announced"):
        backward(tape, {"y": X}, ("u",))


def test_a_seed_of_another_shape_is_refused(small):
    _, tape = forward(Graph([Node("y", small.Double(), ("x",))]), {"x": X}, keep=("y",), wrt=("x",))
    with pytest.raises(GraphError, match=r"the seed of `y` has shape \(2,\); the variable has shape \(1, 4\)"):
        backward(tape, {"y": np.ones(2)}, ("x",))


def test_an_exception_in_a_block_keeps_its_type_and_gains_node_options_and_shapes(small):
    node = Node("odd", small.Failing(level=7), ("x",), place="net.yaml:9:3")
    with pytest.raises(ZeroDivisionError) as error:
        forward(Graph([node]), {"x": X}, keep=("odd",))
    assert error.value.__notes__ == ["in node `odd` (net.yaml:9:3), Failing(level=7), given x (1, 4) float64"]


def test_random_draws_depend_on_seed_and_node_name_and_nothing_else(small):
    def draw(name, seed, extra=False):
        nodes = [Node("before", small.Noise(), ("x",))] if extra else []
        values, _ = forward(Graph([*nodes, Node(name, small.Noise(), ("x",))]), {"x": X}, keep=(name,), seed=seed)
        return values[name]

    np.testing.assert_array_equal(draw("a", 1), draw("a", 1, extra=True))
    assert not np.array_equal(draw("a", 1), draw("a", 2))
    assert not np.array_equal(draw("a", 1), draw("b", 1))


def test_state_leaves_as_an_output_and_is_threaded_through_nodes_that_share_it(small):
    nodes = [
        Node(name, small.Counter(), (source,), {"count": "count"}, {"count": "new_count"})
        for name, source in [("first", "x"), ("second", "first")]
    ]
    graph = Graph(nodes)
    assert graph.updates == {"count": "second.new_count"}
    feed = {"x": X, "count": np.float64(5)}
    keep = ("second", *graph.updates.values())
    assert forward(graph, feed, keep=keep)[0]["second.new_count"] == 7
    assert forward(graph, feed, keep=keep, training=False)[0]["second.new_count"] == 5


def test_state_takes_no_part_in_differentiation(small):
    node = Node("c", small.Counter(), ("x",), {"count": "count"}, {"count": "new_count"})
    found = gradients([node], {"x": X, "count": np.float64(0)}, {"c": np.ones_like(X)}, ("x",))
    np.testing.assert_array_equal(found["x"], np.ones_like(X))


def test_gradients_arrive_read_only():
    seen = []

    class Peek(Block):
        def forward(self, ctx, x):
            return x, None

        def backward(self, ctx, saved, dy):
            seen.append(dy.flags.writeable)
            return dy

    graph = Graph([Node("y", Peek(), ("x",))])
    for _ in range(2):  # checked the first time, not the second
        _, tape = forward(graph, {"x": X}, keep=("y",), wrt=("x",))
        backward(tape, {"y": np.ones_like(X)}, ("x",))
    assert seen == [False, False]


def test_sums_are_never_accumulated_into_an_array_that_a_block_returned(small):
    """`Plus` returns the very gradient it was given; adding to it in place would corrupt the other inputs."""
    nodes = [Node("s", small.Plus(), ("x", "u")), Node("y", small.Plus(), ("s", "x", "x"))]
    found = gradients(nodes, {"x": X, "u": X}, {"y": np.ones_like(X)}, ("x", "u"))
    np.testing.assert_array_equal(found["x"], np.full_like(X, 3))
    np.testing.assert_array_equal(found["u"], np.ones_like(X))


def chain(small, depth):
    return Graph([Node(f"h{i}", small.Double(), (f"h{i - 1}" if i else "x",)) for i in range(depth)])


def peak_in_arrays(run, size):
    """The most memory held while `run` runs, in arrays of `size` float64 values."""
    tracemalloc.start()
    run()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak / (8 * size)


def test_values_are_dropped_after_their_last_reader(small):
    """Of a 20-layer chain, forward holds one input and one output at a time."""
    size, graph = 100_000, chain(small, 20)
    feed = {"x": np.ones(size)}
    forward(graph, feed, keep=("h19",))
    assert peak_in_arrays(lambda: forward(graph, feed, keep=("h19",)), size) < 2.1


def test_what_was_saved_is_dropped_after_its_backward():
    """With each layer saving its output, 20 arrays are held at the end of forward; backward adds two gradients at
    the most, because each saved array goes before the next gradient comes."""

    class Keep(Block):
        def forward(self, ctx, x):
            y = x + 1
            return y, (y,)

        def backward(self, ctx, saved, dy):
            return dy * 1.0

    size = 100_000
    graph = Graph([Node(f"h{i}", Keep(), (f"h{i - 1}" if i else "x",)) for i in range(20)])
    feed, seed = {"x": np.ones(size)}, {"h19": np.ones(size)}

    def run():
        _, tape = forward(graph, feed, keep=("h19",), wrt=("x",))
        backward(tape, seed, ("x",))

    run()
    assert peak_in_arrays(run, size) < 21.1 + 1


def test_nothing_is_saved_where_no_gradient_is_wanted():
    class Keep(Block):
        def forward(self, ctx, x):
            y = x + 1
            return y, (y,)

        def backward(self, ctx, saved, dy):
            return dy

    size = 100_000
    graph = Graph([Node(f"h{i}", Keep(), (f"h{i - 1}" if i else "x",)) for i in range(20)])
    forward(graph, {"x": np.ones(size)}, keep=("h19",))
    assert peak_in_arrays(lambda: forward(graph, {"x": np.ones(size)}, keep=("h19",)), size) < 3.1


def test_the_gradient_of_something_that_was_not_computed_is_refused(small):
    nodes = [Node("y", small.Double(), ("x",)), Node("h", small.Double(), ("x",))]
    _, tape = forward(Graph(nodes), {"x": X}, keep=("y",), wrt=("h", "x"))
    with pytest.raises(GraphError, match="there is no gradient of `h`: nothing that forward was to keep depends on it"):
        backward(tape, {"y": np.ones_like(X)}, ("h", "x"))


def test_a_free_variable_that_nothing_depends_on_has_a_zero_gradient(small):
    nodes = [Node("y", small.Double(), ("x",)), Node("dead", small.Double(), ("u",))]
    _, tape = forward(Graph(nodes), {"x": X, "u": X[:, :2]}, keep=("y",), wrt=("u",))
    np.testing.assert_array_equal(backward(tape, {"y": np.ones_like(X)}, ("u",))["u"], np.zeros((1, 2)))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_block_that_is_given_only_integers_can_know_in_what_the_graph_computes(small, dtype):
    """The floating variables of the feed have it, even where they are no ancestors; it is float32 where none is fed."""
    graph, x = Graph([Node("y", small.Whole(), ("x",))]), np.array([0, 3])
    found, _ = forward(graph, {"x": x, "u": np.zeros(2, dtype)}, keep=("y",))
    assert found["y"].dtype == dtype
    assert forward(graph, {"x": x}, keep=("y",))[0]["y"].dtype == np.float32
