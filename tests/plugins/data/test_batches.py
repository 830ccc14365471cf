"""Every example comes once an epoch, in an order that a run can enter anywhere."""

import numpy as np
import pytest

from blockrun.plugins.data.batches import Batches
from blockrun.plugins.data.source import Description, Field, Source
from blockrun.plugins.errors import DataError


class Count(Source):
    n: int = 10
    wrong: bool = False

    def describe(self):
        return Description({"i": Field((), np.dtype(np.int64))}, self.n)

    def read(self, indices):
        return {"i": indices.astype(np.float32 if self.wrong else np.int64)}


def order(batches, *args):
    return [batch["i"].tolist() for batch in batches.epoch(*args)]


def test_unshuffled_batches_come_in_the_order_of_the_source():
    batches = Batches(Count(), 4)
    assert order(batches, 7) == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]
    assert len(batches) == 3


def test_the_last_batch_can_be_dropped():
    batches = Batches(Count(), 4, drop_last=True)
    assert order(batches, 0) == [[0, 1, 2, 3], [4, 5, 6, 7]]
    assert len(batches) == 2


def test_shuffled_epochs_differ_and_hold_every_example_once():
    batches = Batches(Count(n=100), 7, shuffle=True, seed=3)
    first, second = (np.concatenate(order(batches, epoch)).tolist() for epoch in (0, 1))
    assert sorted(first) == sorted(second) == list(range(100))
    assert first != second
    assert first[:7] != order(Batches(Count(n=100), 7, shuffle=True, seed=4), 0)[0]


def test_an_epoch_can_be_entered_at_any_batch_by_another_process():
    whole = order(Batches(Count(), 3, shuffle=True, seed=1), 5)
    for start in range(5):
        assert order(Batches(Count(), 3, shuffle=True, seed=1), 5, start) == whole[start:]


def test_a_source_without_one_batch_is_refused():
    with pytest.raises(DataError, match="`count` has 0 examples"):
        Batches(Count(n=0), 4)
    with pytest.raises(DataError, match="3 examples, which is not one batch"):
        Batches(Count(n=3), 4, drop_last=True)


def test_a_source_that_gives_other_arrays_than_it_describes_is_named():
    batches = Batches(Count(wrong=True), 4)
    with pytest.raises(DataError, match=r"source `count` gives \[4\] float32 for `i`; it describes \[4\] int64"):
        next(batches.epoch(0))
