"""Embedding against a product with one-hot rows, positions against the formula of the paper, number by number."""

import math

import numpy as np
import pytest

from blockrun.blocks._scatter import WIDE
from blockrun.blocks.linear.tables import Embedding, OneHot, Positions
from blockrun.core import Node, Spec
from blockrun.core.assemble import assemble
from blockrun.core.options import OptionError


@pytest.mark.parametrize("units", [2, WIDE, WIDE + 1])
@pytest.mark.parametrize("shape", [(), (0,), (7,), (40, 9), (2, 0, 3)])
def test_embedding_is_the_product_of_one_hot_rows_with_its_table(run, shape, units):
    """y = one-hot(index) W, so ∂J/∂W = one-hot(index)ᵀ δ_y; of 5 words, each is there many times or never."""
    rng = np.random.default_rng(0)
    index, W, dy = rng.integers(5, size=shape), rng.standard_normal((5, units)), rng.standard_normal((*shape, units))
    rows = np.eye(5)[index.reshape(-1)]
    y, gradients = run(Embedding(vocab=5, units=units), index, W=W, dy=dy)
    np.testing.assert_array_equal(y, (rows @ W).reshape(*shape, units))
    np.testing.assert_allclose(gradients["W"], rows.T @ dy.reshape(-1, units), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("dtype", [np.uint8, np.int32, np.int64])
def test_padding_is_zero_whatever_is_in_its_row_and_leaves_the_row_alone(run, dtype):
    index, W = np.array([[2, 0], [1, 2]], dtype), np.array([[1.0, 2], [3, 4], [5, 6]])
    y, gradients = run(Embedding(vocab=3, units=2, padding=2), index, W=W, dy=np.ones((2, 2, 2)))
    assert y.tolist() == [[[0, 0], [1, 2]], [[3, 4], [0, 0]]]
    assert gradients["W"].tolist() == [[1, 1], [1, 1], [0, 0]]


def test_padding_must_be_in_the_vocabulary():
    with pytest.raises(OptionError, match="`padding` is 3 and `vocab` 3; it must be less"):
        Embedding(vocab=3, units=2, padding=3)


@pytest.mark.parametrize(("block", "of"), [
    (Embedding(vocab=65, units=2), "the vocabulary of 65"),
    (OneHot(classes=65), "the 65 classes"),
])  # fmt: skip
def test_an_index_that_is_not_in_the_table_is_named_with_its_place(run, block, of):
    params = {"W": np.zeros((65, 2))} if isinstance(block, Embedding) else {}
    with pytest.raises(ValueError, match=rf"index 70 at position \(1, 2\) is outside {of}: 0 to 64"):
        run(block, np.array([[0, 1, 2], [3, 64, 70]]), **params)
    with pytest.raises(ValueError, match=rf"index -1 at position \(0\) is outside {of}: 0 to 64"):
        run(block, np.array([-1, 0]), **params)
    with pytest.raises(ValueError, match="index is float64; it must be integers from 0 to 64"):
        run(block, np.array([1.0]), **params)


def test_one_hot_worked_by_hand(run):
    y, _ = run(OneHot(classes=3), np.array([[2, 0]], np.uint8))
    assert y.tolist() == [[[0, 0, 1], [1, 0, 0]]]
    assert run(OneHot(classes=3), np.empty((0, 4), np.int64))[0].shape == (0, 4, 3)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_one_hot_has_the_dtype_that_the_network_computes_in(dtype):
    """Only integers come in, so the block cannot tell from them; a linear layer behind it would compute in two."""
    built = assemble([Node("y", OneHot(classes=3), ("label",))], {"label": Spec((0,), np.dtype("i8"))}, dtype)
    assert built.specs["y"] == Spec((0, 3), np.dtype(dtype))


def test_learned_positions_add_the_first_rows_of_their_table(run):
    W = np.arange(8.0).reshape(4, 2)
    dy = np.array([[[1.0, 2], [3, 4], [5, 6]], [[10, 20], [30, 40], [50, 60]]])
    y, gradients = run(Positions(length=4), np.zeros((2, 3, 2)), W=W, dy=dy)
    assert y.tolist() == [[[0, 1], [2, 3], [4, 5]]] * 2
    assert gradients["x"].tolist() == dy.tolist()
    assert gradients["W"].tolist() == [[11, 22], [33, 44], [55, 66], [0, 0]]


@pytest.mark.parametrize("K", [6, 5, 1])
def test_sinusoidal_positions_are_those_of_the_paper(run, K):
    """Vaswani et al. 2017, §3.5: PE(pos, 2i) = sin(pos / 10000^(2i/K)), PE(pos, 2i+1) = cos of the same."""
    y, gradients = run(Positions(kind="sinusoidal"), np.zeros((1, 50, K)), dy=np.ones((1, 50, K)))
    for t in range(50):
        for k in range(K):
            angle = t / math.pow(10000, (k - k % 2) / K)
            assert y[0, t, k] == pytest.approx((math.cos if k % 2 else math.sin)(angle), abs=1e-13)
    assert set(gradients) == {"x"}


def test_sinusoidal_positions_keep_their_digits_in_float32_far_from_the_start(run):
    """The angle 1000.01 is 1000.0100098 in float32, of which the sine is wrong in the fifth digit."""
    y, _ = run(Positions(kind="sinusoidal"), np.zeros((1, 100_002, 4), np.float32))
    assert y.dtype == np.float32
    np.testing.assert_allclose(y[0, -1, 2:], [math.sin(1000.01), math.cos(1000.01)], rtol=1e-7)


@pytest.mark.parametrize("block", [Positions(length=4), Positions(kind="sinusoidal", length=4)], ids=lambda b: b.kind)
def test_a_sequence_longer_than_length_is_refused_with_both_numbers(run, block):
    with pytest.raises(ValueError, match="a sequence has 5 places; `length` is 4, which must be at least as many"):
        run(block, np.zeros((2, 5, 3)))


def test_learned_positions_say_that_they_need_a_length():
    with pytest.raises(OptionError, match="learned positions need `length`, that of the longest sequence"):
        Positions()
