"""Losses of probabilities: by hand, where the plain formula overflows, and with labels that are wrong."""

import math

import numpy as np
import pytest

from blockrun.blocks.loss.classification import KlDivergence, Nll, SigmoidCrossEntropy, SoftmaxCrossEntropy


def test_cross_entropy_worked_by_hand(run):
    """Probabilities 1/4, 3/4 and 1/2, 1/2; labels 1 and 0: y = (ln 4/3 + ln 2) / 2."""
    logits = np.array([[0, math.log(3)], [7, 7]])
    y, gradients = run(SoftmaxCrossEntropy(), logits, np.array([1, 0]), dy=2.0)
    assert y == pytest.approx((math.log(4 / 3) + math.log(2)) / 2, rel=1e-14)
    np.testing.assert_allclose(gradients["logits"], [[1 / 4, -1 / 4], [-1 / 2, 1 / 2]], rtol=1e-14)


def test_cross_entropy_is_the_mean_over_every_position_of_a_sequence(run):
    logits, label = np.random.default_rng(0).standard_normal((4, 3, 5)), np.arange(12).reshape(4, 3) % 5
    y, _ = run(SoftmaxCrossEntropy(), logits, label)
    singly = [run(SoftmaxCrossEntropy(), logits[n, t][None], label[n, t][None])[0] for n in range(4) for t in range(3)]
    assert y == pytest.approx(math.fsum(singly) / 12)


def test_cross_entropy_of_the_pieces_of_a_batch_adds_up_to_that_of_the_whole(run):
    logits, label = np.random.default_rng(0).standard_normal((5, 3, 4)), np.arange(15).reshape(5, 3) % 4
    whole, gradients = run(SoftmaxCrossEntropy(), logits, label, dy=1.0)
    pieces = [
        run(SoftmaxCrossEntropy(), logits[part], label[part], dy=1.0, examples=5) for part in (slice(2), slice(2, 5))
    ]
    assert sum(y for y, _ in pieces) == pytest.approx(whole)
    np.testing.assert_allclose(np.concatenate([g["logits"] for _, g in pieces]), gradients["logits"])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_cross_entropy_of_huge_logits_is_finite(run, dtype):
    logits = np.array([[1e4, -1e4, 0], [1e4, -1e4, 0]], dtype=dtype)
    y, gradients = run(SoftmaxCrossEntropy(), logits, np.array([0, 1], dtype=np.uint8), dy=dtype(1))
    assert y == 1e4  # (0 + 20000) / 2
    assert gradients["logits"].tolist() == [[0, 0, 0], [0.5, -0.5, 0]]
    assert (y.dtype, gradients["logits"].dtype) == (dtype, dtype)


def test_cross_entropy_of_an_empty_batch_is_zero(run):
    y, gradients = run(SoftmaxCrossEntropy(), np.empty((0, 3)), np.empty(0, dtype=np.int64), dy=1.0)
    assert y == 0
    assert gradients["logits"].shape == (0, 3)


def test_cross_entropy_names_the_label_that_is_no_class(run):
    with pytest.raises(ValueError, match=r"label 3 at position \(1, 0\) is not one of the 3 classes, 0 to 2"):
        run(SoftmaxCrossEntropy(), np.ones((2, 2, 3)), np.array([[0, 1], [3, 2]]))
    with pytest.raises(ValueError, match=r"label -1 at position \(1\) is not one of the 3 classes"):
        run(SoftmaxCrossEntropy(), np.ones((2, 3)), np.array([0, -1]))


def test_cross_entropy_refuses_labels_that_are_not_integers(run):
    for loss in (SoftmaxCrossEntropy(), Nll()):
        with pytest.raises(ValueError, match="label is float64; class labels must be integers from 0 to 2"):
            run(loss, np.ones((2, 3)), np.array([0.0, 1.0]))


@pytest.mark.parametrize(
    ("label", "given"),
    [(np.ones((4, 3), dtype=np.int64), r"int64 and has shape \(4, 3\)"), (np.ones((4, 2)), r"float64 .* \(4, 2\)")],
)
def test_cross_entropy_says_which_labels_fit_its_logits(run, label, given):
    with pytest.raises(ValueError, match=rf"`label` is {given}; for logits \(4, 3\) it is integers \(4,\) or prob"):
        run(SoftmaxCrossEntropy(), np.ones((4, 3)), label)


def test_probabilities_of_1_and_0_are_as_good_as_the_index(run):
    logits, label = np.random.default_rng(0).standard_normal((4, 2, 3)), np.arange(8).reshape(4, 2) % 3
    for options in ({}, {"smoothing": 0.2}, {"smoothing": 0.2, "weights": (0.5, 2, 1)}, {"weights": (0.5, 2, 1)}):
        y, gradients = run(SoftmaxCrossEntropy(**options), logits, label, dy=1.0)
        same, expected = run(SoftmaxCrossEntropy(**options), logits, np.eye(3)[label], dy=1.0)
        assert y == pytest.approx(same, rel=1e-14)
        np.testing.assert_allclose(gradients["logits"], expected["logits"], rtol=1e-12, atol=1e-16)


def test_cross_entropy_of_probabilities_is_least_where_the_softmax_gives_them(run):
    """Gibbs: −Σ t ln p ≥ −Σ t ln t, with equality and gradient 0 at p = t."""
    t = np.array([[0.2, 0.3, 0.5]])
    y, gradients = run(SoftmaxCrossEntropy(), np.log(t) + 7, t, dy=1.0)
    assert y == pytest.approx(-(t * np.log(t)).sum(), rel=1e-14)
    np.testing.assert_allclose(gradients["logits"], 0, atol=1e-15)


def test_full_smoothing_asks_for_equal_probabilities(run):
    """With smoothing 1 the target is 1/K: at equal logits y = ln K, and nothing is to be changed."""
    y, gradients = run(SoftmaxCrossEntropy(smoothing=1), np.full((2, 4), 3.0), np.array([0, 3]), dy=1.0)
    assert y == pytest.approx(math.log(4), rel=1e-14)
    np.testing.assert_allclose(gradients["logits"], 0, atol=1e-16)


@pytest.mark.parametrize("smoothing", [0, 0.2])
def test_an_ignored_label_adds_nothing_but_is_counted(run, smoothing):
    """Half the positions are ignored, so the mean is half of that over the others."""
    logits = np.random.default_rng(0).standard_normal((4, 3))
    loss = SoftmaxCrossEntropy(ignore=-100, smoothing=smoothing)
    y, gradients = run(loss, logits, np.array([2, -100, 0, -100]), dy=1.0)
    others, expected = run(loss, logits[::2], np.array([2, 0]), dy=0.5)
    assert y == pytest.approx(others / 2, rel=1e-14)
    np.testing.assert_allclose(gradients["logits"][::2], expected["logits"], rtol=1e-14)
    assert not gradients["logits"][1::2].any()


def test_a_label_that_no_class_has_may_be_ignored_in_any_integer_type(run):
    y, _ = run(SoftmaxCrossEntropy(ignore=255), np.zeros((2, 3)), np.array([255, 1], dtype=np.uint8))
    assert y == pytest.approx(math.log(3) / 2)
    y, _ = run(SoftmaxCrossEntropy(ignore=-100), np.zeros((2, 3)), np.array([2, 1], dtype=np.uint8))
    assert y == pytest.approx(math.log(3))


def test_the_weights_of_classes_multiply_and_the_count_stays(run):
    """At equal logits each label costs ln 3: (2 + 2 + 0.5) ln 3 over 3 positions."""
    y, _ = run(SoftmaxCrossEntropy(weights=(0.5, 2, 1)), np.zeros((3, 3)), np.array([1, 1, 0]))
    assert y == pytest.approx(4.5 * math.log(3) / 3, rel=1e-14)


@pytest.mark.parametrize("loss", [SoftmaxCrossEntropy(weights=(1, 2)), Nll(weights=(1, 2))], ids=repr)
def test_there_is_a_weight_for_each_class(run, loss):
    with pytest.raises(ValueError, match="`weights` has 2 numbers; there are 3 classes"):
        run(loss, np.ones((2, 3)), np.array([0, 1]))


@pytest.mark.parametrize("options", [{"smoothing": 0.1}, {"ignore": 4, "weights": (1, 2, 3, 4)}, {}], ids=repr)
def test_weighted_smoothed_and_ignored_labels_are_exact_in_pieces(run, options):
    """Which a mean over the weights that occur would not be: those of the other pieces are not known."""
    rng, loss = np.random.default_rng(0), SoftmaxCrossEntropy(**options)
    logits, label = rng.standard_normal((5, 3, 4)), rng.integers(5 if "ignore" in options else 4, size=(5, 3))
    whole, gradients = run(loss, logits, label, dy=1.0)
    pieces = [run(loss, logits[part], label[part], dy=1.0, examples=5) for part in (slice(2), slice(2, 5))]
    assert sum(y for y, _ in pieces) == pytest.approx(whole, rel=1e-14)
    np.testing.assert_allclose(np.concatenate([g["logits"] for _, g in pieces]), gradients["logits"], rtol=1e-14)


def test_sigmoid_cross_entropy_worked_by_hand(run):
    """σ(ln 3) = 3/4: −ln 3/4 for target 1, −ln 1/4 for target 0; gradients σ − t over 2."""
    y, gradients = run(SigmoidCrossEntropy(), np.full((2, 1), math.log(3)), np.array([[1], [0]]), dy=1.0)
    assert y == pytest.approx((math.log(4 / 3) + math.log(4)) / 2, rel=1e-14)
    np.testing.assert_allclose(gradients["logits"], [[-1 / 8], [3 / 8]], rtol=1e-14)


def test_sigmoid_cross_entropy_of_two_classes_is_softmax_cross_entropy_of_their_difference(run):
    rng = np.random.default_rng(0)
    x, label = rng.standard_normal(6), rng.integers(2, size=6)
    y, _ = run(SigmoidCrossEntropy(), x, label)
    assert y == pytest.approx(run(SoftmaxCrossEntropy(), np.stack([0 * x, x], 1), label)[0], rel=1e-14)


def test_a_positive_weight_multiplies_what_the_positives_cost(run):
    logits, ones = np.array([[1.0, -2], [0.5, 3]]), np.ones((2, 2))
    plain = [run(SigmoidCrossEntropy(), logits[:, [k]], ones[:, [k]])[0] for k in range(2)]
    assert run(SigmoidCrossEntropy(positive_weight=(3, 5)), logits, ones)[0] == pytest.approx(
        (3 * plain[0] + 5 * plain[1]) / 2
    )
    for weight in (3, (3, 5)):
        y, _ = run(SigmoidCrossEntropy(positive_weight=weight), logits, 0 * ones)
        assert y == pytest.approx(run(SigmoidCrossEntropy(), logits, 0 * ones)[0])


def test_sigmoid_cross_entropy_takes_0_and_1_in_any_type_and_nothing_else_in_integers(run):
    logits = np.array([[0.5, -1]], dtype=np.float32)
    found = [run(SigmoidCrossEntropy(), logits, np.array([[1, 0]], dtype=kind))[0] for kind in "b?Bqf"]
    assert {(float(y), y.dtype) for y in found} == {(float(found[0]), np.dtype("f"))}
    with pytest.raises(ValueError, match=r"target -1 at position \(0, 1\) is not one of the 2 classes"):
        run(SigmoidCrossEntropy(), logits, np.array([[1, -1]]))


def test_the_positive_weights_are_as_many_as_the_last_axis_is_long(run):
    with pytest.raises(ValueError, match=r"`positive_weight` has 3 numbers; the last axis of logits \(4, 2\)"):
        run(SigmoidCrossEntropy(positive_weight=(1, 2, 3)), np.ones((4, 2)), np.ones((4, 2)))


@pytest.mark.parametrize("weight", [1, 7.5])
def test_sigmoid_cross_entropy_of_huge_and_small_logits_keeps_its_digits_in_float32(run, weight):
    """−ln σ(x) is e⁻ˣ for x = 20, which 1 − σ(20) would lose in float32; at ±10⁴ it is 10⁴ and 0."""
    logits = np.float32([[1e4, -1e4, 1e4, -1e4, 20, -20]])
    target = np.array([[1, 0, 0, 1, 1, 0]])
    for k, right in enumerate([0, 0, 1e4, 1e4 * weight, weight * math.exp(-20), math.exp(-20)]):
        one = logits[:, [k]], target[:, [k]]
        y, gradients = run(SigmoidCrossEntropy(positive_weight=weight), *one, dy=np.float32(1))
        assert y == pytest.approx(right, rel=1e-6)
        assert y.dtype == gradients["logits"].dtype == np.float32
        slope = [0, 0, 1, -weight, -weight * math.exp(-20), math.exp(-20)][k]
        assert gradients["logits"].item() == pytest.approx(slope, rel=1e-6)


def test_nll_of_log_softmax_is_softmax_cross_entropy(run):
    rng = np.random.default_rng(0)
    logits, label = rng.standard_normal((4, 2, 3)), np.array([[0, 1], [2, -1], [-1, 2], [0, 0]])
    logp = logits - np.log(np.exp(logits).sum(axis=-1, keepdims=True))
    options = {"weights": (0.5, 2, 1), "ignore": -1}
    y, gradients = run(Nll(**options), logp, label, dy=8.0)
    assert y == pytest.approx(run(SoftmaxCrossEntropy(**options), logits, label)[0], rel=1e-14)
    assert gradients["logp"][0].tolist() == [[-0.5, 0, 0], [0, -2, 0]]
    assert not gradients["logp"][1, 1].any()


def test_kl_divergence_worked_by_hand(run):
    """From (1/2, 1/4, 1/4) to (1/4, 1/4, 1/2): 1/2 ln 2 − 1/4 ln 2 = (ln 2) / 4; of equal ones 0."""
    p, q = np.array([[0.5, 0.25, 0.25], [0.1, 0.2, 0.7]]), np.array([[0.25, 0.25, 0.5], [0.1, 0.2, 0.7]])
    y, gradients = run(KlDivergence(), np.log(q), p, dy=2.0)
    assert y == pytest.approx(math.log(2) / 8, rel=1e-14)
    np.testing.assert_allclose(gradients["logq"], -p, rtol=1e-14)
    logs, _ = run(KlDivergence(log_target=True), np.log(q), np.log(p))
    assert logs == pytest.approx(y, rel=1e-14)


def test_a_class_of_probability_0_adds_nothing_to_the_divergence(run):
    """(1, 0) from (1/2, 1/2) is ln 2, and so it is where q is 0 as well or p is given as e^−∞ = 0."""
    for logq in (math.log(0.5), -np.inf):
        q = np.array([[math.log(0.5), logq]])
        y, gradients = run(KlDivergence(), q, np.array([[1.0, 0]]), dy=1.0)
        assert y == pytest.approx(math.log(2), rel=1e-14)
        np.testing.assert_allclose(gradients["p"], [[1 + math.log(2), 0]], rtol=1e-14)
        y, gradients = run(KlDivergence(log_target=True), q, np.array([[0, -np.inf]]), dy=1.0)
        assert y == pytest.approx(math.log(2), rel=1e-14)
        np.testing.assert_allclose(gradients["p"], [[1 + math.log(2), 0]], rtol=1e-14)


@pytest.mark.parametrize("kind", ["logits", "chances", "logs"])
def test_losses_of_probabilities_are_finite_at_the_far_end_of_float32(run, kind):
    far = np.float32([[1e4, -1e4, 0]])
    logp = far - 1e4  # its log_softmax
    chances = np.float32([[0, 1, 0]])
    tried = {
        "logits": [(SoftmaxCrossEntropy(smoothing=0.1), far, np.array([1]))],
        "chances": [(SoftmaxCrossEntropy(), far, chances), (KlDivergence(), logp, chances)],
        "logs": [(Nll(), logp, np.array([1])), (KlDivergence(log_target=True), logp, logp)],
    }
    for loss, *inputs in tried[kind]:
        y, gradients = run(loss, *inputs, dy=np.float32(1))
        assert np.isfinite(y)
        assert all(np.isfinite(g).all() and g.dtype == np.float32 for g in gradients.values())
