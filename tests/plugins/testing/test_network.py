"""Checking a whole network: what is compared, and that a mistake is found and put down to the node that made it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from blockrun.plugins.errors import UserError
from blockrun.plugins.network.build import load
from blockrun.plugins.testing.network import check_network

CONFIGS = sorted((Path(__file__).resolve().parents[3] / "configs").glob("*.yaml"))

BLOCKS = '''
import numpy as np
from blockrun.core import Block, Param

class Opposite(Block):
    """y = sin x, with the wrong sign backward."""
    def forward(self, ctx, x):
        return np.sin(x), x

    def backward(self, ctx, x, dy):
        return -dy * np.cos(x)

class Gain(Block):
    """y = x w; the gradient of one entry of w is doubled."""
    def params(self, x):
        return {"w": Param(x.shape[1:], init="ones")}

    def forward(self, ctx, x, w):
        return x * w, (x, w)

    def backward(self, ctx, saved, dy):
        x, w = saved
        dw = (dy * x).sum(axis=0)
        dw[1234] *= 2
        return dy * w, dw

class Short(Block):
    """Forgets one example backward."""
    def forward(self, ctx, x):
        return 2 * x, None

    def backward(self, ctx, saved, dy):
        return 2 * dy[1:]
'''

NETWORK = """
blockrun: 1
plugins: {local: [./blocks.py]}
inputs: {x: [WIDTH], y: [2]}
net:
  a: {block: linear, units: 3}
  b: BLOCK
  c: {block: linear, units: 2}
  d: {block: dropout, p: 0.3}
  J: {block: sum_of_squares, in: [d, y]}
"""


def network_with(folder, block, width=4, text=NETWORK):
    (folder / "blocks.py").write_text(BLOCKS)
    (folder / "net.yaml").write_text(text.replace("BLOCK", block).replace("WIDTH", str(width)))
    return load(folder / "net.yaml", "run.dtype=float64")


SMALL = {  # the large ones in small, every kind of node in them
    "gpt": ("vars.layers=2", "vars.width=8", "vars.heads=2", "vars.length=6", "vars.vocab=7"),
    "resnet20": ("vars.n=1",),
    "vgg": ("vars.width=2",),
}


@pytest.mark.parametrize("file", CONFIGS, ids=lambda file: file.stem)
def test_every_gradient_of_every_network_in_configs_is_right(file):
    network = load(file, "run.dtype=float64", *SMALL.get(file.stem, ()))
    report = check_network(network)
    assert report.ok, str(report)
    floating = {name for name, wanted in network.inputs.items() if np.dtype(wanted.dtype).kind == "f"}
    assert {found.name for found in report.variables} == {*network.params, *floating}
    assert max(found.error for found in report.variables) <= 1e-6
    assert report.notes == []


def test_a_wrong_sign_fails_what_lies_before_it_and_is_put_down_to_its_node(tmp_path):
    report = check_network(network_with(tmp_path, "opposite"), command="again")
    verdicts = {found.name: found.verdict for found in report.variables}
    assert verdicts == {"x": "FAILED", "a.W": "FAILED", "a.b": "FAILED", "c.W": "ok", "c.b": "ok", "y": "ok"}
    [node] = report.nodes
    assert node.check.startswith("node `b` (")
    assert node.guess == "ratio -1: sign flipped?"
    assert node.reproduce == f"blockrun test {tmp_path / 'blocks.py'} opposite"
    failure = next(found.failure for found in report.variables if found.name == "a.b")
    assert failure.ratio == pytest.approx(-1, rel=1e-6)
    assert failure.guess.startswith("see node `b`")
    assert failure.reproduce == "again"
    assert not report.ok


def test_a_parameter_that_starts_at_zero_hides_nothing_before_it(tmp_path):
    network = network_with(tmp_path, "opposite")
    network.params["c.W"][:] = 0
    assert [node.check.partition(" (")[0] for node in check_network(network).nodes] == ["node `b`"]


def test_one_wrong_entry_among_thousands_is_found(tmp_path):
    """The entry that `Gain` doubles; its neighbours are right."""
    text = NETWORK.replace("a: {block: linear, units: 3}", "a: gain")
    report = check_network(network_with(tmp_path, "tanh", width=5000, text=text))
    [failure] = [found.failure for found in report.variables if found.failure]
    assert (failure.tensor, failure.index) == ("da.w", (1234,))
    assert failure.ratio == pytest.approx(2, rel=1e-6)


def test_a_kink_at_the_very_point_is_no_mistake(tmp_path):
    """(relu(x) − y)² at x = 0, y = 1 falls on the right and is flat on the left."""
    (tmp_path / "kink.yaml").write_text(
        "blockrun: 1\ninputs: {x: {value: [0.0, 0.0]}, y: {value: [1.0, 1.0]}}\n"
        "net: {a: {block: relu, in: x}, J: {block: sum_of_squares, in: [a, y]}}\n"
    )
    report = check_network(load(tmp_path / "kink.yaml", "run.dtype=float64"))
    assert report.ok, str(report)


def test_a_parameter_that_the_objective_does_not_depend_on_is_named(tmp_path):
    text = NETWORK.replace("  J:", "  aside: {block: linear, in: x, units: 2}\n  J:")
    network = network_with(tmp_path, "tanh", text=text)
    report = check_network(network)
    assert report.ok
    assert report.notes == ["aside.W, aside.b: nothing that is minimised depends on it"]


def test_a_block_that_breaks_its_contract_is_a_failed_check_with_its_node(tmp_path):
    report = check_network(network_with(tmp_path, "short"))
    assert not report.ok
    assert "gradient of `x` has shape (2, 3); `x` has shape (3, 3)" in report.errors[0].fact
    assert "in node `b`" in report.errors[0].block


def test_the_same_seed_draws_the_same_examples_and_masks(tmp_path):
    network = network_with(tmp_path, "tanh")
    first, again, other = (check_network(network, seed) for seed in (1, 1, 2))
    assert [v.error for v in first.variables] == [v.error for v in again.variables]
    assert [v.error for v in first.variables] != [v.error for v in other.variables]


def test_an_objective_that_is_no_number_is_refused(tmp_path):
    (tmp_path / "net.yaml").write_text("blockrun: 1\ninputs: {x: [3]}\nnet: {a: tanh}\n")
    with pytest.raises(UserError, match=r"`a` has shape \(N, 3\); only a scalar can be differentiated"):
        check_network(load(tmp_path / "net.yaml", "run.dtype=float64"))


def test_a_network_without_anything_to_check_does_not_pass(tmp_path):
    """Its only input is an integer."""
    text = "blockrun: 1\ninputs: {x: {value: 3, dtype: int64}}\nnet: {a: {block: multiply, in: [x, x]}}\n"
    (tmp_path / "net.yaml").write_text(text)
    with pytest.raises(UserError, match="no gradient leads from `a` to any parameter or input"):
        check_network(load(tmp_path / "net.yaml", "run.dtype=float64"))
