"""Reading ahead changes nothing but when: the same batches in the same order, errors in their place, no thread left."""

import os
import signal
import threading
import time
import tracemalloc

import numpy as np
import pytest

from blockrun.plugins.data.ahead import Loading, made_ahead
from blockrun.plugins.data.batches import Batches
from blockrun.plugins.data.source import Description, Field, Source
from blockrun.plugins.data.transformed import Step, Transformed, Transforms
from blockrun.plugins.data.transforms.images import Crop
from blockrun.plugins.data.transforms.mixup import Mixup
from blockrun.plugins.data.transforms.normalise import Normalise
from blockrun.plugins.errors import DataError
from blockrun.plugins.network.build import load
from blockrun.plugins.network.diagnostics import ConfigError
from blockrun.plugins.training.interrupt import Interrupted
from blockrun.plugins.training.progress import Progress
from blockrun.plugins.training.run import train


class Slow(Source):
    """Takes longer for some examples than for others, so that threads overtake each other."""

    n: int = 30

    def describe(self):
        fields = {"x": Field((4, 4, 1), np.dtype(np.float32)), "label": Field((), np.dtype(np.int64))}
        return Description(fields, self.n)

    def read(self, indices):
        time.sleep(0.004 * (indices[0] % 3) if len(indices) else 0)
        x = np.random.default_rng(7).random((self.n, 4, 4, 1), np.float32)
        return {"x": x[indices], "label": indices % 3}


class Torn(Slow):
    def read(self, indices):
        if 17 in indices:
            raise DataError("torn.csv, row 17, column `x`: is torn")
        return Slow.read(self, indices)


def workers():
    return threading.active_count()


def stream(loading, start=0, end=9):
    steps = [Step(Normalise(), ("x",)), Step(Crop(pad=1), ("x",)), Step(Mixup(classes=3, alpha=1), ("x",))]
    source = Transformed(Slow(), Transforms(steps, Slow()))
    batches = Batches(source, 7, shuffle=True, seed=3, augment=True, loading=loading)
    return [{name: x.tobytes() for name, x in batch.items()} for batch in batches.stream(start, end)]


@pytest.mark.parametrize("loading", [Loading(1, 1), Loading(1, 2), Loading(2, 3), Loading(5, 2), Loading(4, 20)])
def test_the_stream_is_the_same_bytes_for_any_number_of_workers(loading):
    """Through more than one epoch of five batches, from its beginning and from the middle."""
    before, expected = workers(), stream(Loading(0, 1))
    assert len(expected) == 9
    assert stream(loading) == expected
    assert stream(loading, start=4) == expected[4:]
    assert workers() == before


def test_an_error_comes_in_its_place_as_what_it_is_and_ends_the_threads():
    before = workers()
    batches = Batches(Torn(), 5, loading=Loading(3, 4))
    got = []
    with pytest.raises(DataError, match=r"torn.csv, row 17, column `x`: is torn") as caught:
        _fill(got, batches.epoch(0))
    assert got == [0, 1, 2] * 5
    assert any(entry.name == "read" for entry in caught.traceback)
    assert workers() == before


def _fill(got, epoch):
    for batch in epoch:
        got.extend(batch["label"].tolist())


def test_no_more_is_made_than_may_wait_and_no_more_is_kept():
    """Of arrays of 1 MB, two wait and one is in use; the thread keeps none of its own."""
    made = []

    def make(number):
        made.append(number)
        return np.zeros(1 << 20, np.uint8)

    tracemalloc.start()
    try:
        for used, _ in enumerate(made_ahead(make, range(50), Loading(2, 2))):
            time.sleep(0.001)
            assert max(made) <= used + 2
        assert tracemalloc.get_traced_memory()[1] < 5 << 20
    finally:
        tracemalloc.stop()


def test_threads_end_when_the_stream_is_left_early():
    before = workers()
    batches = made_ahead(lambda number: number, range(10**9), Loading(3, 5))
    assert [next(batches) for _ in range(4)] == [0, 1, 2, 3]
    assert workers() == before + 3
    batches.close()
    assert workers() == before


def test_a_source_that_never_answers_holds_up_nobody_who_leaves():
    never, before = threading.Event(), workers()
    batches = made_ahead(lambda number: number == 0 or never.wait(), range(9), Loading(1, 2))
    next(batches)
    began = time.monotonic()
    batches.close()
    assert time.monotonic() - began < 5
    never.set()
    while workers() > before:
        time.sleep(0.001)


NET = """blockrun: 1
inputs: {{image: [8, 8, 1], label: {{shape: [], dtype: int64}}}}
net:
  flat: {{block: flatten, in: image}}
  scores: {{block: linear, units: 10}}
  loss: {{block: softmax_cross_entropy, in: [scores, label]}}
data:
  workers: {workers}
  train: {{source: digits, batch: 32}}
  val: {{source: digits, split: val}}
train: {{steps: 40, optimizer: sgd, evaluate: {{steps: 10}}}}
callbacks: {{stop: {{callback: early_stop, monitor: val.loss, min_delta: 100, patience: 1}}}}
run: {{dir: runs}}
"""


class Interrupt(Progress):
    def step(self, trainer, examples):
        if trainer.step == 5:
            os.kill(os.getpid(), signal.SIGINT)


@pytest.mark.parametrize("count", [0, 1, 3])
def test_no_thread_is_left_of_a_run_that_stops_early_or_is_interrupted(count, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "net.yaml").write_text(NET.format(workers=count))
    before = workers()
    run = train(load(tmp_path / "net.yaml"))
    assert "early_stop" in run.reason or "stop" in run.reason
    assert workers() == before
    with pytest.raises(Interrupted):
        train(load(tmp_path / "net.yaml"), Interrupt())
    assert workers() == before


def test_what_is_no_number_of_workers_is_said(tmp_path):
    (tmp_path / "net.yaml").write_text(NET.format(workers=-1))
    with pytest.raises(ConfigError, match=r"`data.workers` is -1; it must be an integer, at least 0"):
        load(tmp_path / "net.yaml")
    assert load(tmp_path / "net.yaml", "data.workers=2", "data.ahead=7").sections.loading == (2, 7)
