"""`blockrun trace`: the listing is a program that computes what it says, and says what the executor computed."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from blockrun.plugins.commands.main import main
from blockrun.plugins.network.build import load
from blockrun.plugins.network.draw import draw_inputs
from blockrun.plugins.reports.trace import perturb, trace
from blockrun.plugins.testing.declared import functions

CONFIGS = Path(__file__).resolve().parents[3] / "configs"
SCALAR = str(CONFIGS / "kamper_scalar.yaml")

LISTING = """\
x = 3
y = -4

a = 1 / (1 + exp(-y))   # (1)   0.01798621
b = x + a               # (2)   3.01798621
c = x ** 2              # (3)   9
d = c + y               # (4)   5
e = 1 / d               # (5)   0.2
f = b * e               # (6)   0.603597242

delta_f = 1                                  1
delta_b = delta_f * e                # (6)   0.2
delta_e = delta_f * b                # (6)   3.01798621
delta_d = delta_e * (-1 / d ** 2)    # (5)   -0.120719448
delta_c = delta_d                    # (4)   -0.120719448
delta_y = delta_d                    # (4)   -0.120719448
delta_x = delta_c * (2 * x)          # (3)   -0.72431669
delta_x += delta_b                   # (2)   -0.52431669
delta_a = delta_b                    # (2)   0.2
delta_y += delta_a * ((1 - a) * a)   # (1)   -0.117186907
"""

PERTURBED = """
variable   before        after         moved by
x          3             3.001         0.001
a          0.01798621    0.01798621    0
b          3.01798621    3.01898621    0.001
c          9             9.006001      0.006001
d          5             5.006001      0.006001
e          0.2           0.199760248   -0.000239752249
f          0.603597242   0.603073433   -0.000523808735

delta_x * 0.001 = -0.00052431669    # what the gradient says
f moved by        -0.000523808735   # what happened
"""


def run(*arguments, code=0):
    """What `blockrun trace` prints: standard output, or standard error if it is to fail with `code`."""
    result = CliRunner().invoke(main, ["trace", *map(str, arguments)])
    assert result.exit_code == code, result.output
    return result.stdout if code == 0 else result.stderr


def traced(tmp_path, net, inputs="{x: [3]}"):
    """The trace of a network given by its `inputs` and `net` sections."""
    file = tmp_path / "net.yaml"
    file.write_text(f"blockrun: 1\ninputs: {inputs}\nnet:\n{net}")
    network = load(file, "run.dtype=float64")
    return trace(network, draw_inputs(network))


def code(lines, variable):
    return [line.code for line in lines if line.variable == variable]


def execute(found):
    """Run the listing as Python, with dots in names written as underscores; returns the variables."""
    known = functions() | {
        name.replace(".", "_"): np.asarray(x) for name, x in (found.inputs | found.parameters).items()
    }
    for line in (*found.forward, *found.backward):
        exec(re.sub(r"\b(\w+)\.([Wb])\b", r"\1_\2", line.code), known)
        accumulator = line.code.split(" ")[0].replace(".", "_")
        np.testing.assert_allclose(known[accumulator], line.value, rtol=1e-13, atol=1e-15, err_msg=line.code)
    return known


def test_the_scalar_example_prints_as_the_note_lists_it():
    """Kamper 2022, section 3: the six operations, then every accumulator in exactly the reverse order."""
    assert run(SCALAR) == LISTING


def test_the_thought_experiment_shows_what_moved_beside_what_the_gradient_says():
    """Section 3.1: f(3.001, -4) - f(3, -4), each computed with NumPy alone, is the last number."""
    assert run(SCALAR, "--perturb", "x=1e-3") == LISTING + PERTURBED
    f = lambda x, y: (x + 1 / (1 + np.exp(-y))) / (x**2 + y)  # noqa: E731
    assert f"{f(3.001, -4) - f(3, -4):.9g}" in PERTURBED.splitlines()[-1]


def test_the_page_about_the_note_shows_what_is_printed():
    page = (CONFIGS.parent / "docs" / "kamper.md").read_text()
    assert LISTING in page
    assert PERTURBED in page
    tests = (CONFIGS.parent / "tests" / "test_kamper.py").read_text() + Path(__file__).read_text()
    named = re.findall(r"`(test_\w+)`", page)
    assert named
    assert [name for name in named if f"def {name}(" not in tests] == []


def test_json_holds_the_same_lines_as_data():
    found = json.loads(run(SCALAR, "--json", "--perturb", "y=-0.5"))
    assert found["inputs"] == {"x": 3.0, "y": -4.0}
    assert [line["code"] for line in found["forward"]] == [s.split("   ")[0].strip() for s in LISTING.splitlines()[3:9]]
    assert [line["operation"] for line in found["backward"]] == [0, 6, 6, 5, 4, 4, 3, 2, 2, 1]
    assert [line["variable"] for line in found["backward"]] == list("fbedcyxxay")
    assert found["gradients"]["y"] == found["backward"][-1]["value"] == pytest.approx(-0.1171869, abs=5e-8)
    moved = found["perturbation"]
    assert moved["changes"]["c"] == 0.0
    assert moved["changes"]["d"] == -0.5
    assert moved["predicted"] == -0.5 * found["gradients"]["y"]
    assert moved["moved"] == moved["changes"]["f"]


@pytest.mark.parametrize("config", ["kamper_scalar", "kamper_fork", "kamper_shared", "kamper_matmul", "kamper_mlp4"])
def test_the_listing_runs_as_python_and_gives_the_gradients(config):
    network = load(CONFIGS / f"{config}.yaml", "run.dtype=float64")
    feed = draw_inputs(network, examples=3)
    found = trace(network, feed)
    variables = execute(found)
    expected = network.gradients(feed, wrt=found.gradients)
    for name, gradient in expected.items():
        np.testing.assert_allclose(variables[f"delta_{name.replace('.', '_')}"], gradient, rtol=1e-13, atol=1e-15)


def test_a_layer_is_listed_with_its_parameters_and_the_sum_over_examples(tmp_path):
    found = traced(
        tmp_path, "  z: {block: linear, units: 2}\n  J: {block: sum_of_squares, in: [z, t]}", "{x: [3], t: [2]}"
    )
    assert [line.code for line in found.forward] == ["z = x @ z.W.T + z.b", "J = sum((z - t) ** 2)"]
    assert code(found.backward, "z.W") == ["delta_z.W = delta_z.mT @ x"]
    assert code(found.backward, "z.b") == ["delta_z.b = sum(delta_z, axis=0)"]


def test_a_sum_over_broadcast_axes_is_written_out(tmp_path):
    """x (2, 3) is added to one number and to a column: both gradients are sums, and the listing runs."""
    net = "  u: {block: add, in: [x, s, c]}\n  J: {block: sum_of_squares, in: [u, x]}"
    found = traced(tmp_path, net, "{x: {value: [[1, 2, 3], [4, 5, 6]]}, s: {value: 2}, c: {value: [[1], [2]]}}")
    assert code(found.backward, "s") == ["delta_s = sum(delta_u, axis=(0, 1))"]
    assert code(found.backward, "c") == ["delta_c = sum(delta_u, axis=1, keepdims=True)"]
    execute(found)


def test_a_product_names_the_other_factors(tmp_path):
    """x is a factor twice, so its accumulator is written twice; the options of a block appear as their values."""
    net = "  p: {block: power, in: x, exponent: 3}\n  f: {block: multiply, in: [x, p, x]}"
    found = traced(tmp_path, net, "{x: {value: 2.0}}")
    assert found.forward[0].code == "p = x ** 3.0"
    assert code(found.backward, "x")[:2] == ["delta_x = delta_f * (p * x)", "delta_x += delta_f * (x * p)"]
    assert found.gradients["x"] == 5 * 2.0**4  # the derivative of x⁵


def test_a_block_without_a_formula_is_listed_as_a_call(tmp_path):
    net = "  c: {block: conv2d, channels: 2, kernel: 3}\n  f: flatten\n  J: {block: softmax_cross_entropy, in: [f, t]}"
    found = traced(tmp_path, net, "{x: [3, 3, 1], t: {shape: [], dtype: int64}}")
    assert found.forward[0].code == "c = conv2d(x, c.W, c.b)"
    assert code(found.backward, "c.W") == ["delta_c.W = conv2d.backward(delta_c)[W]"]
    assert "t" in found.inputs
    assert "t" not in found.gradients  # labels are whole numbers


def test_updates_of_state_stay_out_of_the_listing(tmp_path):
    found = traced(tmp_path, "  n: batch_norm\n  J: {block: sum_of_squares, in: [n, x]}")
    assert found.forward[0].code == "n = batch_norm(x, n.gamma, n.beta, n.mean, n.var)"
    assert list(found.parameters) == ["n.gamma", "n.beta"]


def test_a_formula_that_holds_for_batches_only_does_not_stop_a_vector(tmp_path):
    """`dy.mT` needs two axes; a single vector has one, and the gradient is that of the batch of one."""
    net = "  z: {block: linear, units: 2}\n  J: {block: sum_of_squares, in: [z, t]}"
    one = traced(tmp_path, net, "{x: {value: [1.0, 2.0, 3.0]}, t: {value: [0.0, 0.0]}}")
    batch = traced(tmp_path, net, "{x: {value: [[1.0, 2.0, 3.0]]}, t: {value: [[0.0, 0.0]]}}")
    np.testing.assert_allclose(one.gradients["z.W"], batch.gradients["z.W"], rtol=1e-13)


def test_random_blocks_draw_the_same_when_perturbed():
    """A perturbation must show the effect of the change alone, so dropout must drop the same entries again."""
    network = load(CONFIGS / "digits.yaml", "run.dtype=float64")
    moved = perturb(network, draw_inputs(network), "logits.b", 1e-3)
    assert moved.moved == pytest.approx(moved.predicted, abs=1e-12)  # cross entropy ignores a shift of all logits
    assert moved.changes[0].moved == pytest.approx(np.full(10, 1e-3))


def test_an_array_is_perturbed_in_every_entry():
    """Σ δ · Δ beside the change of the objective, which a first-order term leaves within O(Δ²)."""
    output = run(CONFIGS / "kamper_mlp2.yaml", "--perturb", "z1.W=1e-4", "--seed", 3)
    says = re.search(r"^sum\(delta_z1.W\) \* 0.0001 = *(\S+)", output, re.M)
    happened = re.search(r"^J moved by *(\S+)", output, re.M)
    assert float(happened[1]) == pytest.approx(float(says[1]), rel=1e-3)


@pytest.mark.parametrize(
    ("asked", "fact", "help"),
    [
        ("z=1", "`z` cannot be perturbed", "known: x, y"),
        ("f=1", "`f` cannot be perturbed", "known: x, y"),
        ("X=1", "`X` cannot be perturbed", "did you mean `x`?"),
        ("x", "it does not say by how much", "--perturb x=1e-3"),
        ("x=much", "`much` is not a number", "--perturb x=1e-3"),
        ("y=inf", "`inf` is not a number", "--perturb y=1e-3"),
    ],
)
def test_what_cannot_be_perturbed_is_said_in_a_line(asked, fact, help):
    message = run(SCALAR, "--perturb", asked, code=2)
    assert message.startswith(f"error: --perturb {asked}: {fact}\n")
    assert help in message


def test_a_network_without_a_scalar_to_differentiate_is_refused(tmp_path):
    file = tmp_path / "net.yaml"
    file.write_text("blockrun: 1\ninputs: {x: [3]}\nnet:\n  z: {block: linear, units: 2}\n")
    message = run(file, code=2)
    assert "`z` has shape (N, 2); only a scalar can be differentiated" in message
    assert "sum_of_squares" in message


def test_the_weights_of_several_objectives_start_their_accumulators(tmp_path):
    file = tmp_path / "net.yaml"
    file.write_text(
        "blockrun: 1\ninputs: {x: {value: 3.0}}\nnet:\n  a: {block: square, in: x}\n  b: {block: negate, in: x}\n"
        "train: {minimize: {a: 1, b: 0.5}, steps: 1, optimizer: sgd}\n"
    )
    network = load(file, "run.dtype=float64")
    found = trace(network, {})
    assert [line.code for line in found.backward[:2]] == ["delta_a = 1", "delta_b = 0.5"]
    assert found.gradients["x"] == 2 * 3.0 - 0.5
    assert perturb(network, {}, "x", 0.25).objective == "the objective"
