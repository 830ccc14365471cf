"""Optimizers take the steps of their papers, whatever the precision and layout of what they are given."""

import math

import numpy as np
import pytest

from blockrun.plugins.training.adam import Adam
from blockrun.plugins.training.sgd import Sgd

EVERY = [
    Sgd(),
    Sgd(decay=0.1),
    Sgd(momentum=0.9),
    Sgd(momentum=0.9, nesterov=True, decay=0.1),
    Adam(),
    Adam(beta1=0, beta2=0.9, decay=0.1),
]


def walk(optimizer, p, gradients, lr):
    state, path = optimizer.init(p), []
    for step, dp in enumerate(gradients, start=1):
        p, state = optimizer.update(p, dp, state, lr, step)
        path.append(p)
    return path


def scalar(optimizer, p, gradients, lr):
    return [float(p) for p in walk(optimizer, np.array(p, float), [np.array(g, float) for g in gradients], lr)]


def test_sgd_goes_down_the_gradient():
    assert scalar(Sgd(), 1.0, [2.0, -4.0], 0.5) == [0.0, 2.0]


def test_momentum_adds_up_past_gradients():
    """By hand: v = 2, then 0.5·2 + 4 = 5; p = 1 − 0.1·2 = 0.8, then 0.8 − 0.1·5 = 0.3."""
    assert scalar(Sgd(momentum=0.5), 1.0, [2.0, 4.0], 0.1) == pytest.approx([0.8, 0.3])


def test_momentum_reaches_its_terminal_speed():
    """Under a constant gradient g the step becomes lr·g / (1 − momentum), a geometric series."""
    path = scalar(Sgd(momentum=0.9), 0.0, [1.0] * 400, 0.1)
    assert path[-2] - path[-1] == pytest.approx(0.1 / (1 - 0.9))


def test_nesterov_looks_one_step_ahead():
    """By hand: d + 0.5·v = 2 + 1 = 3, then 4 + 0.5·5 = 6.5; p = 1 − 0.3 = 0.7, then 0.7 − 0.65 = 0.05."""
    assert scalar(Sgd(momentum=0.5, nesterov=True), 1.0, [2.0, 4.0], 0.1) == pytest.approx([0.7, 0.05])


def test_decay_alone_shrinks_the_parameter_geometrically():
    assert scalar(Sgd(decay=0.5), 8.0, [0.0] * 3, 1.0) == [4.0, 2.0, 1.0]


def test_nesterov_without_momentum_is_refused():
    with pytest.raises(ValueError, match="momentum"):
        Sgd(nesterov=True)


@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e3])
def test_adam_takes_steps_of_size_lr_under_a_constant_gradient(scale):
    """Both averages, freed of their bias, are then exact: m̂ = g and v̂ = g² (Kingma & Ba 2015, sections 2.1 and 3)."""
    path = scalar(Adam(), 0.0, [scale] * 5, 0.01)
    assert path == pytest.approx([-0.01, -0.02, -0.03, -0.04, -0.05], rel=1e-4)


def test_adam_follows_algorithm_1():
    """Kingma & Ba 2015, algorithm 1, line by line in scalars."""
    gradients, p, m, v, expected = [0.3, -1.2, 0.05, 2.0], 0.7, 0.0, 0.0, []
    for t, g in enumerate(gradients, start=1):
        m, v = 0.8 * m + 0.2 * g, 0.95 * v + 0.05 * g**2
        p -= 0.1 * (m / (1 - 0.8**t)) / (math.sqrt(v / (1 - 0.95**t)) + 1e-3)
        expected.append(p)
    assert scalar(Adam(beta1=0.8, beta2=0.95, eps=1e-3), 0.7, gradients, 0.1) == pytest.approx(expected, rel=1e-12)


def test_the_decay_of_adam_is_coupled():
    """The gradient of decay/2·p² joins the other: decay 0.5 at p = 4 is a gradient of 2, whose first step is lr."""
    assert scalar(Adam(decay=0.5), 4.0, [0.0], 0.25) == pytest.approx([3.75])


@pytest.mark.parametrize("optimizer", EVERY, ids=repr)
@pytest.mark.parametrize("shape", [(), (3,), (4, 3)])
def test_nothing_given_is_written_to_and_the_precision_is_kept(optimizer, shape):
    rng = np.random.default_rng(0)
    p = rng.standard_normal(shape).astype(np.float32)
    state = optimizer.init(p)
    dp = np.broadcast_to(np.float32(0.5), shape)
    for given in (p, *state.values()):
        given.flags.writeable = False
    for step in (1, 2):
        before = p.copy()
        new, state = optimizer.update(p, dp, state, 0.1, step)
        np.testing.assert_array_equal(p, before)
        for array in (new, *state.values()):
            assert isinstance(array, np.ndarray)
            assert (array.dtype, array.shape) == (np.float32, shape)
            assert not np.shares_memory(array, p)
        p = new


@pytest.mark.parametrize("optimizer", EVERY, ids=repr)
def test_a_bowl_is_descended_to_its_bottom(optimizer):
    """f = ½(p − 3)², with decay added: the minimum of f + decay/2·p² is 3 / (1 + decay)."""
    p = np.array([10.0])
    state = optimizer.init(p)
    for step in range(1, 3001):
        p, state = optimizer.update(p, p - 3, state, 0.3 / math.sqrt(step), step)
    assert p[0] == pytest.approx(3 / (1 + optimizer.decay), abs=0.01)
