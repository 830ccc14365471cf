"""Matrix products against numbers worked by hand and against `einsum`, which sums index by index."""

import numpy as np
import pytest

from blockrun.blocks.linear.products import Bilinear, Linear, Matmul


def test_linear_worked_by_hand(run):
    """Kamper 2022, eqs 22 to 26: z = a Wᵀ + b, da = dz W, dW = dzᵀ a, db = the column sums of dz."""
    a, W, b = np.array([[1.0, 2], [3, 4]]), np.array([[1.0, 0], [2, 1], [0, -1]]), np.array([10.0, 20, 30])
    z, gradients = run(Linear(units=3), a, W=W, b=b, dy=np.array([[1.0, 0, 2], [0, 1, 0]]))
    assert z.tolist() == [[11, 24, 28], [13, 30, 26]]
    assert gradients["a"].tolist() == [[1, -2], [2, 1]]
    assert gradients["W"].tolist() == [[1, 2], [3, 4], [2, 4]]
    assert gradients["b"].tolist() == [1, 1, 2]


@pytest.mark.parametrize("shape", [(3,), (0, 3), (4, 3), (4, 2, 3), (2, 0, 5, 3)])
def test_linear_maps_the_last_axis_whatever_comes_before_it(run, shape):
    rng = np.random.default_rng(0)
    a, W, dz = rng.standard_normal(shape), rng.standard_normal((5, 3)), rng.standard_normal((*shape[:-1], 5))
    z, gradients = run(Linear(units=5, bias=False), a, W=W, dy=dz)
    lead = list(range(a.ndim - 1))
    np.testing.assert_allclose(z, np.einsum("...k,dk->...d", a, W), rtol=1e-12)
    np.testing.assert_allclose(gradients["a"], np.einsum("...d,dk->...k", dz, W), rtol=1e-12)
    np.testing.assert_allclose(gradients["W"], np.tensordot(dz, a, (lead, lead)), rtol=1e-12, atol=1e-12)


def test_linear_without_bias_asks_for_no_bias(run):
    _, gradients = run(Linear(units=2, bias=False), np.ones((4, 3)), W=np.ones((2, 3)), dy=np.ones((4, 2)))
    assert set(gradients) == {"a", "W"}


def test_matmul_worked_by_hand(run):
    """Kamper 2022, eqs 25 and 26: for C = A Bᵀ, dA = dC B and dB = dCᵀ A."""
    A, B = np.array([[1.0, 2]]), np.array([[3.0, 4], [5, 6], [7, 8]])
    C, gradients = run(Matmul(), A, B, dy=np.array([[1.0, 0, -1]]))
    assert C.tolist() == [[11, 17, 23]]
    assert gradients["A"].tolist() == [[-4, -4]]
    assert gradients["B"].tolist() == [[1, 2], [0, 0], [-1, -2]]


MATMULS = [  # shapes of A and B, and the letters of their axes of more than 1 and of those of C
    ((4, 3), (5, 3), "mk", "nk", "mn"),
    ((0, 3), (5, 3), "mk", "nk", "mn"),
    ((2, 4, 3), (2, 5, 3), "imk", "ink", "imn"),
    ((4, 3), (2, 5, 3), "mk", "ink", "imn"),
    ((2, 1, 4, 3), (6, 5, 3), "imk", "jnk", "ijmn"),
]


@pytest.mark.parametrize(("a", "b", "A_axes", "B_axes", "C_axes"), MATMULS)
@pytest.mark.parametrize("transpose", [True, False])
def test_matmul_broadcasts_leading_axes_and_sums_their_gradients_back(run, a, b, A_axes, B_axes, C_axes, transpose):
    rng = np.random.default_rng(0)
    A, B = (rng.standard_normal([size for size in shape if size != 1]) for shape in (a, b))
    C = np.einsum(f"{A_axes},{B_axes}->{C_axes}", A, B)
    dC = rng.standard_normal(C.shape)
    given = B if transpose else B.swapaxes(-1, -2)
    found, gradients = run(Matmul(transpose=transpose), A.reshape(a), given, dy=dC)
    dB = gradients["B"] if transpose else gradients["B"].swapaxes(-1, -2)
    np.testing.assert_allclose(found, C, rtol=1e-12)
    dA = np.einsum(f"{C_axes},{B_axes}->{A_axes}", dC, B)
    np.testing.assert_allclose(gradients["A"], dA.reshape(a), rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(dB, np.einsum(f"{C_axes},{A_axes}->{B_axes}", dC, A), rtol=1e-12, atol=1e-12)


def test_matmul_names_both_sizes_when_they_do_not_fit(run):
    with pytest.raises(ValueError, match=r"last axis of A \(3\) must be as long as the last axis of B \(4\)"):
        run(Matmul(), np.ones((2, 3)), np.ones((5, 4)))
    with pytest.raises(ValueError, match=r"last axis of A \(3\) must be as long as the last but one axis of B \(5\)"):
        run(Matmul(transpose=False), np.ones((2, 3)), np.ones((5, 4)))
    with pytest.raises(ValueError, match="at least 2 axes"):
        run(Matmul(), np.ones(3), np.ones((5, 3)))


def test_bilinear_worked_by_hand(run):
    """z = Σ aₖ Wₖₗ cₗ + b with a = (1, 2) and c = (3, 4, 5), whose products are (3, 4, 5; 6, 8, 10)."""
    a, c, W = np.array([[1.0, 2]]), np.array([[3.0, 4, 5]]), np.array([[[1.0, 0, 0], [0, 1, -1]]])
    z, gradients = run(Bilinear(units=1), a, c, W=W, b=[100.0], dy=np.array([[10.0]]))
    assert z.tolist() == [[100 + 3 + 8 - 10]]
    assert gradients["a"].tolist() == [[30, -10]]
    assert gradients["c"].tolist() == [[10, 20, -20]]
    assert gradients["W"].tolist() == [[[30, 40, 50], [60, 80, 100]]]
    assert gradients["b"].tolist() == [10]


@pytest.mark.parametrize("lead", [(), (0,), (4,), (2, 0, 3)])
def test_bilinear_maps_the_last_axes_whatever_comes_before_them(run, lead):
    rng = np.random.default_rng(0)
    a, c, W = rng.standard_normal((*lead, 3)), rng.standard_normal((*lead, 2)), rng.standard_normal((5, 3, 2))
    z, gradients = run(Bilinear(units=5, bias=False), a, c, W=W, dy=np.ones((*lead, 5)))
    np.testing.assert_allclose(z, np.einsum("...k,dkl,...l->...d", a, W, c), rtol=1e-12)
    assert [g.shape for g in gradients.values()] == [a.shape, c.shape, W.shape]


def test_bilinear_needs_as_many_rows_of_both(run):
    with pytest.raises(ValueError, match=r"`c` has shape \(5, 2\); bilinear wants c \(\.\.\., L\)"):
        run(Bilinear(units=1), np.ones((4, 3)), np.ones((5, 2)))
