"""`init` and `freeze`: what parameters start as and which are left alone, for nodes, sub-graphs and what is shared."""

import textwrap

import numpy as np
import pytest

from blockrun.plugins.host import load_host
from blockrun.plugins.network import load
from blockrun.plugins.network.diagnostics import ConfigError
from blockrun.plugins.training.gradients import differentiator
from blockrun.plugins.training.inits import He
from blockrun.plugins.training.loop import Trainer
from blockrun.plugins.training.seeds import derive

HOST = load_host(entry_points=False)
HEAD = """\
blockrun: 1
inputs: {features: [3], label: [2]}
templates:
  tower:
    args: {bias: true}
    net:
      fc: {block: linear, units: 4, bias: $bias}
      norm: batch_norm
      out: {block: linear, units: 2, init: {b: 0.5}}
"""
TAIL = """\
  loss: {block: sum_of_squares, in: [out, label]}
data: {train: {source: csv, path: table.csv, batch: 4, fields: {features: [a, b, c], label: [d, e]}}}
train: {epochs: 3, optimizer: sgd}
"""


@pytest.fixture
def built(tmp_path):
    rows = np.random.default_rng(0).standard_normal((8, 5))
    (tmp_path / "table.csv").write_text("a,b,c,d,e\n" + "".join(",".join(map(str, row)) + "\n" for row in rows))

    def build(nodes, *overrides):
        net = textwrap.indent(textwrap.dedent(nodes).strip(), "  ")
        (tmp_path / "net.yaml").write_text(f"{HEAD}net:\n{net}\n{TAIL}")
        return load(tmp_path / "net.yaml", *overrides, host=HOST)

    return build


def test_a_bare_initialiser_is_for_what_the_block_draws_and_leaves_its_constants(built):
    """He, Zhang, Ren & Sun 2015: N(0, 2 / fan in); drawn from the seed of the parameter's own name."""
    network = built("out: {block: linear, units: 2, init: he}", "run.dtype=float64")
    rng = np.random.default_rng(derive(0, "init", "out.W"))
    np.testing.assert_array_equal(network.params["out.W"], He()(rng, (2, 3), (3, 2), "float64"))
    assert not network.params["out.b"].any()


def test_initialisers_by_parameter_with_options_and_as_numbers(built):
    network = built("out: {block: linear, units: 2, init: {W: {name: uniform, low: 3, high: 4}, b: -0.5}}")
    assert (network.params["out.W"] >= 3).all()
    assert network.params["out.b"].tolist() == [-0.5, -0.5]
    assert (
        built("out: {block: linear, units: 2, init: {name: constant, value: 2}}").params["out.W"].tolist()
        == [[2] * 3] * 2
    )


def test_the_only_parameter_of_a_block_is_meant_even_if_it_starts_as_a_constant(built):
    network = built("out: {block: linear, units: 2}\nslope: {block: prelu, init: 0.75}\nend: {block: prelu, in: slope}")
    assert network.params["slope.slope"].tolist() == [0.75, 0.75]
    assert network.params["end.slope"].tolist() == [0.25, 0.25]


def test_state_may_be_started_too(built):
    network = built("out: {block: linear, units: 2}\nnorm: {block: batch_norm, init: {mean: 3}}", "train.minimize=loss")
    assert network.state["norm.mean"].tolist() == [3, 3]


def test_what_a_use_says_holds_for_everything_inside_unless_a_node_says_otherwise(built):
    network = built("out: {use: tower, init: {name: constant, value: 2}}")
    assert set(network.params["out/fc.W"].flat) == {2.0}
    assert set(network.params["out/out.W"].flat) == {2.0}
    assert set(network.params["out/out.b"].flat) == {0.5}  # the node's own
    network = built('out: {use: tower, init: {"*.b": 3, fc.W: zeros}}')
    assert set(network.params["out/fc.b"].flat) == {3.0}
    assert set(network.params["out/out.b"].flat) == {0.5}
    assert not network.params["out/fc.W"].any()


def test_copies_and_shared_nodes_start_as_the_first_says(built):
    network = built("out: {block: linear, units: 2}\nmore: {block: linear, units: 2, init: 0.5, repeat: 2}\n"
                    "same: {block: linear, units: 2, share: more/0}")  # fmt: skip
    assert set(network.params["more/0.W"].flat) == set(network.params["more/1.W"].flat) == {0.5}
    assert "same.W" not in network.params


@pytest.mark.parametrize(
    ("said", "frozen"),
    [
        ("freeze: true", {"out/fc.W", "out/fc.b", "out/norm.gamma", "out/norm.beta", "out/norm.mean", "out/norm.var",
                          "out/out.W", "out/out.b"}),
        ("freeze: fc.W", {"out/fc.W"}),
        ('freeze: ["fc.*", "*.mean"]', {"out/fc.W", "out/fc.b", "out/norm.mean"}),
        ("freeze: false", set()),
    ],
)  # fmt: skip
def test_freeze_names_parameters_and_state_or_all_inside(built, said, frozen):
    network = built(f"out: {{use: tower, {said}}}")
    assert network.frozen == frozen


def test_what_is_frozen_is_neither_trained_nor_differentiated_and_state_is_held(built, monkeypatch):
    network = built("norm: {block: batch_norm, freeze: true}\nfc: {block: linear, units: 4, freeze: W}\n"
                    "out: {block: linear, units: 2}")  # fmt: skip
    before = {name: array.copy() for name, array in {**network.params, **network.state}.items()}
    asked = []
    monkeypatch.setattr("blockrun.plugins.training.loop.differentiator",
                        lambda net, wrt, *more: asked.append(wrt) or differentiator(net, wrt, *more))  # fmt: skip
    trainer = Trainer(network)
    list(trainer.walk())
    after = {**network.params, **network.state}
    same = {name for name in before if np.array_equal(before[name], after[name])}
    assert same == network.frozen == {"norm.gamma", "norm.beta", "norm.mean", "norm.var", "fc.W"}
    assert asked == [("fc.b", "out.W", "out.b")]
    assert "fc.W" not in trainer.slots
    assert set(network.gradients({"features": np.ones((2, 3)), "label": np.ones((2, 2))})) == set(asked[0])


def test_a_group_may_thaw_what_a_node_has_frozen(built):
    network = built("out: {block: linear, units: 2, freeze: true}",
                    'train.optimizer={name: sgd, groups: [{match: "*.b", freeze: false}]}')  # fmt: skip
    assert Trainer(network).wrt == ("out.b",)


def test_the_summary_says_what_is_frozen(built):
    network = built("fc: {block: linear, units: 4, freeze: W}\nout: {block: linear, units: 2, freeze: true}")
    text = network.summary()
    assert " 16 (12 frozen) " in text.splitlines()[1]
    assert " 10 frozen " in text.splitlines()[2]
    assert "26 parameters (22 frozen), " in text


def test_the_resolved_file_keeps_what_was_said(built):
    network = built("out: {use: tower, freeze: fc.W, init: {fc.b: 1}}")
    assert network.resolved["net"]["out/fc"]["freeze"] == ["W"]
    assert network.resolved["net"]["out/fc"]["init"] == {"b": 1}
    assert network.resolved["net"]["out/out"]["init"] == {"b": 0.5}


def test_everything_frozen_is_an_error_only_when_trained(built):
    network = built("out: {block: linear, units: 2, freeze: true}")
    with pytest.raises(Exception, match="every parameter is frozen"):
        Trainer(network)


def test_an_initialiser_that_a_block_itself_asks_for_wrongly_is_the_fault_of_the_block(tmp_path):
    block = """
        from blockrun.core import Block, Param

        class Odd(Block):
            def params(self, x):
                return {"b": Param((3,), init="identity")}

            def forward(self, ctx, x, *, b):
                return x + b, None
        """
    (tmp_path / "odd.py").write_text(textwrap.dedent(block))
    (tmp_path / "net.yaml").write_text("blockrun: 1\nplugins: {local: [odd.py]}\ninputs: {x: [3]}\nnet:\n  a: odd\n")
    with pytest.raises(ConfigError) as caught:
        load(tmp_path / "net.yaml", host=HOST)
    assert [error.code for error in caught.value.diagnostics] == ["E043"]
