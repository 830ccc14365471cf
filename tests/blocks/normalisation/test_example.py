"""Normalisation of each example by itself: against its definition, against its own kin, and far from 0."""

import statistics

import numpy as np
import pytest

from blockrun.blocks.normalisation.batch import BatchNorm
from blockrun.blocks.normalisation.example import GroupNorm, InstanceNorm, LayerNorm, RmsNorm

RNG = np.random.default_rng(0)
CHANNELS = 6
SCALE, SHIFT = RNG.random(CHANNELS) + 1, RNG.random(CHANNELS)
X, DY = 3 + RNG.standard_normal((4, 5, 3, CHANNELS)), RNG.standard_normal((4, 5, 3, CHANNELS))
PLAIN = {"scale": False, "bias": False}


def test_layer_norm_gives_every_row_mean_0_and_variance_1(run):
    """The statistics are those of Python's `statistics` on the numbers of one row."""
    y, _ = run(LayerNorm(eps=1e-3), X, gamma=SCALE, beta=SHIFT)
    values = X[1, 2, 0].tolist()
    mu, sigma2 = statistics.fmean(values), statistics.pvariance(values)
    expected = SCALE * (X[1, 2, 0] - mu) / np.sqrt(sigma2 + 1e-3) + SHIFT
    np.testing.assert_allclose(y[1, 2, 0], expected, rtol=1e-12)


def test_rms_norm_gives_every_row_mean_square_1_and_leaves_its_direction(run):
    y, _ = run(RmsNorm(eps=1e-12, scale=False), X)
    np.testing.assert_allclose((y**2).mean(axis=-1), 1, rtol=1e-10)
    np.testing.assert_allclose(
        y / np.linalg.norm(y, axis=-1, keepdims=True), X / np.linalg.norm(X, axis=-1, keepdims=True)
    )


def test_group_norm_gives_every_group_of_an_example_mean_0_and_variance_1(run):
    y, _ = run(GroupNorm(groups=2, eps=1e-12, **PLAIN), X)
    for group in (y[..., :3], y[..., 3:]):
        np.testing.assert_allclose(group.mean(axis=(1, 2, 3)), 0, atol=1e-10)
        np.testing.assert_allclose(group.var(axis=(1, 2, 3)), 1, rtol=1e-9)


def test_instance_norm_is_group_norm_with_a_group_for_every_channel(run):
    params = {"gamma": SCALE, "beta": SHIFT}
    one = run(InstanceNorm(), X, dy=DY, **params)
    other = run(GroupNorm(groups=CHANNELS), X, dy=DY, **params)
    np.testing.assert_allclose(one[0], other[0], rtol=1e-12)
    for name, gradient in one[1].items():
        np.testing.assert_allclose(gradient, other[1][name], rtol=1e-9, atol=1e-12, err_msg=name)


def test_group_norm_with_one_group_is_layer_norm_where_there_are_no_positions(run):
    x, dy = X[:, 0, 0], DY[:, 0, 0]
    params = {"gamma": SCALE, "beta": SHIFT}
    one, other = run(GroupNorm(groups=1), x, dy=dy, **params), run(LayerNorm(), x, dy=dy, **params)
    np.testing.assert_allclose(one[0], other[0], rtol=1e-12)
    np.testing.assert_allclose(one[1]["x"], other[1]["x"], rtol=1e-9, atol=1e-12)


def test_instance_norm_of_one_example_is_batch_norm(run):
    params = {"gamma": SCALE, "beta": SHIFT}
    state = {"mean": np.zeros(CHANNELS), "var": np.ones(CHANNELS)}
    one, other = run(InstanceNorm(), X[:1], dy=DY[:1], **params), run(BatchNorm(), X[:1], dy=DY[:1], **params, **state)
    np.testing.assert_allclose(one[0], other[0][0], rtol=1e-12)
    np.testing.assert_allclose(one[1]["x"], other[1]["x"], rtol=1e-9, atol=1e-12)


BARE = {
    "layer": lambda **options: LayerNorm(**PLAIN, **options),
    "group": lambda **options: GroupNorm(groups=2, **PLAIN, **options),
    "instance": lambda **options: InstanceNorm(**PLAIN, **options),
    "rms": lambda **options: RmsNorm(scale=False, **options),
}


@pytest.mark.parametrize("kind", BARE)
def test_an_example_does_not_depend_on_the_others(run, kind):
    alone, _ = run(BARE[kind](), X[1:2])
    together, _ = run(BARE[kind](), X)
    np.testing.assert_allclose(together[1:2], alone, rtol=1e-12)


@pytest.mark.parametrize("make", [LayerNorm, lambda **options: GroupNorm(groups=2, **options), InstanceNorm])
def test_scale_and_bias_are_there_unless_left_out(make):
    x = type("Spec", (), {"shape": X.shape})
    assert list(make().params(x)) == ["gamma", "beta"]
    assert list(make(scale=False).params(x)) == ["beta"]
    assert list(make(bias=False).params(x)) == ["gamma"]
    assert make(**PLAIN).params(x) == {}


@pytest.mark.parametrize("kind", BARE)
def test_gradients_ignore_the_size_that_normalisation_takes_away(run, kind):
    """With eps → 0, y does not change when x is stretched, so dx is orthogonal to x; nor, but for rms, when shifted."""
    _, gradients = run(BARE[kind](eps=1e-12), X, dy=DY)
    np.testing.assert_allclose((gradients["x"] * X).sum(axis=(1, 2, 3)), 0, atol=1e-8)
    if kind != "rms":
        np.testing.assert_allclose(gradients["x"].sum(axis=(1, 2, 3)), 0, atol=1e-8)


@pytest.mark.parametrize(("kind", "axis"), [("layer", -1), ("group", (1, 2)), ("instance", 1)])
def test_the_variance_survives_a_large_mean_in_float32(run, kind, axis):
    """With mean 1e4 and variance 1 the textbook form Σ x² − n μ² has no correct digit in float32."""
    signs = np.where(np.add.outer(np.arange(64), np.arange(64)) % 2, 1.0, -1.0)  # 0 on average along both axes
    y, _ = run(BARE[kind](), (10000 + signs[None]).astype(np.float32))
    assert y.dtype == np.float32
    np.testing.assert_allclose(y, signs[None], atol=1e-2)
    np.testing.assert_allclose(y.var(axis=axis), 1, atol=1e-2)


@pytest.mark.parametrize("kind", BARE)
def test_equal_numbers_are_no_division_by_zero(run, kind):
    y, gradients = run(BARE[kind](), np.zeros((2, 3, CHANNELS), np.float32), dy=DY[:2, 0].astype(np.float32))
    assert not y.any()
    assert np.isfinite(gradients["x"]).all()


def test_groups_must_be_equal(run):
    with pytest.raises(ValueError, match="x has 6 channels; they cannot make 4 equal groups"):
        run(GroupNorm(groups=4), X)


@pytest.mark.parametrize("kind", BARE)
def test_one_axis_alone_is_refused_since_it_is_that_of_the_examples(run, kind):
    with pytest.raises(ValueError, match=r"`x` has shape \(3,\); \w+ wants x \(N, ..., C\), at least 2 axes"):
        run(BARE[kind](), np.ones(3))
