"""What the tests of metrics share: a metric over a data set that comes in uneven batches."""

import numpy as np
import pytest


@pytest.fixture
def measure(run):
    """measure(metric, *inputs, sizes=None) -> the result over inputs in batches of `sizes`, by default all at once."""

    def measured(metric, *inputs, sizes=None):
        inputs = [np.asarray(x) for x in inputs]
        ends = np.cumsum([len(inputs[0])] if sizes is None else sizes)
        assert ends[-1] == len(inputs[0])
        batches = zip(*(np.split(x, ends[:-1]) for x in inputs), strict=True)
        found = [run(metric, *batch)[0] for batch in batches]
        found = [y if isinstance(y, tuple) else (y,) for y in found]
        return metric.result(*(np.asarray(sum(parts), dtype=np.float64) for parts in zip(*found, strict=True)))

    return measured
