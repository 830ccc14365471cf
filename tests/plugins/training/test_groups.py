"""Parameter groups: what a glob changes, for whom, and what that does to a step."""

import numpy as np
import pytest

from blockrun.plugins.errors import UserError
from blockrun.plugins.host import load_host
from blockrun.plugins.network import load
from blockrun.plugins.training.contracts import Optimizer
from blockrun.plugins.training.groups import report, rule_of
from blockrun.plugins.training.loop import Trainer

HOST = load_host(entry_points=False)
NETWORK = """\
blockrun: 1
inputs: {{image: [8, 8, 1], label: {{shape: [], dtype: int64}}}}
net:
  flat: flatten
  fc: {{block: linear, units: 12}}
  norm: batch_norm
  logits: {{block: linear, units: 10}}
  loss: {{block: softmax_cross_entropy, in: [logits, label]}}
data: {{train: {{source: digits, split: train, batch: 20}}}}
train: {{steps: 4, optimizer: {optimizer}}}
run: {{dtype: float64}}
"""


@pytest.fixture
def trainer(tmp_path):
    def make(optimizer):
        (tmp_path / "net.yaml").write_text(NETWORK.format(optimizer=optimizer))
        return Trainer(load(tmp_path / "net.yaml", host=HOST))

    return make


def step(trainer):
    """The parameters before a step, after it, and the gradients that it went by."""
    network = trainer.network
    batch = next(iter(trainer.batches.epoch(0)))
    before, gradients = dict(network.params), network.gradients(batch, seed=(0, 0))
    trainer.take_step(batch, 20)
    return before, network.params, gradients


def close(found, expected):
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-15)


def test_the_options_of_a_group_hold_for_the_parameters_that_its_glob_fits(trainer):
    """Gradient descent by hand: p − lr·(dp + decay·p), without decay for biases."""
    before, after, dp = step(trainer('{name: sgd, lr: 0.5, decay: 0.25, groups: [{match: "*.b", decay: 0}]}'))
    for name, p in before.items():
        close(after[name], p - 0.5 * (dp[name] + (0 if name.endswith(".b") else 0.25) * p))


def test_the_rate_of_a_group_is_its_own_or_so_many_times_that_of_the_others(trainer):
    groups = '[{match: "logits.*", lr_factor: 3}, {match: "*.b", lr: {name: constant, rate: 0.25}}]'
    before, after, dp = step(trainer(f"{{name: sgd, lr: 0.5, groups: {groups}}}"))
    for name, rate in {"fc.W": 0.5, "fc.b": 0.25, "logits.W": 1.5, "logits.b": 0.75}.items():
        close(after[name], before[name] - rate * dp[name])


def test_what_is_frozen_stays_as_it_is_and_no_gradient_of_it_is_computed(trainer):
    made = trainer('{name: sgd, lr: 0.5, momentum: 0.9, groups: [{match: "fc.*", freeze: true}]}')
    assert made.wrt == tuple(name for name in made.network.params if not name.startswith("fc."))
    assert made.slots.keys() == set(made.wrt)
    before, after, dp = step(made)
    for name, p in before.items():
        close(after[name], p if name.startswith("fc.") else p - 0.5 * dp[name])


def test_a_frozen_batch_norm_keeps_its_running_statistics(trainer):
    frozen, free = trainer('{name: sgd, groups: [{match: "norm.*", freeze: true}]}'), trainer("sgd")
    for made, still in ((frozen, True), (free, False)):
        before = dict(made.network.state)
        step(made)
        assert all((made.network.state[name] is value) == still for name, value in before.items())


def test_every_group_that_fits_applies_and_of_two_that_say_one_thing_the_later(trainer):
    groups = '[{match: "*.b", decay: 0, freeze: true}, {match: "fc.*", lr_factor: 0.5, freeze: false}, {match: "*b"}]'
    settings = trainer(f"{{name: sgd, decay: 0.1, groups: {groups}}}").settings
    rule = rule_of("fc.b", settings.rule, settings.groups)
    assert (rule.optimizer.decay, rule.factor) == (0, 0.5)
    assert rule_of("logits.b", settings.rule, settings.groups) is None


def test_nothing_left_to_train_is_said(trainer):
    with pytest.raises(UserError, match="every parameter is frozen"):
        trainer('{name: sgd, groups: [{match: "*", freeze: true}]}')


@pytest.mark.parametrize("optimizer", ["sgd", "{name: adam, amsgrad: true}", "lion"])
def test_groups_that_change_nothing_change_nothing(trainer, optimizer):
    plain = step(trainer(optimizer))[1]
    name = optimizer.partition(",")[0].removeprefix("{name: ")
    grouped = step(trainer(f'{{name: {name}, groups: [{{match: "*.W"}}, {{match: "fc.*"}}]}}'))[1]
    for key, p in plain.items():
        np.testing.assert_array_equal(grouped[key], p)


def test_l1_adds_its_subgradient_which_is_0_at_0(trainer):
    """∂(l1·‖p‖₁)/∂p = l1·sign p; biases start at 0."""
    before, after, dp = step(trainer("{name: sgd, lr: 0.5, l1: 0.125}"))
    assert not before["fc.b"].any()
    for name, p in before.items():
        close(after[name], p - 0.5 * (dp[name] + 0.125 * np.sign(p)))


def test_l1_of_a_group_is_its_own(trainer):
    before, after, dp = step(trainer('{name: sgd, lr: 0.5, l1: 0.125, groups: [{match: "norm.*", l1: 0}]}'))
    close(after["norm.gamma"], before["norm.gamma"] - 0.5 * dp["norm.gamma"])
    close(after["fc.W"], before["fc.W"] - 0.5 * (dp["fc.W"] + 0.125 * np.sign(before["fc.W"])))


def test_the_groups_are_reported_with_what_is_different_in_each(trainer):
    groups = '[{match: "*.b", decay: 0}, {match: "norm.*", freeze: true}]'
    settings = trainer(f"{{name: sgd, decay: 0.1, groups: {groups}}}").settings
    sizes = {"fc.W": 1000, "fc.b": 30, "norm.gamma": 30, "logits.b": 4}
    assert report(sizes, settings.rule, settings.groups) == [
        "sgd as it is: 1,000 numbers in fc.W",
        "sgd with decay 0.0: 34 numbers in fc.b, logits.b",
        "frozen: 30 numbers in norm.gamma",
    ]
    assert report(sizes, settings.rule, ()) == []


def test_an_optimizer_may_not_have_an_option_that_groups_use():
    with pytest.raises(TypeError, match="`match` is a reserved key"):

        class Odd(Optimizer):
            match: str = ""
