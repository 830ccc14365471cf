"""`batchwise` is a promise that the kit checks: on blocks that lie about it, and on every shipped network."""

from pathlib import Path

import numpy as np
import pytest

from blockrun.core import Block, backward, forward
from blockrun.core.pieces import in_pieces
from blockrun.plugins.network import load
from blockrun.plugins.network.draw import draw_inputs
from blockrun.plugins.testing import check_block

CONFIGS = sorted((Path(__file__).parents[3] / "configs").glob("*.yaml"))


class MeanOfThePiece(Block):
    """Divides by the examples it sees, not by those of the whole batch."""

    batchwise = True

    def forward(self, ctx, x):
        return (x * x).sum() / max(len(x), 1), (x,)

    def backward(self, ctx, saved, dy):
        return 2 * dy * saved[0] / max(len(saved[0]), 1)


class CentredByThePiece(Block):
    """Subtracts the mean of what it sees without asking for the total."""

    batchwise = True

    def forward(self, ctx, x):
        return x - x.sum(axis=0) / ctx.examples, None

    def backward(self, ctx, saved, dy):
        return dy - dy.sum(axis=0) / ctx.examples

    @classmethod
    def examples(cls, rng):
        yield cls(), (rng.standard_normal((4, 3)),)


class Quiet(Block):
    """Would run in pieces, and does not say so."""

    def forward(self, ctx, x):
        return x * x, (x,)

    def backward(self, ctx, saved, dy):
        return 2 * dy * saved[0]


class Reversed(Block):
    """Row i of the output is row N − 1 − i of the input: no piece can know it."""

    def forward(self, ctx, x):
        return x[::-1], None

    def backward(self, ctx, saved, dy):
        return dy[::-1]


@pytest.mark.parametrize(("cls", "tensor"), [(MeanOfThePiece, "y"), (CentredByThePiece, "y")])
def test_a_block_that_takes_the_piece_for_the_batch_is_caught(cls, tensor):
    report = check_block(cls)
    failure = next(f for f in report.failures if f.check == "pieces" and f.tensor == tensor)
    assert "ctx.examples" in failure.guess
    assert "ctx.total" in failure.guess


def test_a_block_that_would_run_in_pieces_is_told_what_to_declare():
    assert any("declare `batchwise = True`" in note for note in check_block(Quiet).notes)
    assert not any("batchwise" in note for note in check_block(Reversed).notes)


class OneDraw(Block):
    """Flips the sign of the batch with a probability of a tenth: most seeds draw the same."""

    batchwise = True

    def forward(self, ctx, x):
        sign = 1.0 - 2.0 * (ctx.training and ctx.rng.random() < 0.1)
        return sign * x, sign

    def backward(self, ctx, saved, dy):
        return saved * dy


def test_a_block_that_draws_the_same_by_chance_is_not_cut():
    assert all(check_block(OneDraw, seed=seed).ok for seed in range(20))


QUIET = {  # networks that draw numbers, and what makes them stop
    "digits": ("net.drop2.p=0", "net.drop3.p=0"),
    "unet": ("vars.noise=0",),
    "vgg": ("vars.dropped=0",),
}


@pytest.mark.parametrize("config", CONFIGS, ids=lambda path: path.stem)
def test_a_shipped_network_in_unequal_pieces_gives_the_gradients_of_the_whole_batch(config):
    """To 1e-12 in float64, batch norm included; noise is left out, because its draws are those of the piece."""
    network = load(config, "run.dtype=float64", *QUIET.get(config.stem, ()))
    fed = network.feed(draw_inputs(network, examples=7))
    split = {name for name, given in network.inputs.items() if given.batch and given.value is None}
    if not split:
        pytest.skip("nothing in it is per example")
    feed = {**network.params, **network.state, **fed}
    wrt = tuple(network.params)
    keep = (*network.objective, *network.graph.updates.values())
    values, tape = forward(network.graph, feed, keep=keep, wrt=wrt, examples=7)
    gradients = backward(tape, network.objective, wrt)
    found = in_pieces(network.graph, feed, split=split, sizes=(2, 4, 1), keep=keep, seeds=network.objective, wrt=wrt)
    for expected, got in zip((values, gradients), found, strict=True):
        scale = max(np.abs(right).max() for right in expected.values())
        for name, right in expected.items():
            np.testing.assert_allclose(got[name], right, rtol=0, atol=1e-12 * scale, err_msg=name)
