"""Attention: against its definition, in tiles of any size, without the matrix of all scores; what no key is seen by."""

import math
import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from blockrun.blocks.attention import _tiles
from blockrun.blocks.attention.dot_product import ScaledDotProductAttention
from blockrun.blocks.attention.multi_head import MultiHeadAttention
from blockrun.blocks.attention.rotary import Rotary
from blockrun.core.options import OptionError
from blockrun.plugins.testing import check_block

RNG = np.random.default_rng(0)


def draw(*shapes):
    return [RNG.standard_normal(shape) for shape in shapes]


def by_definition(q, k, v, seen):
    """One query at a time: exponentials of its scores with the keys it sees, over their sum (Vaswani et al. 2017)."""
    y = np.zeros((*q.shape[:-1], v.shape[-1]))
    for place in np.ndindex(q.shape[:-1]):
        keys = [s for s in range(k.shape[-2]) if seen[(*place, s)]]
        scores = [float(q[place] @ k[(*place[:-1], s)]) / math.sqrt(q.shape[-1]) for s in keys]
        weights = [math.exp(score) for score in scores]
        for s, weight in zip(keys, weights, strict=True):
            y[place] += weight / sum(weights) * v[(*place[:-1], s)]
    return y


@pytest.fixture
def small_tiles(monkeypatch):
    """tiles(rows, columns, scores) sets the size of tiles, which is otherwise more than a test can fill."""

    def tiles(rows, columns, piece):
        for name, size in {"ROWS": rows, "COLUMNS": columns, "PIECE": piece}.items():
            monkeypatch.setattr(_tiles, name, size)

    return tiles


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize(("T", "S"), [(4, 5), (5, 4), (1, 3)])
def test_attention_is_a_mean_of_the_values_of_the_keys_that_are_seen(run, causal, masked, T, S):
    q, k, v = draw((2, 3, T, 4), (2, 3, S, 4), (2, 3, S, 2))
    mask = RNG.random((2, 1, T, S)) < 0.6
    seen = np.broadcast_to(mask if masked else True, (2, 3, T, S)) & (np.tri(T, S, dtype=bool) if causal else True)
    y, _ = run(ScaledDotProductAttention(causal=causal), q, k, v, *([mask] if masked else []))
    np.testing.assert_allclose(y, by_definition(q, k, v, seen), rtol=1e-12, atol=1e-14)


@given(
    sizes=st.tuples(*[st.integers(1, 7)] * 2),
    tile=st.tuples(*[st.integers(1, 5)] * 2, st.integers(1, 60)),
    causal=st.booleans(),
    masked=st.booleans(),
)
def test_the_size_of_a_tile_changes_nothing(sizes, tile, causal, masked):
    """Output and gradients, whatever the tiles are, are those of a single one."""
    (T, S), rng = sizes, np.random.default_rng(sum(sizes))
    q, k, v, dy = (rng.standard_normal(shape) for shape in ((3, 2, T, 2), (3, 2, S, 2), (3, 2, S, 3), (3, 2, T, 3)))
    scores = _tiles.Scores(q, k, rng.random((3, 1, T, S)) < 0.7 if masked else None, causal)
    expected = differentiated(scores, v, dy)
    saved = _tiles.ROWS, _tiles.COLUMNS, _tiles.PIECE
    try:
        _tiles.ROWS, _tiles.COLUMNS, _tiles.PIECE = tile
        found = differentiated(scores, v, dy)
    finally:
        _tiles.ROWS, _tiles.COLUMNS, _tiles.PIECE = saved
    for got, right in zip(found, expected, strict=True):
        np.testing.assert_allclose(got, right, rtol=1e-11, atol=1e-12)


def differentiated(scores, v, dy):
    y, top, total = _tiles.attend(scores, v)
    return y, *_tiles.attend_back(scores, v, None, top, total, dy, (True, True, True))


SMALL = [  # in tiles of 2 × 3 two rows of them, and as many in a row, or cut off by `causal`; one example at a time
    (ScaledDotProductAttention, ({}, {"causal": True, "p": 0.3}), ((2, 3, 2), (2, 5, 2), (2, 5, 1))),
    (MultiHeadAttention, ({"heads": 2, "p": 0.3}, {"heads": 1, "causal": True}), ((2, 4, 2), (2, 4, 3))),
]


@pytest.mark.parametrize(("block", "options", "shapes"), SMALL)
def test_every_check_of_the_kit_holds_in_small_tiles(small_tiles, monkeypatch, block, options, shapes):
    """Dropout among them, whose draws backward has to repeat tile by tile, and a mask."""
    T, S = shapes[0][1], shapes[1][1]
    mask = np.tril(np.ones((2, T, S), dtype=bool), 1)  # leaves every query a key, as a causal one does
    examples = [(block(**given), (*draw(*shapes), mask)) for given in options]
    monkeypatch.setattr(block, "examples", classmethod(lambda cls, rng: iter(examples)))
    small_tiles(2, 3, 7)
    report = check_block(block)
    assert report.ok, str(report)


def test_long_sequences_never_hold_the_scores_of_all_with_all():
    """4096 × 4096 scores in float32 are 64 MiB. A row of tiles is 128 × 4096: backward has three of these, of 2 MiB."""
    T = 4096
    q, k, v, dy = (x.astype(np.float32) for x in draw(*[(1, T, 8)] * 4))
    scores = _tiles.Scores(q, k, None, True)
    tracemalloc.start()
    try:
        y, top, total = _tiles.attend(scores, v, _tiles.dropper(0, 0.1))
        _tiles.attend_back(scores, v, _tiles.dropper(0, 0.1), top, total, dy, (True, True, True))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 12 * 2**20
    assert np.isfinite(y).all()


def test_a_query_that_sees_no_key_gives_zero_and_takes_no_gradient(run):
    q, k, v, dy = draw((2, 3, 4), (2, 5, 4), (2, 5, 2), (2, 3, 2))
    mask = np.ones((2, 3, 5), dtype=bool)
    mask[0, 1] = False
    y, gradients = run(ScaledDotProductAttention(), q, k, v, mask, dy=dy)
    np.testing.assert_array_equal(y[0, 1], 0)
    np.testing.assert_array_equal(gradients["q"][0, 1], 0)
    assert all(np.isfinite(gradient).all() for gradient in gradients.values())
    without = run(ScaledDotProductAttention(), q, k, v, mask, dy=np.where(mask.any(-1, keepdims=True), dy, 0))[1]
    for name, gradient in without.items():
        np.testing.assert_array_equal(gradients[name], gradient)


@pytest.mark.parametrize("scale", [1e4, 1e-4])
def test_scores_of_any_size_stay_finite_in_float32(run, scale):
    """With scores of 10⁸ the weights are 0 and 1: the value of the best key, and no gradient but that of v."""
    q, k, v, dy = (x.astype(np.float32) for x in draw((2, 4, 3), (2, 6, 3), (2, 6, 5), (2, 4, 5)))
    y, gradients = run(ScaledDotProductAttention(), q * np.float32(scale), k * np.float32(scale), v, dy=dy)
    assert all(np.isfinite(x).all() and x.dtype == np.float32 for x in (y, *gradients.values()))
    if scale > 1:
        best = (q @ k.swapaxes(1, 2)).argmax(-1)
        np.testing.assert_array_equal(y, np.take_along_axis(v, best[..., None], axis=1))
        assert not gradients["q"].any()
        assert not gradients["k"].any()


@pytest.mark.parametrize("p", [0.1, 0.5])
def test_dropout_takes_weights_as_often_as_asked_and_makes_up_for_them(run, p):
    """With v = 1 the output is the weights. The number dropped is binomial; five σ are missed once in two million."""
    q, k = draw((8, 60, 3), (8, 70, 3))
    v = np.broadcast_to(np.eye(70), (8, 70, 70))
    whole, _ = run(ScaledDotProductAttention(p=p), q, k, v, training=False)
    y, _ = run(ScaledDotProductAttention(p=p), q, k, v)
    dropped = (y == 0).sum()
    assert abs(dropped - p * y.size) < 5 * math.sqrt(y.size * p * (1 - p))
    np.testing.assert_allclose(y[y != 0], whole[y != 0] / (1 - p), rtol=1e-12)


def test_dropout_repeats_with_the_seed_and_whatever_the_precision(run):
    q, k, v = draw((2, 4, 3), (2, 5, 3), (2, 5, 3))
    first, _ = run(ScaledDotProductAttention(p=0.5), q, k, v, seed=3)
    single, _ = run(ScaledDotProductAttention(p=0.5), *(x.astype(np.float32) for x in (q, k, v)), seed=3)
    other, _ = run(ScaledDotProductAttention(p=0.5), q, k, v, seed=4)
    np.testing.assert_allclose(single, first, atol=1e-5)
    assert single.dtype == np.float32
    assert (first != other).any()


@pytest.mark.parametrize(
    ("mask", "fact"),
    [
        (np.ones((2, 3, 5)), "mask is float64; it must be true, or 1, where a query sees a key"),
        (np.ones((2, 5, 3), dtype=bool), r"mask has shape \(2, 5, 3\); it must broadcast to \(2, 3, 5\)"),
        (np.ones((1, 2, 3, 5), dtype=bool), r"mask has shape \(1, 2, 3, 5\); it must broadcast to \(2, 3, 5\)"),
    ],
)
def test_a_mask_that_is_none_is_refused(run, mask, fact):
    with pytest.raises(ValueError, match=fact):
        run(ScaledDotProductAttention(), *draw((2, 3, 4), (2, 5, 4), (2, 5, 2)), mask)


@pytest.mark.parametrize("p", [-0.1, 1])
def test_dropping_everything_is_refused(p):
    with pytest.raises(OptionError, match="at least 0, less than 1"):
        ScaledDotProductAttention(p=p)


def test_sequences_without_steps_give_nothing_and_without_keys_zero(run):
    for causal in (False, True):
        block = ScaledDotProductAttention(causal=causal)
        y, gradients = run(block, *draw((2, 0, 4), (2, 5, 4), (2, 5, 3)), dy=np.zeros((2, 0, 3)))
        assert y.shape == (2, 0, 3)
        assert not gradients["k"].any()
        y, _ = run(block, *draw((2, 3, 4), (2, 0, 4), (2, 0, 3)), dy=np.ones((2, 3, 3)))
        np.testing.assert_array_equal(y, np.zeros((2, 3, 3)))


def weights(K, M):
    names = {"W_q": (K, K), "W_k": (K, M), "W_v": (K, M), "W_o": (K, K), "b_q": (K,), "b_v": (K,), "b_o": (K,)}
    return dict(zip(names, draw(*names.values()), strict=True))


@pytest.mark.parametrize("mask", [None, RNG.random((2, 5)) < 0.6, RNG.random((2, 4, 5)) < 0.6], ids=["", "NS", "NTS"])
@pytest.mark.parametrize("causal", [False, True])
def test_every_head_attends_with_its_own_features(run, mask, causal):
    """Vaswani et al. 2017, §3.2.2: head h has the features h D to (h + 1) D of q, k and v."""
    (x, memory), W = draw((2, 4, 6), (2, 5, 3)), weights(6, 3)
    inputs = [x, memory] + ([] if mask is None else [mask])
    y, _ = run(MultiHeadAttention(heads=3, causal=causal), *inputs, **W)
    seen = np.broadcast_to(True if mask is None else mask if mask.ndim == 3 else mask[:, None], (2, 4, 5))
    seen = seen & np.tri(4, 5, dtype=bool) if causal else seen
    q, k, v = x @ W["W_q"].T + W["b_q"], memory @ W["W_k"].T, memory @ W["W_v"].T + W["b_v"]
    heads = [by_definition(*(a[..., 2 * h : 2 * h + 2] for a in (q, k, v)), seen) for h in range(3)]
    np.testing.assert_allclose(y, np.concatenate(heads, axis=-1) @ W["W_o"].T + W["b_o"], rtol=1e-11, atol=1e-12)


def test_attention_to_itself_is_attention_to_a_memory_that_is_the_same(run):
    (x, dy), W = draw((2, 4, 6), (2, 4, 6)), weights(6, 6)
    alone, gradients = run(MultiHeadAttention(heads=2), x, dy=dy, **W)
    twice, apart = run(MultiHeadAttention(heads=2), x, x, dy=dy, **W)
    np.testing.assert_array_equal(alone, twice)
    np.testing.assert_allclose(gradients["x"], apart["x"] + apart["memory"], rtol=1e-12, atol=1e-14)
    np.testing.assert_array_equal(gradients["W_k"], apart["W_k"])


def test_a_bias_of_the_keys_would_change_nothing(run):
    """Why there is none: keys k + c have the scores q k + q c, and softmax ignores what all scores of a query share."""
    q, k, v, c = draw((2, 4, 3), (2, 5, 3), (2, 5, 3), (3,))
    y, _ = run(ScaledDotProductAttention(), q, k, v)
    np.testing.assert_allclose(run(ScaledDotProductAttention(), q, k + c, v)[0], y, rtol=1e-12)


def test_heads_that_do_not_divide_the_features_are_refused(run):
    with pytest.raises(ValueError, match="x has 6 features; `heads`, 4, must divide them"):
        run(MultiHeadAttention(heads=4), *draw((2, 4, 6)))


def test_a_mask_of_heads_says_what_axes_it_takes(run):
    with pytest.raises(
        ValueError, match=r"mask has shape \(4,\); it must be \(N, S\), which keys are seen, or \(N, T, S\)"
    ):
        run(MultiHeadAttention(heads=2), *draw((2, 4, 6), (2, 4, 6)), np.ones(4, dtype=bool), **weights(6, 6))


def test_rotary_turns_every_pair_by_its_own_angle(run):
    """Su et al. 2021, eq. 34, with the pairs i, i + D/2: position t, pair i is turned by t · base^(−2i/D)."""
    (x,) = draw((2, 5, 6))
    y, _ = run(Rotary(base=100), x)
    for n, t, i in np.ndindex(2, 5, 3):
        turned = complex(x[n, t, i], x[n, t, i + 3]) * np.exp(1j * t * 100 ** (-2 * i / 6))
        np.testing.assert_allclose([y[n, t, i], y[n, t, i + 3]], [turned.real, turned.imag], rtol=1e-12)


def test_products_of_turned_vectors_depend_on_their_distance_alone(run):
    q, k = (np.tile(x, (1, 300, 1)) for x in draw((1, 1, 8), (1, 1, 8)))
    products = run(Rotary(), q)[0][0] @ run(Rotary(), k)[0][0].T
    for distance in (0, 7, 290):
        same = np.diagonal(products, distance)
        np.testing.assert_allclose(same, same[0], rtol=1e-10)


def test_rotary_is_as_exact_at_position_4000_as_at_1_in_float32(run):
    """An angle of 4000 in float32 would be off by 10⁻⁴."""
    x = np.ones((1, 4001, 2), dtype=np.float32)
    y, _ = run(Rotary(), x)
    np.testing.assert_allclose(
        y[0, 4000], [math.cos(4000) - math.sin(4000), math.cos(4000) + math.sin(4000)], rtol=1e-6
    )


def test_rotary_refuses_features_that_make_no_pairs(run):
    with pytest.raises(ValueError, match="x has 5 features; they are turned in pairs, so their number must be even"):
        run(Rotary(), np.ones((2, 3, 5)))
