"""Distances and the losses of them: by hand, where two examples coincide, and where powers overflow."""

import math

import numpy as np
import pytest

from blockrun.blocks.loss.embedding import Contrastive, PairwiseDistance, Triplet

ORDERS = [1, 1.5, 2, 3, 30, math.inf]


def test_distances_worked_by_hand(run):
    """(3, −4) from (0, 0): 7, 5, ∛91 and 4."""
    left, right = np.array([[3.0, -4]]), np.zeros((1, 2))
    found = [run(PairwiseDistance(order=order), left, right)[0].item() for order in (1, 2, 3, math.inf)]
    assert found == pytest.approx([7, 5, 91 ** (1 / 3), 4], rel=1e-14)


def test_the_gradient_of_a_euclidean_distance_is_the_unit_vector_between(run):
    _, gradients = run(PairwiseDistance(), np.array([[4.0, -3]]), np.array([[1.0, 1]]), dy=np.array([2.0]))
    np.testing.assert_allclose(gradients["left"], [[6 / 5, -8 / 5]], rtol=1e-14)
    np.testing.assert_allclose(gradients["right"], [[-6 / 5, 8 / 5]], rtol=1e-14)


@pytest.mark.parametrize("order", ORDERS)
def test_where_two_examples_coincide_the_distance_and_its_subgradient_are_0(run, order):
    x = np.random.default_rng(0).standard_normal((3, 4))
    y, gradients = run(PairwiseDistance(order=order), x, x, dy=np.ones(3))
    assert y.tolist() == [0, 0, 0]
    assert not gradients["left"].any()
    assert not gradients["right"].any()


def test_equally_large_entries_share_the_gradient_of_the_largest(run):
    """Each takes half, since a step along both moves the norm by as much (Clarke: the slope along (1, −1, 0) is 1)."""
    _, gradients = run(PairwiseDistance(order=math.inf), np.array([[2.0, -2, 1]]), np.zeros((1, 3)), dy=np.ones(1))
    assert gradients["left"].tolist() == [[0.5, -0.5, 0]]


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("size", [1e-30, 1e-4, 1e4, 1e30])
def test_no_power_of_a_difference_overflows_or_vanishes_in_float32(run, order, size):
    """A norm is homogeneous and its gradient does not depend on the size: against float64 at size 1."""
    d = np.random.default_rng(0).standard_normal((3, 4)).astype(np.float32)
    distance = PairwiseDistance(order=order)
    y, gradients = run(distance, d * np.float32(size), np.zeros_like(d), dy=np.ones(3, dtype=np.float32))
    right, slopes = run(distance, d.astype(np.float64), np.zeros((3, 4)), dy=np.ones(3))
    np.testing.assert_allclose(y, right * size, rtol=1e-5)
    np.testing.assert_allclose(gradients["left"], slopes["left"], rtol=1e-4, atol=1e-6)
    assert y.dtype == gradients["left"].dtype == np.float32


def test_contrastive_draws_equal_pairs_together_and_pushes_others_to_the_margin(run):
    """Hadsell et al. eq. 4 with margin 2: 1.5² / 2 for a pair of label 0; (2 − 0.5)² / 2 and 0 for those of label 1."""
    distance, label = np.array([1.5, 0.5, 3]), np.array([0, 1, 1])
    y, gradients = run(Contrastive(margin=2), distance, label, dy=3.0)
    assert y == pytest.approx((1.125 + 1.125) / 3, rel=1e-14)
    np.testing.assert_allclose(gradients["distance"], [1.5, -1.5, 0], rtol=1e-14)


def test_contrastive_labels_are_0_and_1(run):
    with pytest.raises(ValueError, match=r"label 2 at position \(1\) is not one of the 2 classes"):
        run(Contrastive(), np.ones(2), np.array([0, 2]))
    with pytest.raises(ValueError, match=r"`label` has shape \(2, 1\)"):
        run(Contrastive(), np.ones(2), np.array([[0], [1]]))


ANCHOR, NEAR, FAR = (
    np.array([[0.0, 0]] * 3),
    np.array([[1.0, 0], [3, 0], [1, 1]]),
    np.array([[0.0, 3], [0, 1], [1, -1]]),
)


def test_triplet_of_squared_distances_worked_by_hand(run):
    """Schroff et al. eq. 3, margin 0.5: 1 − 9 + 0.5 < 0; 9 − 1 + 0.5; 2 − 2 + 0.5."""
    y, gradients = run(Triplet(margin=0.5), ANCHOR, NEAR, FAR, dy=3.0)
    assert y == pytest.approx((8.5 + 0.5) / 3, rel=1e-14)
    assert gradients["positive"].tolist() == [[0, 0], [6, 0], [2, 2]]
    assert gradients["negative"].tolist() == [[0, 0], [0, -2], [-2, 2]]
    assert gradients["anchor"].tolist() == [[0, 0], [-6, 2], [0, -4]]


def test_triplet_of_distances_worked_by_hand(run):
    """Margin 0.5: 1 − 3 + 0.5 < 0; 3 − 1 + 0.5; √2 − √2 + 0.5."""
    y, gradients = run(Triplet(margin=0.5, squared=False), ANCHOR, NEAR, FAR, dy=3.0)
    assert y == pytest.approx((2.5 + 0.5) / 3, rel=1e-14)
    half = math.sqrt(0.5)
    np.testing.assert_allclose(gradients["positive"], [[0, 0], [1, 0], [half, half]], rtol=1e-14)
    np.testing.assert_allclose(gradients["anchor"], [[0, 0], [-1, 1], [0, -2 * half]], rtol=1e-14, atol=1e-15)


@pytest.mark.parametrize("squared", [True, False])
def test_a_triplet_that_has_collapsed_to_a_point_costs_the_margin_and_its_subgradient_is_0(run, squared):
    x = np.ones((2, 3))
    y, gradients = run(Triplet(margin=0.7, squared=squared), x, x, x, dy=1.0)
    assert y == pytest.approx(0.7, rel=1e-14)
    assert not any(g.any() for g in gradients.values())


def test_a_triplet_exactly_at_its_margin_has_the_subgradient_0(run):
    _, gradients = run(Triplet(margin=3), np.zeros((1, 1)), np.ones((1, 1)), np.full((1, 1), 2.0), dy=1.0)
    assert not any(g.any() for g in gradients.values())


@pytest.mark.parametrize("squared", [True, False])
def test_triplets_far_apart_in_float32_are_finite(run, squared):
    a, p, n = np.float32([[[1e4, -1e4]], [[-1e4, 1e4]], [[1e4, 1e4]]])
    y, gradients = run(Triplet(squared=squared), a, p, n, dy=np.float32(1))
    assert np.isfinite(y)
    assert all(np.isfinite(g).all() and g.dtype == np.float32 for g in gradients.values())
