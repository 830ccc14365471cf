"""Normalising and mixing: the mean and deviation against NumPy's of the whole, shares against NumPy's own Beta."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from blockrun.plugins.data.sequences import Sequences
from blockrun.plugins.data.source import Description, Field, Source
from blockrun.plugins.data.take import Taken
from blockrun.plugins.data.transformed import Epoch, Step, Transformed, Transforms
from blockrun.plugins.data.transforms.mixup import Mixup, beta
from blockrun.plugins.data.transforms.normalise import Normalise
from blockrun.plugins.errors import DataError

AXES = {"channel": (0, 1), "entry": (0,), "all": (0, 1, 2)}


class Rows(Source):
    n: int = 10
    classes: int = 3

    def describe(self):
        fields = {"x": Field((2,), np.dtype(np.float64)), "label": Field((), np.dtype(np.int64))}
        return Description(fields, self.n, {"classes": self.classes})

    def read(self, indices):
        return {"x": np.stack([indices, indices**2], axis=1).astype(np.float64), "label": indices % self.classes}


@given(st.lists(st.integers(1, 5), min_size=1, max_size=6), st.sampled_from(sorted(AXES)), st.floats(-1e6, 1e6))
def test_the_mean_and_deviation_of_pieces_are_those_of_the_whole(sizes, per, offset):
    x = np.random.default_rng(len(sizes)).standard_normal((sum(sizes), 4, 3)) + offset
    found = Normalise(per=per).measure(lambda: np.split(x, np.cumsum(sizes)[:-1]))
    std = x.std(axis=AXES[per])
    np.testing.assert_allclose(found["mean"], x.mean(axis=AXES[per]), rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(found["std"], np.where(std > 0, std, 1), rtol=1e-6)
    y = Normalise(per=per).apply(x, found)
    np.testing.assert_allclose(y.mean(axis=AXES[per]), 0, atol=1e-7)


def test_what_does_not_vary_becomes_zero_and_integers_become_floats():
    x = np.array([[5, 1], [5, 3]])
    y = Normalise().apply(x, Normalise().measure(lambda: [x]))
    assert y.tolist() == [[0, -1], [0, 1]]
    assert y.dtype == np.float32


def test_a_number_that_is_not_finite_is_found_before_training():
    with pytest.raises(DataError, match="not finite"):
        Normalise().measure(lambda: [np.array([[1.0, np.nan]])])


def test_every_part_is_normalised_by_the_training_part_and_it_is_measured_once():
    reads = []

    class Counted(Rows):
        def read(self, indices):
            reads.append(len(indices))
            return Rows.read(self, indices)

    training = Counted(n=10)
    transforms = Transforms([Step(Normalise(), ("x",))], training)
    other = Transformed(Rows(n=4), transforms)
    whole = training.read(np.arange(10))["x"]
    reads.clear()
    for _ in range(2):
        found = other.read(np.array([3, 1]))["x"]
    np.testing.assert_allclose(found, (whole[[3, 1]] - whole.mean(axis=0)) / whole.std(axis=0), rtol=1e-12)
    assert reads == [10]


@pytest.mark.parametrize("alpha", [0.05, 0.2, 0.4, 1.0, 2.0, 8.0, 100.0])
def test_shares_have_the_distribution_that_numpy_draws_from(alpha):
    """Mean 1/2 and variance 1 / (4 (2α + 1)) by theory; tenths against 10⁶ draws of NumPy, to 5 deviations."""
    u = (np.arange(200_000) + 0.5) / 200_000
    found = beta(u, alpha)
    assert abs(found.mean() - 0.5) < 1e-9
    assert abs(found.var() / (1 / (4 * (2 * alpha + 1))) - 1) < 1e-4
    drawn = np.random.default_rng(0).beta(alpha, alpha, 10**6)
    for place in np.quantile(found, np.arange(1, 10) / 10):
        assert abs((drawn < place).mean() - (found < place).mean()) < 5 * np.sqrt(0.25 / 10**6)


def mixed(source, epoch=0, start=0, count=None, alpha=1.0):
    transforms = Transforms([Step(Mixup(alpha=alpha, classes=3), ("x",))], source)
    order = np.random.default_rng(epoch).permutation(source.n)
    return order, Transformed(source, transforms).draw(
        Epoch(epoch, 0, order), start, source.n if count is None else count
    )


def test_a_mixed_example_and_its_target_are_the_same_shares_of_two_examples():
    order, batch = mixed(Rows(n=10))
    own = Rows(n=10).read(order)
    shift = next(s for s in range(1, 10) if np.allclose(_unmixed(batch["x"], own["x"], np.roll(own["x"], -s, 0)), 0))
    other = {name: np.roll(x, -shift, 0) for name, x in own.items()}
    share = (batch["x"][:, 0] - other["x"][:, 0]) / (own["x"][:, 0] - other["x"][:, 0])
    expected = share[:, None] * np.eye(3)[own["label"]] + (1 - share)[:, None] * np.eye(3)[other["label"]]
    np.testing.assert_allclose(batch["target"], expected, atol=1e-6)
    np.testing.assert_array_equal(batch["label"], own["label"])
    assert batch["target"].dtype == np.float32


def _unmixed(x, own, other):
    """How far x is from the line between two examples."""
    a, b = x - other, own - other
    return a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]


def test_in_evaluation_a_target_is_one_at_the_label_and_a_label_beyond_the_classes_is_refused():
    known = Transforms([Step(Mixup(classes=3), ("x",))], Rows())
    np.testing.assert_array_equal(Transformed(Rows(), known).read(np.array([2, 4]))["target"], [[0, 0, 1], [0, 1, 0]])
    known = Transforms([Step(Mixup(classes=2), ("x",))], None)
    with pytest.raises(DataError, match="finds the label 2 in `label`; with 2 classes"):
        known.apply(Rows().read(np.array([1, 2])))


def test_one_example_can_be_mixed_with_nothing_but_itself():
    _, batch = mixed(Rows(n=1))
    assert batch["x"].tolist() == [[0, 0]]


def test_padding_is_not_counted(tmp_path):
    (tmp_path / "moves.csv").write_text("1,2,3,left\n5,left\n7,9,right\n")
    source = Taken(Sequences(path=tmp_path / "moves.csv", label="last"), np.arange(3))
    whole = Transformed(source, Transforms([Step(Normalise(), ("x",))], source))
    found = whole.read(np.arange(3))
    there = found["x"][found["mask"]]
    numbers = np.array([1, 2, 3, 5, 7, 9])
    np.testing.assert_allclose(there.ravel(), (numbers - 4.5) / numbers.std(), rtol=1e-6)
