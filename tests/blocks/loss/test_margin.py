"""Hinge losses worked by hand, each at a margin that is kept, one that is missed, and the kink between."""

import math

import numpy as np
import pytest

from blockrun.blocks.loss.margin import Hinge
from blockrun.core.options import OptionError

SCORES = np.array([[3.0, 1, 0], [1.5, 1, 2], [0.2, 0.9, -4]])
LABEL = np.array([0, 0, 2])


@pytest.mark.parametrize(
    ("kind", "losses", "slopes"),
    [
        ("mhinge", [0, 0, 5], [[0, 0, 0], [0, 0, 0], [0, 0, -1]]),
        ("mshinge", [0, 1.5, 5.9], [[0, 0, 0], [-1, 0, 1], [0, 1, -1]]),
        ("multi_margin", [0, 2 / 3, 11.1 / 3], [[0, 0, 0], [-2 / 3, 1 / 3, 1 / 3], [1 / 3, 1 / 3, -2 / 3]]),
    ],
)
def test_hinges_of_many_classes_worked_by_hand(run, kind, losses, slopes):
    """1 − x_c; 1 − x_c + the best rival; Σ max(0, 1 − x_c + x_q) / 3."""
    y, gradients = run(Hinge(kind=kind), SCORES, LABEL, dy=3.0)
    assert y == pytest.approx(sum(losses) / 3, rel=1e-14)
    np.testing.assert_allclose(gradients["logits"], slopes, rtol=1e-14)


def test_the_binary_hinge_worked_by_hand_with_the_subgradient_0_at_its_kink(run):
    """t x = 2, 1, −0.5, −3 with margin 1: 0, 0, 1.5, 4."""
    x, label = np.array([2.0, -1, 0.5, -3]), np.array([1, 0, 0, 1], dtype=np.uint8)
    y, gradients = run(Hinge(), x, label, dy=4.0)
    assert y == pytest.approx(5.5 / 4, rel=1e-14)
    assert gradients["logits"].tolist() == [0, 0, 1, -1]


def test_the_margin_is_what_is_asked_for(run):
    assert run(Hinge(margin=3), np.array([2.0]), np.array([1]))[0] == 1
    for kind in ("mhinge", "mshinge", "multi_margin"):
        hinge = Hinge(kind=kind, margin=2)
        y, gradients = run(hinge, np.array([[2.0, 0]]), np.array([0]), dy=1.0)
        assert (y, gradients["logits"].tolist()) == (0, [[0, 0]])  # just kept, for each kind


def test_the_logistic_loss_is_ln_2_at_0_and_linear_far_off(run):
    x, label = np.float32([0, 1e4, -1e4, 20]), np.array([1, 0, 0, 1])
    losses = [run(Hinge(kind="logistic"), x[[k]], label[[k]], dy=np.float32(1)) for k in range(4)]
    assert [float(y) for y, _ in losses] == pytest.approx([math.log(2), 1e4, 0, math.exp(-20)], rel=1e-6)
    slopes = [g["logits"].item() for _, g in losses]
    assert slopes == pytest.approx([-0.5, 1, 0, -math.exp(-20)], rel=1e-6)


def test_the_first_of_two_equal_rivals_is_pushed_down(run):
    _, gradients = run(Hinge(kind="mshinge"), np.array([[0.0, 2, 2]]), np.array([0]), dy=1.0)
    assert gradients["logits"].tolist() == [[-1, 1, 0]]


@pytest.mark.parametrize("kind", ["binary", "logistic", "mhinge", "mshinge", "multi_margin"])
def test_hinges_are_finite_at_the_far_end_of_float32_and_in_pieces_exact(run, kind):
    hinge, rng = Hinge(kind=kind), np.random.default_rng(0)
    x = rng.choice(np.float32([1e4, -1e4]), (6, 2, 3))
    label = rng.integers(2, size=(6, 2, 3)) if kind in ("binary", "logistic") else rng.integers(3, size=(6, 2))
    whole, gradients = run(hinge, x, label, dy=np.float32(1))
    assert np.isfinite(whole)
    assert np.isfinite(gradients["logits"]).all()
    pieces = [run(hinge, x[part], label[part], dy=np.float32(1), examples=6) for part in (slice(1), slice(1, 6))]
    assert sum(y for y, _ in pieces) == pytest.approx(whole, rel=1e-6)
    np.testing.assert_allclose(np.concatenate([g["logits"] for _, g in pieces]), gradients["logits"], rtol=1e-6)


def test_labels_of_two_classes_are_0_and_1_not_plus_and_minus_1(run):
    with pytest.raises(ValueError, match=r"label -1 at position \(1\) is not one of the 2 classes, 0 to 1"):
        run(Hinge(), np.ones(2), np.array([1, -1]))


def test_a_label_of_many_classes_has_one_axis_less_than_the_logits(run):
    with pytest.raises(ValueError, match=r"`label` has shape \(4, 3\)"):
        run(Hinge(kind="mshinge"), np.ones((4, 3)), np.ones((4, 3), dtype=int))
    with pytest.raises(ValueError, match=r"`label` has shape \(4,\)"):
        run(Hinge(), np.ones((4, 3)), np.ones(4, dtype=int))


def test_the_logistic_loss_refuses_a_margin_it_would_not_use():
    with pytest.raises(OptionError, match="`margin` is 2; kind `logistic` has no margin"):
        Hinge(kind="logistic", margin=2)
