"""A block that reads labels or indices is checked with nothing added, as one of floating inputs is."""

from typing import Annotated

import numpy as np
from annotated_types import Ge

from blockrun.core import Block, Param
from blockrun.plugins.testing import check_block


class Rows(Block):
    """y = W[index]"""

    vocab: Annotated[int, Ge(2)]
    units: Annotated[int, Ge(1)]

    def params(self, index):
        return {"W": Param((self.vocab, self.units))}

    def forward(self, ctx, index, *, W):
        return W[index], (index, W)

    def backward(self, ctx, saved, dy):
        index, W = saved
        dW = np.zeros_like(W)
        np.add.at(dW, index, dy)
        return None, dW


class Picked(Block):
    """y = Σ x[n, label[n]]"""

    def forward(self, ctx, x, label):
        picked = np.take_along_axis(x, label[..., None], axis=-1)
        return picked.sum(), (x, label)

    def backward(self, ctx, saved, dy):
        x, label = saved
        dx = np.zeros_like(x)
        np.put_along_axis(dx, label[..., None], dy, axis=-1)
        return dx, None


class Overwrites(Rows):
    """Forgets that an index may occur twice."""

    def backward(self, ctx, saved, dy):
        index, W = saved
        dW = np.zeros_like(W)
        dW[index] = dy
        return None, dW


def test_indices_are_tried_where_floating_inputs_do_not_run():
    report = check_block(Rows)
    assert report.ok, str(report)
    assert report.seen == {"dW": True}


def test_labels_are_tried_beside_floating_inputs():
    report = check_block(Picked)
    assert report.ok, str(report)
    assert report.seen == {"dx": True}


def test_overwriting_where_an_index_occurs_twice_is_caught():
    report = check_block(Overwrites)
    assert not report.ok
    assert report.failures[0].tensor == "dW"
