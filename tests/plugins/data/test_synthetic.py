"""Made-up examples: each always the same, whatever it is asked for with."""

import numpy as np
import pytest

from blockrun.plugins.data.synthetic import Synthetic

FIELDS = {"image": [3, 2], "label": {"below": 7}, "words": {"shape": [4], "below": 5}}


def test_fields_have_the_shapes_and_kinds_that_are_asked_for():
    known = Synthetic(fields={"image": [3, 2], "label": {"below": 7}}, examples=10).describe()
    assert known.fields == {"image": ((3, 2), np.float32), "label": ((), np.int64)}
    assert known.values == {"classes": 7}
    assert known.examples == 10


def test_an_example_depends_on_its_number_alone():
    source = Synthetic(fields=FIELDS, seed=3)
    together = source.read(np.array([5, 999_999, 5]))
    alone = source.read(np.array([999_999]))
    for name in FIELDS:
        np.testing.assert_array_equal(together[name][1], alone[name][0])
        np.testing.assert_array_equal(together[name][0], together[name][2])
    assert not np.array_equal(together["image"][0], together["image"][1])


def test_numbers_are_normal_and_integers_below_their_bound():
    found = Synthetic(fields=FIELDS).read(np.arange(4000))
    assert abs(found["image"].mean()) < 0.03
    assert abs(found["image"].std() - 1) < 0.03
    assert set(found["label"].tolist()) == set(range(7))
    assert found["words"].max() == 4


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        ({"shap": [3]}, "has no `shap`; it has `shape` and `below`"),
        ([3, -1], r"has shape \[3, -1\]; it must be a list of sizes"),
        ({"below": 0}, "has below 0; it must be an integer, at least 1"),
    ],
)
def test_a_field_that_makes_no_sense_is_refused(wanted, words):
    with pytest.raises(ValueError, match=f"`fields.x` {words}"):
        Synthetic(fields={"x": wanted})
