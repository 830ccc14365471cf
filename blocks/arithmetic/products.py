"""Sums of products: one index or several run through all inputs at once and are summed away."""

import re
import string

import numpy as np

from blockrun.core import Block
from blockrun.core.options import OptionError
from blockrun.core.shapes import show_shape

TERM = re.compile(r"[A-Za-z]*(\.\.\.)?[A-Za-z]*")


class Dot(Block):
    """y = Σₖ aₖ bₖ, the inner product over the last axis.      a (..., K), b (..., K) → y (...)

    ∂J/∂a = δ_y b,   ∂J/∂b = δ_y a.      (Griewank and Walther 2008, ch. 3)
    """

    shapes = "a (..., K), b (..., K) -> y (...)"
    batchwise = True
    formula = "sum(a * b, -1)"
    gradients = {"a": "dy[..., None] * b", "b": "dy[..., None] * a"}

    def forward(self, ctx, a, b):
        return (a * b).sum(axis=-1), (a, b)

    def backward(self, ctx, saved, dy):
        a, b = saved
        share = dy[..., None]
        return share * b if ctx.needs.a else None, share * a if ctx.needs.b else None

    @classmethod
    def examples(cls, rng):
        yield cls(), (rng.standard_normal((4, 3)), rng.standard_normal((4, 3)))
        yield cls(), (rng.standard_normal((4, 2, 3)), rng.standard_normal((4, 2, 3)))
        yield cls(), (rng.standard_normal(3), rng.standard_normal(3))


class Einsum(Block):
    """y = Σ x₁ x₂ …, where a letter of `equation` stands for an index: "nij,njk->nik" is yₙᵢₖ = Σⱼ x₁ₙᵢⱼ x₂ₙⱼₖ.

    xs with an axis for each letter → y. What the result leaves out is summed over; an index is as long in all inputs,
    and `...` stands for the same further axes wherever it stands.
    ∂J/∂xᵢ = the same sum with δ_y in the place of xᵢ; along an index that only xᵢ has it stays the same.
    (Laue et al. 2018, Computing Higher Order Derivatives of Matrix and Tensor Expressions)
    """

    equation: str
    formula = "einsum(equation, *xs)"

    @property
    def batchwise(self):
        """Whether axis 0 is one index of all inputs, and of the result too unless that is a sum over everything."""
        operands, result = self._terms()
        first = operands[0][:1]
        return first.isalpha() and all(term[:1] == first for term in operands) and result[:1] in (first, "")

    def validate(self):
        fault = _fault(self.equation.replace(" ", ""))
        if fault:
            raise OptionError("equation", f'`equation` is "{self.equation}"; {fault}, as in "nij,njk->nik"')

    def forward(self, ctx, *xs):
        _check_axes(self.equation, self._terms()[0], xs)
        operands, result = self._explicit(xs)
        _check_sizes(self.equation, operands, xs)
        return _einsum(operands, result, xs), xs

    def backward(self, ctx, saved, dy):
        xs = saved
        operands, result = self._explicit(xs)
        return tuple(_gradient(operands, result, xs, i, dy) if need else None for i, need in enumerate(ctx.needs.xs))

    def _terms(self):
        """The letters of each input, and those of the result."""
        left, _, result = self.equation.replace(" ", "").partition("->")
        return left.split(","), result

    def _explicit(self, xs):
        """The same with letters that are not in use for the axes that `...` stands for."""
        operands, result = self._terms()
        further = next((x.ndim - len(term) + 3 for term, x in zip(operands, xs, strict=True) if "..." in term), 0)
        letters = "".join([letter for letter in string.ascii_letters if letter not in self.equation][:further])
        return [term.replace("...", letters) for term in operands], result.replace("...", letters)

    @classmethod
    def examples(cls, rng):
        n, i, j, k = 4, 2, 3, 5
        yield cls(equation="nij,njk->nik"), (rng.standard_normal((n, i, j)), rng.standard_normal((n, j, k)))
        yield cls(equation="nij, jk -> kin"), (rng.standard_normal((n, i, j)), rng.standard_normal((j, k)))
        three = (rng.standard_normal((n, i)), rng.standard_normal((i, j)), rng.standard_normal((n, j)))
        yield cls(equation="nI,IJ,nJ->n"), three
        yield cls(equation="nij->nj"), (rng.standard_normal((n, i, j)),)
        yield cls(equation="nij,nk->n"), (rng.standard_normal((n, i, j)), rng.standard_normal((n, k)))
        yield cls(equation="ni,ni->"), (rng.standard_normal((n, i)), rng.standard_normal((n, i)))
        yield cls(equation="ab,c...b,...->...a"), (
            rng.standard_normal((k, j)), rng.standard_normal((i, n, 1, j)), rng.standard_normal((n, 1)),
        )  # fmt: skip


def _fault(equation):
    """What is wrong with an equation, in words; "" if nothing is."""
    left, arrow, result = equation.partition("->")
    terms = [*left.split(","), result]
    repeated = next((term for term in terms if any(term.count(letter) > 1 for letter in term if letter != ".")), None)
    unknown = [letter for letter in result if letter not in left]
    if not arrow:
        return "it must say after `->` what is left"
    if not all(TERM.fullmatch(term) for term in terms):
        return "it must be letters, one for each axis, with a comma between inputs and at most one `...` in each"
    if repeated is not None:
        return f"`{repeated}` has an index twice, and each must be there once"
    if unknown:
        return f"the result has `{unknown[0]}`, which no input has, and each index must come from an input"
    return "inputs have `...`, and the result must have it too" if "..." in left and "..." not in result else ""


def _check_axes(equation, terms, xs):
    """Raise `ValueError` unless there are as many inputs, and as many axes of each, as the equation says."""
    if len(terms) != len(xs):
        raise ValueError(f'einsum has {len(xs)} inputs; "{equation}" is for {len(terms)}')
    ranks = {}
    for number, (term, x) in enumerate(zip(terms, xs, strict=True), 1):
        further = x.ndim - len(term.replace("...", ""))
        if further < 0 or ("..." not in term and further):
            wanted = f"{len(term.replace('...', ''))} axes{' or more' * ('...' in term)}"
            raise ValueError(f"input {number} has shape {show_shape(x.shape)}; `{term}` is for {wanted}")
        if "..." in term and ranks.setdefault("...", further) != further:
            fact = f"`...` is {further} axes of input {number}, {show_shape(x.shape)}, and {ranks['...']} of another"
            raise ValueError(f"{fact}; it must be the same axes everywhere")


def _check_sizes(equation, operands, xs):
    """Raise `ValueError` unless every index is as long in all inputs that have it."""
    known = {}
    for number, (letters, x) in enumerate(zip(operands, xs, strict=True), 1):
        for letter, size in zip(letters, x.shape, strict=True):
            other, where = known.setdefault(letter, (size, number))
            if size != other:
                index = f"index `{letter}`" if letter in equation else "an axis of `...`"
                shapes = [f"input {i}, {show_shape(xs[i - 1].shape)}" for i in (where, number)]
                raise ValueError(f"{index} is {other} in {shapes[0]}, and {size} in {shapes[1]}; it must be the same")


def _einsum(operands, result, xs):
    return np.einsum(f"{','.join(operands)}->{result}", *xs, optimize=True)


def _gradient(operands, result, xs, i, dy):
    """The sum of products with dy for xᵢ, repeated along the indices that nothing else has."""
    own, others = operands[i], [result, *operands[:i], *operands[i + 1 :]]
    shared = [any(letter in term for term in others) for letter in own]
    kept = "".join(letter for letter, there in zip(own, shared, strict=True) if there)
    dx = _einsum(others, kept, (dy, *xs[:i], *xs[i + 1 :]))
    return np.broadcast_to(dx[tuple(slice(None) if there else None for there in shared)], xs[i].shape)
