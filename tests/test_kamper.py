"""The systems of Herman Kamper, "Yet another introduction to backpropagation" (2022), with the note's own equations."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from blockrun.core import backward, forward
from blockrun.plugins.network.build import load

CONFIGS = Path(__file__).resolve().parents[1] / "configs"
F = {  # each f with its derivative, as functions of z
    "sigmoid": (lambda z: 1 / (1 + np.exp(-z)), lambda z: np.exp(-z) / (1 + np.exp(-z)) ** 2),
    "tanh": (np.tanh, lambda z: 1 / np.cosh(z) ** 2),
    "relu": (lambda z: np.where(z > 0, z, 0), lambda z: np.where(z > 0, 1.0, 0.0)),
}


def network_of(name, *overrides):
    return load(CONFIGS / f"kamper_{name}.yaml", "run.dtype=float64", *overrides)


def assert_equal(found, expected, name=""):
    """Equal to 1e-12 of the largest entry."""
    assert found.shape == expected.shape, name
    assert np.abs(found - expected).max() <= 1e-12 * np.abs(expected).max(), name


# Section 3


def test_the_scalar_example_has_the_value_and_the_gradients_that_theory_gives():
    """f = (x + σ(y)) / (x² + y) at (3, −4), by the quotient rule: with s = σ(y) and d = x² + y,
    ∂f/∂x = 1/d − 2x (x + s)/d² and ∂f/∂y = s (1 − s)/d − (x + s)/d²."""
    network = network_of("scalar")
    x, y = 3.0, -4.0
    s, d = 1 / (1 + np.exp(-y)), x**2 + y
    f = network.forward({}, keep=["f"])["f"]
    delta = network.gradients({}, wrt=["x", "y"])
    assert f == pytest.approx((x + s) / d, rel=1e-12)
    assert delta["x"] == pytest.approx(1 / d - 2 * x * (x + s) / d**2, rel=1e-12)
    assert delta["y"] == pytest.approx(s * (1 - s) / d - (x + s) / d**2, rel=1e-12)
    assert [round(float(v), 7) for v in (f, delta["x"], delta["y"])] == [0.6035972, -0.5243167, -0.1171869]


@pytest.mark.parametrize(("x", "y"), [(1.5, 2.0), (-0.5, 3.0)])
def test_the_scalar_example_holds_elsewhere_too(x, y):
    delta = network_of("scalar").gradients({"x": x, "y": y}, wrt=["x", "y"])
    s, d = 1 / (1 + np.exp(-y)), x**2 + y
    assert delta["x"] == pytest.approx(1 / d - 2 * x * (x + s) / d**2, rel=1e-12)
    assert delta["y"] == pytest.approx(s * (1 - s) / d - (x + s) / d**2, rel=1e-12)


# Section 4


def one_example(layers, params, f, df, x, y):
    """J and all gradients for one example by equations 21 to 24; x, y and everything between are columns."""
    a, z = {0: x}, {}
    for l in range(1, layers + 1):
        z[l] = params[f"z{l}.W"] @ a[l - 1] + params[f"z{l}.b"][:, None]
        a[l] = f(z[l])
    da = 2 * (a[layers] - y)
    found = {}
    for l in range(layers, 0, -1):
        dz = df(z[l]) * da  # 21: δ_z = f'(z) ∘ δ_a
        found |= {f"a{l}": da, f"z{l}": dz}
        found[f"z{l}.W"] = dz @ a[l - 1].T  # 22: δ_W = δ_z (aˡ⁻¹)ᵀ
        found[f"z{l}.b"] = dz[:, 0]  # 23: δ_b = δ_z
        da = params[f"z{l}.W"].T @ dz  # 24: δ_a of the layer below = Wᵀ δ_z
    return found | {"x": da, "J": np.sum((y - a[layers]) ** 2)}


def by_the_note(layers, params, activation, x, y):
    """As `one_example` for every row of a batch: parameters summed over the examples, columns laid down as rows."""
    each = [one_example(layers, params, *F[activation], x[n][:, None], y[n][:, None]) for n in range(len(x))]
    parts = {name: [found[name] for found in each] for name in each[0]}
    return {name: sum(p) if name in params or name == "J" else np.hstack(p).T for name, p in parts.items()}


@pytest.mark.parametrize("examples", [1, 5])
@pytest.mark.parametrize("activation", F)
@pytest.mark.parametrize("layers", [1, 2, 4])
def test_the_feedforward_network_has_the_gradients_of_equations_21_to_24(layers, activation, examples):
    network = network_of(f"mlp{layers}", f"vars.activation={activation}")
    rng = np.random.default_rng(6)  # a draw in which no layer of relus is off altogether
    network.params = {name: rng.standard_normal(array.shape) for name, array in network.params.items()}
    feed = {"x": rng.standard_normal((examples, 3)), "y": rng.standard_normal((examples, 2))}
    expected = by_the_note(layers, network.params, activation, feed["x"], feed["y"])
    J = expected.pop("J")
    assert network.forward(feed, keep=["J"])["J"] == pytest.approx(J, rel=1e-12)
    found = network.gradients(feed, wrt=expected)
    assert set(network.params) < set(expected)
    for name, gradient in expected.items():
        assert gradient.any(), f"this test says nothing about {name}"
        assert_equal(found[name], gradient, name)


# Section 5


def test_the_matrix_product_has_the_gradients_of_equations_25_and_26():
    """δ_A = δ_C B and δ_B = δ_Cᵀ A for any δ_C, here with three different sizes."""
    rng = np.random.default_rng(5)
    A, B, dC = (rng.standard_normal(shape) for shape in [(4, 3), (5, 3), (4, 5)])
    values, tape = forward(network_of("matmul").graph, {"A": A, "B": B}, keep=["C"], wrt=["A", "B"])
    found = backward(tape, {"C": dC}, ["A", "B"])
    assert_equal(values["C"], A @ B.T)
    assert_equal(found["A"], dC @ B)
    assert_equal(found["B"], dC.T @ A)


def test_the_matrix_product_of_the_file_has_the_gradients_worked_out_by_hand():
    """C = [7 −1; 16 −1], so with D = [6 0; 15 −3] δ_C = 2 (C − D) = [2 −2; 2 4]."""
    network = network_of("matmul")
    found = network.gradients({}, wrt=["C", "A", "B"])
    assert network.forward({}, keep=["J"])["J"] == 1 + 1 + 1 + 4
    assert found["C"].tolist() == [[2, -2], [2, 4]]
    assert found["A"].tolist() == [[2, -2, 6], [2, 4, 0]]
    assert found["B"].tolist() == [[10, 14, 18], [14, 16, 18]]


# The general chain rule


def test_a_weight_shared_by_two_layers_receives_the_sum_of_both():
    """By hand, for W = [1 2; 3 4], x = (1, −1), y = (1, −3): first = (−1, −1), second = (−3, −7), J = 16 + 16,
    δ_second = (−8, −8), δ_first = (−32, −48). The second layer sends δ_secondᵀ first = [8 8; 8 8],
    the first δ_firstᵀ x = [−32 32; −48 48]."""
    network = network_of("shared")
    assert list(network.params) == ["first.W"]
    network.params["first.W"] = np.array([[1.0, 2.0], [3.0, 4.0]])
    feed = {"x": [[1.0, -1.0]], "y": [[1.0, -3.0]]}
    assert network.forward(feed, keep=["J"])["J"] == 32
    found = network.gradients(feed, wrt=["first", "first.W", "x"])
    assert found["first"].tolist() == [[-32, -48]]
    assert found["first.W"].tolist() == [[8 - 32, 8 + 32], [8 - 48, 8 + 48]]
    assert found["x"].tolist() == [[-32 - 3 * 48, -2 * 32 - 4 * 48]]


def test_an_input_that_forks_three_ways_receives_the_sum_of_all():
    """By hand at x = 2: through x² · (−x), δ_a · 2x = −2 · 4 and δ_b · (−1) = 4 · (−1), and through 1/x, −1/4.
    In one: f = −x³ + 1/x and f' = −3x² − 1/x²."""
    network = network_of("fork")
    found = network.gradients({}, wrt=["x", "a", "b", "c"])
    assert (found["a"], found["b"], found["c"]) == (-2, 4, 1)
    assert found["x"] == -8 - 4 - 0.25 == -3 * 2**2 - 1 / 2**2
