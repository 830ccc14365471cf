"""Recurrent blocks: a step against the textbook, a sequence against its steps, lengths, direction, and the ends."""

import math

import numpy as np
import pytest

from blockrun.blocks.recurrent.gru import Gru, GruCell
from blockrun.blocks.recurrent.lstm import Lstm, LstmCell
from blockrun.blocks.recurrent.rnn import Rnn, RnnCell
from blockrun.core import Node, Spec, backward, forward
from blockrun.core.assemble import assemble
from blockrun.plugins.network.build import build
from blockrun.plugins.network.scan import parse_document

N, T, K, H = 3, 5, 4, 2
RNG = np.random.default_rng(0)
X, STATES = RNG.standard_normal((N, T, K)), {"h0": RNG.standard_normal((N, H)), "c0": RNG.standard_normal((N, H))}
LENGTHS = np.array([2, 0, 5])
PAIRS = {
    "rnn": (RnnCell, Rnn, {}),
    "relu": (RnnCell, Rnn, {"activation": "relu"}),
    "lstm": (LstmCell, Lstm, {}),
    "gru": (GruCell, Gru, {}),
}


@pytest.fixture(params=PAIRS)
def pair(request):
    """A cell and its sequence with the same options, and parameters and initial states for both."""
    cell, sequence, options = PAIRS[request.param]
    wishes = cell(units=H, **options).params(Spec((N, K), np.float64))
    params = {name: np.random.default_rng(1).standard_normal(wish.shape) for name, wish in wishes.items()}
    states = {name: STATES[name] for name in ("h0", "c0") if name in cell.signature.data}
    return cell(units=H, **options), lambda **more: sequence(units=H, **options, **more), params, states


def evaluate(nodes, feed, seeds):
    """The variables that have seeds, and the gradients of all floating variables fed, under full checks."""
    graph = assemble(nodes, {name: Spec(x.shape, x.dtype) for name, x in feed.items()}, np.float64).graph
    wrt = tuple(name for name, x in feed.items() if x.dtype.kind == "f")
    values, tape = forward(graph, feed, keep=tuple(seeds), wrt=wrt, check=True)
    return values, backward(tape, seeds, wrt)


def run(block, params, dy=None, **given):
    """Outputs and gradients by name; `dy` has the gradient of each output, by default something different for each."""
    names = [name if name in given else None for name in block.signature.data]
    node = Node("s", block, tuple(names))
    rng = np.random.default_rng(2)
    shapes = {"y": (*given["x"].shape[:-1], H), "h": (len(given["x"]), H), "c": (len(given["x"]), H)}
    dy = {name: rng.standard_normal(shapes[name]) for name in block.outputs} if dy is None else dy
    seeds = {variable: dy[name] for name, variable in zip(block.outputs, node.outputs, strict=True)}
    feed = given | {f"s.{name}": value for name, value in params.items()}
    values, gradients = evaluate([node], feed, seeds)
    outputs = {name: values[variable] for name, variable in zip(block.outputs, node.outputs, strict=True)}
    return outputs, {name.removeprefix("s."): g for name, g in gradients.items()}


def assert_same(found, expected, tolerance=1e-12):
    assert found.keys() == expected.keys()
    for name, right in expected.items():
        np.testing.assert_allclose(found[name], right, rtol=tolerance, atol=tolerance, err_msg=name, strict=True)


def draw(**shapes):
    return {name: RNG.standard_normal(shape) for name, shape in shapes.items()}


def sigma(a):
    return 1 / (1 + math.exp(-a))


def pre_activations(x, h, W, U, b):
    """x Wᵀ + h Uᵀ + b of one example, sum by sum."""
    return [dot(w, x) + dot(u, h) + bias for w, u, bias in zip(W, U, b, strict=True)]


def dot(a, b):
    return sum(v * w for v, w in zip(a, b, strict=True))


def test_a_step_of_an_lstm_is_that_of_gers_et_al():
    """Gers, Schmidhuber & Cummins 2000, with tanh for their squashing functions; gates in the order i f g o."""
    params = draw(W=(4 * H, K), U=(4 * H, H), b=(4 * H,))
    outputs, _ = run(LstmCell(units=H), params, x=X[:, 0], **STATES)
    for n in range(N):
        a = pre_activations(X[n, 0], STATES["h0"][n], **params)
        for j in range(H):
            i, f, g, o = sigma(a[j]), sigma(a[H + j]), math.tanh(a[2 * H + j]), sigma(a[3 * H + j])
            c = f * STATES["c0"][n, j] + i * g
            assert outputs["c"][n, j] == pytest.approx(c, rel=1e-12)
            assert outputs["h"][n, j] == pytest.approx(o * math.tanh(c), rel=1e-12)


def test_a_step_of_a_gru_resets_after_the_product():
    """Cho et al. 2014, eqs 5-8, with r on the product as in cuDNN; gates in the order r z n."""
    params = draw(W=(3 * H, K), U=(3 * H, H), b=(3 * H,))
    b_h, h0 = RNG.standard_normal(H), STATES["h0"]
    outputs, _ = run(GruCell(units=H), {**params, "b_h": b_h}, x=X[:, 0], h0=h0)
    for n in range(N):
        a = pre_activations(X[n, 0], h0[n], **params)
        for j in range(H):
            q = dot(params["U"][2 * H + j], h0[n])
            r, z = sigma(a[j]), sigma(a[H + j])
            candidate = math.tanh(a[2 * H + j] - q + r * (q + b_h[j]))
            assert outputs["h"][n, j] == pytest.approx((1 - z) * candidate + z * h0[n, j], rel=1e-12)


@pytest.mark.parametrize(("activation", "f"), [("tanh", math.tanh), ("relu", lambda a: max(a, 0))])
def test_a_step_of_an_rnn_is_that_of_elman(activation, f):
    params = draw(W=(H, K), U=(H, H), b=(H,))
    outputs, _ = run(RnnCell(units=H, activation=activation), params, x=X[:, 0], h0=STATES["h0"])
    for n in range(N):
        expected = [f(a) for a in pre_activations(X[n, 0], STATES["h0"][n], **params)]
        assert outputs["h"][n].tolist() == pytest.approx(expected, rel=1e-12)


def test_a_sequence_is_its_cell_unrolled_with_tied_weights(pair):
    """Outputs, final states and all gradients of a graph of T cells that share one set of parameters, to 1e-10."""
    cell, sequence, params, states = pair
    outputs, gradients = run(sequence(), params, x=X, **states)
    rng = np.random.default_rng(2)
    dy, *ends = (rng.standard_normal(shape) for shape in [(N, T, H)] + [(N, H)] * len(states))
    tied = {name: f"s.{name}" for name in params}
    nodes, before = [], tuple(states)
    for t in range(T):
        nodes.append(Node(f"step{t}", cell, (f"x{t}", *before), tied))
        before = nodes[-1].outputs
    seeds = {f"step{t}": dy[:, t] for t in range(T)}
    seeds[before[0]] = seeds[before[0]] + ends[0]
    seeds |= dict(zip(before[1:], ends[1:], strict=True))
    feed = {f"x{t}": X[:, t] for t in range(T)} | states | {tied[name]: value for name, value in params.items()}
    values, found = evaluate(nodes, feed, seeds)
    unrolled = {"y": np.stack([values[f"step{t}"] for t in range(T)], axis=1)}
    unrolled |= {name: values[variable] for name, variable in zip(sequence().outputs[1:], before, strict=True)}
    assert_same(outputs, unrolled, 1e-10)
    dx = np.stack([found.pop(f"x{t}") for t in range(T)], axis=1)
    assert_same(gradients, {"x": dx} | {name.removeprefix("s."): g for name, g in found.items()}, 1e-10)


@pytest.mark.parametrize("reverse", [False, True])
def test_an_example_with_a_length_is_the_same_as_one_cut_to_it(pair, reverse):
    """Past its end y is 0 and nothing flows; an example of no steps leaves the initial states as they are."""
    _, sequence, params, states = pair
    block = sequence(reverse=reverse)
    outputs, gradients = run(block, params, x=X, lengths=LENGTHS, **states)
    rng = np.random.default_rng(2)
    dy = {name: rng.standard_normal(outputs[name].shape) for name in block.outputs}
    sums = {name: np.zeros_like(value) for name, value in params.items()}
    for n, length in enumerate(LENGTHS):
        row = slice(n, n + 1)
        own = {name: v[row, :length] if name == "y" else v[row] for name, v in dy.items()}
        alone, back = run(block, params, own, x=X[row, :length], **{name: s[row] for name, s in states.items()})
        np.testing.assert_array_equal(outputs["y"][n, length:], 0)
        np.testing.assert_array_equal(gradients["x"][n, length:], 0)
        assert_same({"y": outputs["y"][row, :length]}, {"y": alone["y"]})
        assert_same({name: outputs[name][row] for name in block.outputs[1:]}, {k: alone[k] for k in block.outputs[1:]})
        assert_same({"x": gradients["x"][row, :length]}, {"x": back["x"]})
        assert_same({name: gradients[name][row] for name in states}, {name: back[name] for name in states})
        sums = {name: total + back[name] for name, total in sums.items()}
    assert_same({name: gradients[name] for name in params}, sums)


def test_reverse_reads_every_example_from_its_end(pair):
    """The same as turning the steps of each example round, and what comes out back again."""
    _, sequence, params, states = pair
    lengths = np.array([2, 5, 3])

    def turned(x):
        return np.stack([np.concatenate([row[:n][::-1], row[n:]]) for row, n in zip(x, lengths, strict=True)])

    forwards, _ = run(sequence(), params, x=turned(X), lengths=lengths, **states)
    backwards, _ = run(sequence(reverse=True), params, x=X, lengths=lengths, **states)
    assert_same(backwards, forwards | {"y": turned(forwards["y"])})


def test_a_sequence_in_two_halves_is_the_whole_when_the_states_are_handed_over(pair):
    _, sequence, params, states = pair
    whole, _ = run(sequence(), params, x=X, **states)
    first, _ = run(sequence(), params, x=X[:, :2], **states)
    handed = {f"{name}0": first[name] for name in first if name != "y"}
    second, _ = run(sequence(), params, x=X[:, 2:], **handed)
    assert_same({**second, "y": np.concatenate([first["y"], second["y"]], axis=1)}, whole)


def test_states_start_at_zero_unless_given(pair):
    cell, sequence, params, states = pair
    zero = {name: np.zeros((N, H)) for name in states}
    for block, x in ((cell, X[:, 0]), (sequence(), X)):
        assert_same(run(block, params, x=x)[0], run(block, params, x=x, **zero)[0])


def test_a_sequence_of_no_steps_hands_its_states_through(pair):
    _, sequence, params, states = pair
    outputs, gradients = run(sequence(), params, x=X[:, :0], **states)
    assert outputs["y"].shape == (N, 0, H)
    assert_same({f"{name}0": outputs[name] for name in outputs if name != "y"}, states)
    assert all(not gradients[name].any() for name in params)


def test_saturated_gates_neither_overflow_nor_lose_their_gradient_to_nan(pair):
    """Warnings are errors here; float32, inputs and states of 10⁴."""
    cell, sequence, params, states = pair
    x = (1e4 * np.sign(X)).astype(np.float32)
    weights = {name: np.clip(value, -0.3, 0.3).astype(np.float32) for name, value in params.items()}
    large = {name: (1e4 * state).astype(np.float32) for name, state in states.items()}
    for block, given in ((cell, x[:, 0]), (sequence(), x)):
        dy = {name: np.ones((*given.shape[:-1], H) if name == "y" else (N, H), np.float32) for name in block.outputs}
        outputs, gradients = run(block, weights, dy, x=given, **large)
        assert all(np.isfinite(value).all() and value.dtype == np.float32 for value in outputs.values())
        assert all(np.isfinite(value).all() and value.dtype == np.float32 for value in gradients.values())


@pytest.mark.parametrize(
    ("lengths", "fact"),
    [
        ([2, 6, 1], "length 6 at position 1 is not from 0 to 5, the steps of x"),
        ([2, 1, -1], "length -1 at position 2 is not from 0 to 5"),
        ([2.0, 1.0, 1.0], "lengths is float64; lengths must be integers from 0 to 5"),
    ],
)
def test_lengths_that_mean_nothing_are_refused(pair, lengths, fact):
    _, sequence, params, _ = pair
    with pytest.raises(ValueError, match=fact):
        run(sequence(), params, x=X, lengths=np.array(lengths))


def test_a_state_of_another_size_is_refused_by_name(pair):
    cell, sequence, params, _ = pair
    for block, x in ((cell, X[:, 0]), (sequence(), X)):
        with pytest.raises(ValueError, match=r"`h0` has shape \(3, 7\).*units is 2 \(an option\), not 7"):
            run(block, params, x=x, h0=np.zeros((N, 7)))


@pytest.mark.parametrize("block", ["lstm", "lstm_cell"])
@pytest.mark.parametrize(("option", "value"), [("", 1.0), (", forget_bias: 2.5", 2.5), (", forget_bias: 0", 0.0)])
def test_the_forget_gate_of_an_lstm_starts_with_its_bias_and_the_others_without(block, option, value):
    x = "[5, 4]" if block == "lstm" else "[4]"
    network = build(
        parse_document(f"blockrun: 1\ninputs: {{x: {x}}}\nnet: {{r: {{block: {block}, units: 2{option}}}}}")
    )
    assert network.params["r.b"].tolist() == [0, 0, value, value, 0, 0, 0, 0]
