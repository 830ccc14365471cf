"""Gradients are clipped as the papers say, and those of a batch in pieces are those of the batch."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from blockrun.plugins.host import load_host
from blockrun.plugins.network import load
from blockrun.plugins.training.gradients import Clip, Pieces
from blockrun.plugins.training.loop import Trainer

HOST = load_host(entry_points=False)
NETWORK = """\
blockrun: 1
inputs: {{image: [8, 8, 1], label: {{shape: [], dtype: int64}}, bias: {{value: {bias}}}}}
net:
  conv: {{block: conv2d, channels: 5, kernel: 3, in: image}}
  pool: {{block: max_pool2d, size: 2}}
  flat: flatten
{more}
  fc: {{block: linear, units: 10, bias: false}}
  logits: {{block: add, in: [fc, bias]}}
  loss: {{block: softmax_cross_entropy, in: [logits, label]}}
  size: {{block: sum_of_squares, in: [fc, fc2]}}
  fc2: {{block: linear, units: 10, in: flat}}
data: {{train: {{source: digits, split: train, batch: 23}}}}
train: {{steps: 4, minimize: {{loss: 1, size: 1e-3}}, optimizer: {{name: sgd, lr: 0.5}}, {train}}}
run: {{dtype: {dtype}}}
"""


@pytest.fixture
def trainer(tmp_path):
    def make(train="evaluate: {steps: 1}", more="", dtype="float64"):
        text = NETWORK.format(train=train, more=more, dtype=dtype, bias=[0.1] * 10)
        (tmp_path / "net.yaml").write_text(text)
        return Trainer(load(tmp_path / "net.yaml", host=HOST))

    return make


def first_batch(trainer):
    return next(iter(trainer.batches.epoch(0)))


def change(trainer):
    """By how much one step changes each parameter, over −lr: the gradient that plain descent went by."""
    before = dict(trainer.network.params)
    batch = first_batch(trainer)
    trainer.take_step(batch, 23)
    return {name: (before[name] - p) / 0.5 for name, p in trainer.network.params.items()}


def length(gradients):
    return np.sqrt(sum((g * g).sum() for g in gradients.values()))


def test_gradients_longer_than_the_norm_keep_their_direction(trainer):
    """g · c / ‖g‖ with all gradients as one vector (Pascanu, Mikolov & Bengio 2013, algorithm 1)."""
    whole = change(trainer())
    clipped = change(trainer("clip: {norm: 0.25}"))
    assert length(whole) > 0.25
    assert length(clipped) == pytest.approx(0.25, rel=1e-12)
    for name, g in whole.items():
        np.testing.assert_allclose(clipped[name], g * 0.25 / length(whole), rtol=1e-9, atol=1e-14)


def test_gradients_within_the_norm_are_left_alone():
    gradients = {"a": np.array([3.0, 0.0]), "b": np.array(4.0)}  # of length 5
    assert Clip(norm=5.0)(gradients, [9.0, 16.0]) is gradients


def test_entries_beyond_the_value_are_moved_to_it(trainer):
    whole, clipped = change(trainer()), change(trainer("clip: {value: 0.01}"))
    assert max(np.abs(g).max() for g in whole.values()) > 0.01
    for name, g in whole.items():
        np.testing.assert_allclose(clipped[name], np.minimum(np.maximum(g, -0.01), 0.01), rtol=1e-9, atol=1e-14)


def test_gradients_whose_squares_overflow_are_clipped_all_the_same():
    """(1e30)² is more than float32 can hold; the length of two such is √2·1e30."""
    gradients = {"a": np.array([1e30, -1e30], np.float32)}
    clipped = Clip(norm=1.0)(gradients, [np.inf])
    np.testing.assert_allclose(clipped["a"], [np.sqrt(0.5), -np.sqrt(0.5)], rtol=1e-6)
    assert clipped["a"].dtype == np.float32


@pytest.mark.parametrize("pieces", [1, 2, 4, 23, 100])
def test_the_gradients_of_a_batch_in_pieces_are_those_of_the_batch(trainer, pieces):
    """To 1e-12 in float64, where no block couples examples (promise 34); two losses, one a mean and one a sum."""
    whole = change(trainer())
    for name, g in change(trainer(f"accumulate: {pieces}")).items():
        np.testing.assert_allclose(g, whole[name], rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("count", [1, 2, 4, 23, 100])
def test_the_gradients_of_pieces_at_once_are_those_of_the_batch_through_batch_norm_too(trainer, count):
    """To 1e-12 in float64; the running mean and variance are those of the whole batch as well."""
    whole, cut = trainer(more="  norm: batch_norm"), trainer(f"parallel: {count}", "  norm: batch_norm")
    expected, found = change(whole), change(cut)
    for name, g in found.items():
        np.testing.assert_allclose(g, expected[name], rtol=1e-12, atol=1e-12)
    for name, x in cut.network.state.items():
        np.testing.assert_allclose(x, whole.network.state[name], rtol=1e-12)


def test_pieces_in_float32_stay_float32(trainer):
    made = trainer("accumulate: 3, clip: {norm: 1}, average: 0.9", dtype="float32")
    change(made)
    assert {x.dtype for x in (*made.network.params.values(), *made.average.values.values())} == {np.dtype("float32")}


def test_settled_pieces_are_normalised_each_by_itself_and_hand_their_state_on(trainer):
    """What batch_norm then computes, from the pieces of 12 and 11 one by one: Σ (size / 23) ∇J(piece)."""
    made = trainer("accumulate: {pieces: 2, settle: true}", "  norm: batch_norm")
    network, batch = made.network, first_batch(made)
    expected: dict = {}
    for rows in (slice(0, 12), slice(12, 23)):
        piece = {name: x[rows] for name, x in batch.items()}
        count, objective = len(piece["label"]), network.objective
        network.objective = {"loss": count / 23, "size": 1e-3}
        for name, g in network.gradients(piece).items():
            expected[name] = expected.get(name, 0) + g
        network.objective = objective
        found = network.forward(piece, keep=list(network.graph.updates.values()), training=True)
        network.state.update({state: found[update] for state, update in network.graph.updates.items()})
    state = dict(network.state)
    network.initialise(0)
    for name, g in change(made).items():
        np.testing.assert_allclose(g, expected[name], rtol=1e-9, atol=1e-12)
    for name, x in network.state.items():
        np.testing.assert_allclose(x, state[name], rtol=1e-12)


@given(examples=st.integers(1, 1000), pieces=st.integers(1, 64))
def test_pieces_are_as_even_as_can_be_and_none_is_empty(examples, pieces):
    sizes = Pieces(pieces).sizes(examples)
    assert sum(sizes) == examples
    assert len(sizes) == min(pieces, examples)
    assert max(sizes) - 1 <= min(sizes)
    assert sizes == sorted(sizes, reverse=True)
