"""Perplexity and bits per character: against their definitions, over uneven batches, at logits that overflow."""

import math

import numpy as np
import pytest

from blockrun.blocks.metric.text import BitsPerCharacter, Perplexity

RNG = np.random.default_rng(0)
LOGITS, LABEL = 3 * RNG.standard_normal((30, 2, 5)), RNG.integers(5, size=(30, 2))


def test_a_model_that_knows_nothing_is_as_unsure_as_between_all_classes(measure):
    logits, label = np.full((4, 8), 2.5), np.array([0, 3, 7, 7])
    assert measure(Perplexity(), logits, label) == pytest.approx(8, rel=1e-14)
    assert measure(BitsPerCharacter(), logits, label) == pytest.approx(3, rel=1e-14)


def test_perplexity_is_the_geometric_mean_of_the_inverse_probabilities(measure):
    """Probabilities 1/2 and 1/8: √16; and 1 and 3 bits, 2 on average."""
    logp = np.log([[0.5, 0.25, 0.25], [0.125, 0.5, 0.375]])
    assert measure(Perplexity(), logp, np.array([0, 0])) == pytest.approx(4, rel=1e-14)
    assert measure(BitsPerCharacter(), logp, np.array([0, 0])) == pytest.approx(2, rel=1e-14)


def test_log_probabilities_and_logits_give_the_same(measure):
    logp = LOGITS - np.log(np.exp(LOGITS).sum(axis=-1, keepdims=True))
    for metric in (Perplexity(), BitsPerCharacter()):
        assert measure(metric, logp, LABEL) == pytest.approx(measure(metric, LOGITS, LABEL), rel=1e-13)


@pytest.mark.parametrize("sizes", [(1, 29), (7, 0, 19, 4), (10, 10, 10), (1,) * 30])
def test_results_are_the_same_however_uneven_the_batches(measure, sizes):
    for metric in (Perplexity(), Perplexity(ignore=0), BitsPerCharacter(ignore=0)):
        assert measure(metric, LOGITS, LABEL, sizes=sizes) == pytest.approx(measure(metric, LOGITS, LABEL), rel=1e-12)


def test_padding_is_not_counted(measure):
    padded = np.concatenate([LABEL, np.full((30, 2), -1)], axis=1)
    logits = np.concatenate([LOGITS, RNG.standard_normal((30, 2, 5))], axis=1)
    assert measure(Perplexity(ignore=-1), logits, padded) == pytest.approx(
        measure(Perplexity(), LOGITS, LABEL), rel=1e-14
    )


def test_huge_logits_in_float32(measure):
    """A surprise of 20,000 nats is 28,854 bits, and e to it is more than any number."""
    logits = np.float32([[1e4, -1e4, 0]])
    assert measure(Perplexity(), logits, np.array([0])) == 1
    assert measure(BitsPerCharacter(), logits, np.array([1])) == pytest.approx(2e4 / math.log(2), rel=1e-6)
    assert measure(Perplexity(), logits, np.array([1])) == math.inf


def test_over_nothing_there_is_no_number(measure):
    for metric in (Perplexity(ignore=-1), BitsPerCharacter(ignore=-1)):
        assert math.isnan(measure(metric, np.zeros((2, 3)), np.array([-1, -1])))
