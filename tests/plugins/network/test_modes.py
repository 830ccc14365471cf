"""`when: train` and `when: eval`: two graphs over one set of parameters, each used where it belongs."""

import textwrap

import numpy as np
import pytest

from blockrun.plugins.host import load_host
from blockrun.plugins.network import load
from blockrun.plugins.network.diagnostics import ConfigError
from blockrun.plugins.testing.network import check_network
from blockrun.plugins.training.evaluation import evaluate
from blockrun.plugins.training.loop import Trainer

HOST = load_host(entry_points=False)
HEAD = "blockrun: 1\ninputs: {features: [3], label: [2]}\n"
TAIL = """\
metrics: {error: {block: sum_of_squares, in: [out, label]}}
data: {train: {source: csv, path: table.csv, batch: 4, fields: {features: [a, b, c], label: [d, e]}}}
"""
NODES = """
    noise: {block: gaussian_noise, std: 100, when: train}
    fc: {block: linear, units: 4}
    double: {block: add, in: [fc, fc], when: eval}
    out: {block: linear, units: 2}
    aux: {block: linear, units: 2, in: fc, when: train}
    aux_loss: {block: sum_of_squares, in: [aux, label], when: train}
    loss: {block: sum_of_squares, in: [out, label]}
"""
TRAIN = "train: {epochs: 2, optimizer: {name: sgd, lr: 1e-9}, minimize: {loss: 1, aux_loss: 0.5}}\n"


@pytest.fixture
def built(tmp_path):
    rows = np.random.default_rng(0).standard_normal((8, 5))
    (tmp_path / "table.csv").write_text("a,b,c,d,e\n" + "".join(",".join(map(str, row)) + "\n" for row in rows))

    def build(nodes=NODES, train=TRAIN, *overrides):
        net = textwrap.indent(textwrap.dedent(nodes).strip(), "  ")
        (tmp_path / "net.yaml").write_text(f"{HEAD}net:\n{net}\n{TAIL}{train}")
        return load(tmp_path / "net.yaml", "run.dtype=float64", *overrides, host=HOST)

    return build


def reads(graph):
    return {node.name: node.inputs for node in graph.nodes}


def test_each_mode_has_its_own_nodes_and_the_rest_is_wired_around_them(built):
    network = built()
    training, evaluation = (reads(network.mode(mode).assembly.graph) for mode in (True, False))
    assert training["fc"] == ("noise",)
    assert training["out"] == ("fc",)
    assert "double" not in training
    assert evaluation["fc"] == ("features",)
    assert evaluation["out"] == ("double",)
    assert not {"noise", "aux", "aux_loss"} & set(evaluation)
    assert set(network.params) == {f"{node}.{part}" for node in ("fc", "out", "aux") for part in "Wb"}


def test_parameters_of_evaluation_only_exist_and_are_not_trained(built):
    network = built("fc: {block: linear, units: 2}\nout: {block: linear, units: 2, when: eval}\n"
                    "loss: {block: sum_of_squares, in: [fc, label]}",
                    "train: {epochs: 1, optimizer: sgd}\n")  # fmt: skip
    before = network.params["out.W"].copy()
    assert network.forward({"features": np.ones((1, 3))}, keep=["out"])["out"].shape == (1, 2)
    list(Trainer(network).walk())
    assert np.array_equal(network.params["out.W"], before)


def test_forward_is_of_the_mode_that_is_asked_for(built):
    network = built()
    x = np.ones((2, 3))
    fc = x @ network.params["fc.W"].T + network.params["fc.b"]
    found = network.forward({"features": x}, keep=["double", "out"])
    np.testing.assert_allclose(found["double"], 2 * fc, rtol=1e-12)
    assert abs(network.forward({"features": x}, keep=["fc"], training=True)["fc"] - fc).max() > 1  # with the noise


def test_what_is_minimised_in_one_mode_only_is_measured_there_only(built):
    network = built()
    assert network.objective == {"loss": 1.0, "aux_loss": 0.5}
    assert network.mode(training=False).objective == {"loss": 1.0}
    trainer = Trainer(network)
    list(trainer.walk())
    assert set(trainer.means()) == {"loss", "aux_loss", "objective"}
    measured = evaluate(network, network.sections.data["train"])
    assert set(measured) == {"loss", "error"}
    x = network.sections.data["train"].source.read(np.arange(8))
    fc = x["features"] @ network.params["fc.W"].T + network.params["fc.b"]
    out = 2 * fc @ network.params["out.W"].T + network.params["out.b"]
    assert measured["error"] == pytest.approx(((out - x["label"]) ** 2).sum(), rel=1e-5)


def test_a_run_with_both_modes_trains_is_resumed_and_measured(built, tmp_path):
    network = built(NODES, TRAIN, f"run.dir={tmp_path / 'runs'}")
    run = network.fit()
    assert set(run.results) == {"loss", "error"}


def test_the_gradients_of_both_modes_are_checked(built):
    nodes = NODES.replace("std: 100", "std: 0.1")
    assert check_network(built(nodes)).ok


def test_templates_and_repetitions_may_be_for_one_mode(built):
    network = built("""
        a: {block: linear, units: 3, repeat: 2, when: eval}
        b: {block: dropout, repeat: 2, when: train, in: a}
        out: {block: linear, units: 2}
        loss: {block: sum_of_squares, in: [out, label]}
    """, "train: {epochs: 1, optimizer: sgd}\n")  # fmt: skip
    assert list(reads(network.graph)) == ["b/0", "b/1", "out", "loss", "error"]
    assert list(reads(network.mode(training=False).assembly.graph)) == ["a/0", "a/1", "out", "loss", "error"]


def test_the_resolved_file_has_the_nodes_of_both_modes(built):
    net = built().resolved["net"]
    assert list(net) == ["noise", "fc", "double", "out", "aux", "aux_loss", "loss"]
    assert (net["noise"]["when"], net["double"]["when"]) == ("train", "eval")
    assert (net["fc"]["in"], net["out"]["in"]) == ("noise", "double")


def test_without_modes_there_is_one_graph(built):
    network = built("out: {block: linear, units: 2}\nloss: {block: sum_of_squares, in: [out, label]}",
                    "train: {epochs: 1, optimizer: sgd}\n")  # fmt: skip
    assert network.evaluation is None
    assert network.mode(training=False).assembly is network.assembly


def test_a_parameter_of_two_shapes_is_refused(built):
    with pytest.raises(ConfigError) as caught:
        built("""
            wide: {block: linear, units: 5, when: train}
            out: {block: linear, units: 2}
            loss: {block: sum_of_squares, in: [out, label]}
        """)
    (found,) = [error for error in caught.value.diagnostics if error.code == "E033"]
    assert found.message == "`out.W` is (2, 5) in training and (2, 3) in evaluation"


def test_one_mistake_is_said_once_though_the_file_is_read_in_three_ways(built):
    with pytest.raises(ConfigError) as caught:
        built("""
            a: {block: relu, when: train}
            b: {block: linear, unit: 3}
            c: {block: relu, in: bb}
            out: {block: linear, units: 2, in: a}
            loss: {block: add, in: [label, features]}
        """, "")  # fmt: skip
    assert [error.code for error in caught.value.diagnostics] == ["E012", "E030", "E040"]
