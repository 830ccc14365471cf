"""Batch normalisation: against its definition, its running statistics, and in pieces that know only their own rows."""

import statistics
import threading
from types import SimpleNamespace

import numpy as np
import pytest

from blockrun.blocks.normalisation.batch import BatchNorm
from blockrun.core import Context

RNG = np.random.default_rng(0)
FEED = {"gamma": RNG.random(3) + 1, "beta": RNG.random(3), "mean": RNG.random(3), "var": RNG.random(3) + 1}


@pytest.mark.parametrize("shape", [(5, 3), (4, 2, 3), (2, 3, 4, 3)])
def test_training_normalises_every_channel_by_its_own_batch(run, shape):
    """The statistics are those of Python's `statistics` on the numbers of one channel."""
    x = 3 + RNG.standard_normal(shape)
    (y, new_mean, new_var), _ = run(BatchNorm(eps=1e-3, momentum=0.25), x, **FEED)
    for c in range(3):
        values = x[..., c].ravel().tolist()
        mu, sigma2 = statistics.fmean(values), statistics.pvariance(values)
        expected = FEED["gamma"][c] * (x[..., c] - mu) / np.sqrt(sigma2 + 1e-3) + FEED["beta"][c]
        np.testing.assert_allclose(y[..., c], expected, rtol=1e-12, atol=1e-12)
        np.testing.assert_allclose(new_mean[c], 0.75 * FEED["mean"][c] + 0.25 * mu, rtol=1e-12)
        np.testing.assert_allclose(new_var[c], 0.75 * FEED["var"][c] + 0.25 * statistics.variance(values), rtol=1e-12)


def test_evaluation_uses_the_running_statistics_and_leaves_them(run):
    x, dy = RNG.standard_normal((5, 3)), RNG.standard_normal((5, 3))
    (y, new_mean, new_var), gradients = run(BatchNorm(eps=1e-3), x, training=False, dy=dy, **FEED)
    scale = FEED["gamma"] / np.sqrt(FEED["var"] + 1e-3)
    np.testing.assert_allclose(y, scale * (x - FEED["mean"]) + FEED["beta"])
    np.testing.assert_allclose(gradients["x"], dy * scale)
    np.testing.assert_array_equal(new_mean, FEED["mean"])
    np.testing.assert_array_equal(new_var, FEED["var"])


def test_gradients_ignore_what_normalisation_takes_away(run):
    """y does not change when x is shifted or, with eps → 0, scaled; so dx is orthogonal to 1 and to x."""
    x, dy = RNG.standard_normal((6, 3)), RNG.standard_normal((6, 3))
    _, gradients = run(BatchNorm(eps=1e-12), x, dy=dy, **FEED)
    np.testing.assert_allclose(gradients["x"].sum(axis=0), 0, atol=1e-9)
    np.testing.assert_allclose((gradients["x"] * x).sum(axis=0), 0, atol=1e-9)


def test_an_empty_batch_leaves_the_running_statistics(run):
    (y, new_mean, new_var), gradients = run(BatchNorm(), np.empty((0, 3)), dy=np.empty((0, 3)), **FEED)
    assert y.shape == gradients["x"].shape == (0, 3)
    assert gradients["gamma"].tolist() == [0, 0, 0]
    np.testing.assert_array_equal(new_mean, FEED["mean"])
    np.testing.assert_array_equal(new_var, FEED["var"])


def test_a_batch_of_one_gives_beta_and_no_gradient(run):
    (y, _, new_var), gradients = run(BatchNorm(), np.array([[1.0, -2, 3]]), dy=np.ones((1, 3)), **FEED)
    np.testing.assert_array_equal(y, [FEED["beta"]])
    np.testing.assert_array_equal(gradients["x"], np.zeros((1, 3)))
    np.testing.assert_allclose(new_var, 0.9 * FEED["var"])


def test_the_variance_survives_a_large_mean_in_float32(run):
    """With mean 1e4 and variance 1 the textbook form Σ x² − n μ² has no correct digit in float32."""
    x = (10000 + RNG.permutation(np.repeat([-1.0, 1.0], 500)))[:, None].astype(np.float32)
    feed = {name: np.ones(1, np.float32) for name in FEED}
    (y, _, _), _ = run(BatchNorm(), x, **feed)
    np.testing.assert_allclose(y, 1 + (x - 10000), atol=1e-2)
    assert y.dtype == np.float32


def test_pieces_of_a_batch_give_exactly_the_whole(run):
    """Unequal pieces in threads, as an executor would run them, whose `total` is the sum over the pieces."""
    x, dy = RNG.standard_normal((7, 2, 3)), RNG.standard_normal((7, 2, 3))
    (y, new_mean, new_var), gradients = run(BatchNorm(), x, dy=dy, **FEED)
    pieces = _in_pieces(BatchNorm(), [x[:2], x[2:2], x[2:]], [dy[:2], dy[2:2], dy[2:]])
    np.testing.assert_allclose(np.concatenate([piece.y for piece in pieces]), y, atol=1e-12)
    np.testing.assert_allclose(np.concatenate([piece.dx for piece in pieces]), gradients["x"], atol=1e-12)
    np.testing.assert_allclose(sum(piece.dgamma for piece in pieces), gradients["gamma"])
    np.testing.assert_allclose(sum(piece.dbeta for piece in pieces), gradients["beta"])
    for piece in pieces:
        np.testing.assert_allclose(piece.new_mean, new_mean)
        np.testing.assert_allclose(piece.new_var, new_var)


def _in_pieces(block, xs, dys):
    barrier, parts = threading.Barrier(len(xs), timeout=10), [None] * len(xs)
    found = [SimpleNamespace() for _ in xs]

    def work(i):
        def total(value):
            parts[i] = value
            barrier.wait()
            result = sum(parts)
            barrier.wait()
            return result

        ctx = Context(True, SimpleNamespace(x=True, gamma=True, beta=True), 7, (0,), total)
        (found[i].y, found[i].new_mean, found[i].new_var), saved = block.forward(ctx, xs[i], **FEED)
        found[i].dx, found[i].dgamma, found[i].dbeta = block.backward(ctx, saved, dys[i])

    threads = [threading.Thread(target=work, args=(i,)) for i in range(len(xs))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found
