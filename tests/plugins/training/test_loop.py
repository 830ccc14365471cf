"""What a step and a measurement are: the rule of the optimizer, the objective, the mean over all examples."""

import numpy as np
import pytest

from blockrun.plugins.network import load
from blockrun.plugins.training.evaluation import evaluate
from blockrun.plugins.training.loop import Trainer
from blockrun.plugins.training.run import train


def test_evaluation_does_not_depend_on_how_the_part_is_cut_into_batches(config):
    results = [
        evaluate(network, network.sections.data["val"])
        for network in (load(config, f"data.val.batch={batch}") for batch in (382, 100, 7))
    ]
    for result in results[1:]:
        assert result["accuracy"] == results[0]["accuracy"]
        assert result["loss"] == pytest.approx(results[0]["loss"], rel=1e-6)


def test_the_validation_loss_is_the_mean_over_all_examples(config):
    """Against −mean(log p[label]) of the whole part, computed here from the logits."""
    network = load(config, "run.dtype=float64")
    part = network.sections.data["val"]
    data = part.source.read(np.arange(382))
    logits = network.forward(data, keep=["logits"])["logits"]
    shifted = logits - logits.max(axis=1, keepdims=True)
    log_p = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    expected = -log_p[np.arange(382), data["label"]].mean()
    assert evaluate(network, part)["loss"] == pytest.approx(expected, rel=1e-12)


def test_steps_may_be_given_instead_of_epochs(config, tmp_path):
    config.write_text(config.read_text().replace("epochs: 2", "steps: 15"))
    run = train(load(config, f"run.dir={tmp_path / 'runs'}"))
    assert [row["step"] for row in run.folder.rows()] == [12, 15]


def test_the_objective_may_be_a_weighted_sum(config):
    """∇(2 J + 3 J) = 5 ∇J, with the two terms as two nodes."""
    text = config.read_text().replace(
        "metrics:", "  again: {block: softmax_cross_entropy, in: [logits, label]}\nmetrics:"
    )
    config.write_text(text.replace("train: {epochs", "train: {minimize: {loss: 2, again: 3}, epochs"))
    double = load(config, "run.dtype=float64")
    config.write_text(text.replace("train: {epochs", "train: {minimize: loss, epochs"))
    single = load(config, "run.dtype=float64")
    feed = double.sections.data["train"].source.read(np.arange(20))
    once, both = single.gradients(feed), double.gradients(feed)
    for name, gradient in once.items():
        np.testing.assert_allclose(both[name], 5 * gradient, rtol=1e-12, atol=1e-15)


def test_initial_values_depend_on_seed_and_name_only(config):
    plain = load(config)
    config.write_text(config.read_text().replace("  act: relu\n", "  act: relu\n  more: {block: linear, units: 12}\n"))
    longer = load(config)
    np.testing.assert_array_equal(plain.params["logits.W"], longer.params["logits.W"])
    assert not np.array_equal(plain.params["fc.W"], load(config, "run.seed=1").params["fc.W"])


def test_one_step_changes_every_parameter_by_the_rule_of_the_optimizer(config):
    """Plain gradient descent written out: p − lr · ∇J on the same batch."""
    config.write_text(
        config.read_text().replace("{name: adam, lr: {name: cosine, peak: 1e-2}}", "{name: sgd, lr: 0.5}")
    )
    network = load(config, "run.dtype=float64")
    trainer = Trainer(network)
    batch = next(iter(trainer.batches.epoch(0)))
    before = dict(network.params)
    gradients = network.gradients(batch, seed=(0, 0))
    trainer.take_step(batch, 300)
    for name, p in before.items():
        np.testing.assert_allclose(network.params[name], p - 0.5 * gradients[name], rtol=1e-12, atol=1e-15)


def test_large_but_finite_gradients_are_no_divergence(config):
    """Their sum of squares overflows float32; none of them does."""
    config.write_text(config.read_text().replace("train: {epochs", "train: {minimize: {loss: 1e25}, epochs"))
    network = load(config)
    trainer = Trainer(network)
    trainer.take_step(next(iter(trainer.batches.epoch(0))), 300)
    assert trainer.step == 1
    assert all(np.isfinite(p).all() for p in network.params.values())


def test_an_input_is_fed_from_the_field_it_names(config, tmp_path):
    plain = config.read_text()
    text = plain.replace("label: {shape", "digit: {from: label, shape").replace("label]", "digit]")
    config.write_text(text)
    renamed = train(load(config, f"run.dir={tmp_path / 'renamed'}"))
    config.write_text(plain)
    assert renamed.results == train(load(config, f"run.dir={tmp_path / 'plain'}")).results
