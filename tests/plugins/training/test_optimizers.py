"""Optimizers take the steps of their papers, whatever the precision and layout of what they are given."""

import math

import numpy as np
import pytest

from blockrun.plugins.training.adam import Adam, Adamw, Amsgrad
from blockrun.plugins.training.adaptive import Adadelta, Adagrad, Rmsprop
from blockrun.plugins.training.lion import Lion
from blockrun.plugins.training.sgd import Sgd

COUPLED = [
    Sgd(),
    Sgd(decay=0.1),
    Sgd(momentum=0.9),
    Sgd(momentum=0.9, nesterov=True, decay=0.1),
    Adam(),
    Adam(beta1=0, beta2=0.9, decay=0.1),
    Adam(amsgrad=True, decay=0.1),
    Amsgrad(decay=0.1),
    Rmsprop(),
    Rmsprop(momentum=0.9, centered=True, decay=0.1),
]
UNHURRIED = [Adagrad(), Adagrad(start=1.0, decay=0.1), Adadelta(), Adadelta(rho=0.99, eps=1e-3, decay=0.1)]
DECOUPLED = [
    Adamw(),
    Adamw(decay=0),
    Adamw(amsgrad=True),
    Lion(),
    Lion(decay=0.1),
    Rmsprop(momentum=0.9, decay=0.1, decoupled=True),
]
EVERY = [*COUPLED, *UNHURRIED, *DECOUPLED]


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


@pytest.mark.parametrize("cls", [Sgd, Adagrad, Adadelta, Rmsprop])
def test_a_decoupled_decay_shrinks_the_parameter_beside_the_rule(cls):
    """Loshchilov & Hutter 2019: p − lr·decay·p, then the step that the rule would take without decay."""
    gradients, rule, p, state = [0.3, -1.2, 0.05, 2.0], cls(), 4.0, cls().init(np.array(4.0))
    expected = []
    for step, dp in enumerate(gradients, start=1):
        stepped, state = rule.update(np.array(p), np.array(dp), state, 0.25, step)
        p = p * (1 - 0.25 * 0.5) + float(stepped - p)
        expected.append(p)
    assert scalar(cls(decay=0.5, decoupled=True), 4.0, gradients, 0.25) == pytest.approx(expected, rel=1e-12)


def test_a_decoupled_decay_does_not_build_up_momentum():
    """By hand: 8·½ at each step, where the momentum of a coupled one would take it below."""
    assert scalar(Sgd(momentum=0.5, decay=0.5, decoupled=True), 8.0, [0.0] * 3, 1.0) == [4.0, 2.0, 1.0]
    assert scalar(Sgd(momentum=0.5, decay=0.5), 8.0, [0.0] * 2, 1.0) == [4.0, 0.0]


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


def test_amsgrad_divides_by_the_largest_average_so_far():
    """By hand, β₁ = 0 and β₂ = ½: v = 2, then 1.5 where 2 counts; v̂ = 2/½ = 4, then 2/¾ (and not 1.5/¾)."""
    expected = [-1.0, -1.0 - 1 / math.sqrt(8 / 3)]
    betas = {"beta1": 0, "beta2": 0.5}
    for optimizer in (Adam(amsgrad=True, **betas), Amsgrad(**betas), Adamw(amsgrad=True, decay=0, **betas)):
        assert scalar(optimizer, 0.0, [2.0, 1.0], 1.0) == pytest.approx(expected)


def test_the_decay_of_adamw_shrinks_whatever_the_gradient_is():
    """By hand: 4·(1 − 0.25·0.5) = 3.5, from which Adam's first step of size lr goes down the gradient."""
    assert scalar(Adamw(decay=0.5), 4.0, [0.0], 0.25) == [3.5]
    for gradient in (1e-3, 1e3):
        assert scalar(Adamw(decay=0.5), 4.0, [gradient], 0.25) == pytest.approx([3.25], rel=1e-5)


def test_adamw_without_decay_is_adam():
    gradients = [0.3, -1.2, 0.05, 2.0]
    assert scalar(Adamw(decay=0), 0.7, gradients, 0.1) == scalar(Adam(), 0.7, gradients, 0.1)


def test_adagrad_divides_by_the_length_of_all_gradients():
    """By hand: √9 = 3, then √(9 + 16) = 5; p = 1 − 0.5·3/3 = 0.5, then 0.5 − 0.5·4/5 = 0.1. With v = 7 first, √16."""
    assert scalar(Adagrad(), 1.0, [3.0, 4.0], 0.5) == pytest.approx([0.5, 0.1])
    assert scalar(Adagrad(start=7), 1.0, [3.0], 0.5) == pytest.approx([1 - 0.5 * 3 / 4])


def test_adadelta_takes_steps_in_proportion_to_those_before():
    """By hand, ρ = ½ and eps = 2: v = 2, Δ = √2/√4·2 = √2, u = 1; then v = 3, Δ = √3/√5·2."""
    expected = [-math.sqrt(2), -math.sqrt(2) - 2 * math.sqrt(3 / 5)]
    assert scalar(Adadelta(rho=0.5, eps=2), 0.0, [2.0, 2.0], 1.0) == pytest.approx(expected)


def test_rmsprop_divides_by_the_running_size_of_the_gradient():
    """By hand, ρ = ¾: v = 16/4 = 4, then 3 + 4/4 = 4; u = 4/2, then 2/2. Momentum ½: b = 2, then 1 + 1 = 2."""
    assert scalar(Rmsprop(rho=0.75), 0.0, [4.0, 2.0], 1.0) == pytest.approx([-2, -3])
    assert scalar(Rmsprop(rho=0.75, momentum=0.5), 0.0, [4.0, 2.0], 1.0) == pytest.approx([-2, -4])


def test_centered_rmsprop_divides_by_the_running_deviation():
    """By hand, ρ = ½: v = 2, m = 1, v − m² = 1; then v = 9, m = 2.5, v − m² = 2.75."""
    expected = [-2, -2 - 4 / math.sqrt(2.75)]
    assert scalar(Rmsprop(rho=0.5, centered=True), 0.0, [2.0, 4.0], 1.0) == pytest.approx(expected)


def test_centered_rmsprop_stays_finite_where_gradients_never_change():
    """Their deviation is 0, which rounding would make the root of a negative number."""
    gradients = [np.linspace(-1, 1, 101, dtype=np.float32)] * 400
    path = walk(Rmsprop(rho=0.9, centered=True), np.zeros(101, np.float32), gradients, 0.1)
    assert np.isfinite(path[-1]).all()


def test_lion_goes_by_the_sign_of_an_average_and_remembers_another():
    """By hand, β₁ = 0.9 and β₂ = ½: c = 0.1, 0.45 − 0.1 = 0.35, −0.225 + 0.02 = −0.205; m = 0.5, −0.25."""
    assert scalar(Lion(beta2=0.5), 0.0, [1.0, -1.0, 0.2], 0.1) == pytest.approx([-0.1, -0.2, -0.1])


@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e3])
def test_lion_takes_steps_of_size_lr(scale):
    assert scalar(Lion(), 0.0, [scale, scale, 0.0, scale], 0.5) == [-0.5, -1.0, -1.5, -2.0]


def test_the_decay_of_lion_is_decoupled():
    assert scalar(Lion(decay=0.5), 4.0, [0.0, 0.0], 0.25) == [3.5, 3.5 * 0.875]


@pytest.mark.parametrize(
    ("optimizer", "options"),
    [
        (Adagrad, {"eps": 0}),
        (Adagrad, {"start": -1}),
        (Adadelta, {"rho": 1}),
        (Rmsprop, {"momentum": 1}),
        (Rmsprop, {"rho": -0.1}),
        (Adamw, {"decay": -0.1}),
        (Adamw, {"beta2": 1}),
        (Lion, {"beta1": 1}),
    ],
)
def test_an_option_that_makes_the_rule_diverge_is_refused(optimizer, options):
    with pytest.raises(ValueError, match=f"`{next(iter(options))}` is"):
        optimizer(**options)


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


def end_in_a_bowl(optimizer, rate):
    """Where 3000 steps on f = ½(p − 3)² lead; the minimum of f + decay/2·p² is 3 / (1 + decay)."""
    p = np.array([10.0])
    state = optimizer.init(p)
    for step in range(1, 3001):
        p, state = optimizer.update(p, p - 3, state, rate(step), step)
    return p[0]


@pytest.mark.parametrize("optimizer", COUPLED, ids=repr)
def test_a_bowl_is_descended_to_its_bottom(optimizer):
    bottom = end_in_a_bowl(optimizer, lambda step: 0.3 / math.sqrt(step))
    assert bottom == pytest.approx(3 / (1 + optimizer.decay), abs=0.01)


@pytest.mark.parametrize("optimizer", UNHURRIED, ids=repr)
def test_a_rule_that_slows_down_by_itself_descends_at_a_constant_rate(optimizer):
    assert end_in_a_bowl(optimizer, lambda step: 1.0) == pytest.approx(3 / (1 + optimizer.decay), abs=0.01)


@pytest.mark.parametrize("optimizer", DECOUPLED, ids=repr)
def test_a_decoupled_decay_hardly_moves_the_bottom(optimizer):
    assert end_in_a_bowl(optimizer, lambda step: 0.3 / math.sqrt(step)) == pytest.approx(3, abs=0.05)
