"""What the executor catches in a block that breaks the contract, on the first step, without help from its author."""

import numpy as np
import pytest

from blockrun.core import Block, Graph, GraphError, Node, backward, forward

X = np.array([[1.0, -2.0, 3.0]])


def run(block, feed=None, inputs=("x",), dtype=float):
    graph = Graph([Node("n", block, inputs)])
    feed = {"x": X.astype(dtype)} if feed is None else feed
    values, tape = forward(graph, feed, keep=("n",), wrt=tuple(feed))
    return backward(tape, {"n": np.ones_like(values["n"])}, tuple(feed))


def block_with(forward, backward=None, **members):
    methods = {"forward": forward} | ({"backward": backward} if backward else {})
    return type("Wrong", (Block,), methods | members)()


def fine(self, ctx, x):
    return x * 1, None


def fine_back(self, ctx, saved, dy):
    return dy


def two(self, ctx, a, b):
    return a + b, None


@pytest.mark.parametrize(
    ("block", "message"),
    [
        (block_with(lambda self, ctx, x: x), "forward must return a pair"),
        (block_with(lambda self, ctx, x: ((x,), None)), "forward returned a tuple; with one output"),
        (block_with(lambda self, ctx, x: (3.0, None)), "output `y` is a float; it must be an array"),
        (block_with(lambda self, ctx, x: (x, {"a": x})), "saved holds a dict"),
        (block_with(fine, lambda self, ctx, saved, dy: (dy,)), "backward returned a tuple; with one gradient"),
        (block_with(fine, lambda self, ctx, saved, dy: None), "the gradient of `x` is None but was asked for"),
        (
            block_with(fine, lambda self, ctx, saved, dy: dy.sum()),
            r"gradient of `x` has shape \(\); `x` has shape \(1, 3\)",
        ),
        (block_with(fine, lambda self, ctx, saved, dy: dy.astype("f")), "gradient of `x` is float32; `x` is float64"),
    ],
)
def test_what_a_block_returns_is_checked(block, message):
    with pytest.raises(GraphError, match=message) as error:
        run(block)
    assert "in node `n`, Wrong()" in error.value.__notes__[0]


def test_the_number_of_gradients_is_checked_and_said():
    block = block_with(two, lambda self, ctx, saved, dy: (dy, dy, dy))
    with pytest.raises(GraphError, match="backward returned 3 gradients; it must return 2; one for each of a, b"):
        run(block, {"x": X, "u": X}, ("x", "u"))


def test_a_silent_upcast_is_refused():
    block = block_with(lambda self, ctx, x: (x * np.float64(2) + np.zeros(3), None), fine_back)
    with pytest.raises(GraphError, match="output `y` is float64 but the inputs are float32"):
        run(block, dtype=np.float32)


def test_the_sums_of_a_metric_may_be_wider_than_its_inputs():
    """Σ x² and Σ x in float32 would leave nothing of a variance that is small beside the mean."""

    class Sums(Block):
        def forward(self, ctx, x):
            return np.square(x, dtype=np.float64).sum(), None

        def result(self, y):
            return y

    graph = Graph([Node("total", Sums(), ("x",))])
    values, _ = forward(graph, {"x": X.astype(np.float32)}, keep=("total",))
    assert (values["total"], values["total"].dtype) == (14, np.float64)


def test_writing_to_an_input_is_refused():
    def mutate(self, ctx, x):
        x += 1
        return x, None

    with pytest.raises(ValueError, match="read-only") as error:
        run(block_with(mutate))
    assert any("must not write to its inputs" in note for note in error.value.__notes__)


def test_writing_to_a_gradient_is_refused():
    def mutate(self, ctx, saved, dy):
        dy *= 2
        return dy

    with pytest.raises(ValueError, match="read-only"):
        run(block_with(fine, mutate))


def test_stashing_on_self_is_refused():
    def stash(self, ctx, x):
        object.__setattr__(self, "cache", x)
        return x, None

    with pytest.raises(GraphError, match=r"forward changed `self\.cache`; return it from forward as saved"):
        run(block_with(stash))


def test_a_gradient_for_an_integer_input_is_refused():
    block = block_with(two, lambda self, ctx, saved, dy: (dy, dy))
    with pytest.raises(GraphError, match="backward returned a gradient for `b`, which is int64; return None"):
        run(block, {"x": X, "k": np.ones((1, 3), dtype=np.int64)}, ("x", "k"))


def test_checks_run_in_full_only_on_the_first_step_and_when_asked():
    calls = []

    def spy(self, ctx, x):
        calls.append(x.flags.writeable)
        return x * 1, None

    graph = Graph([Node("n", block_with(spy), ("x",))])
    for check in (None, None, True):
        forward(graph, {"x": X.copy()}, keep=("n",), check=check)
    assert calls == [False, True, False]
