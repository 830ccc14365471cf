"""Tables: vectors for symbols, classes and places, which a product with rows of 0 and 1 would look up."""

from typing import Annotated, Literal

import numpy as np
from annotated_types import Ge

from blockrun.core import Block, Param
from blockrun.core.options import OptionError

from .._scatter import add_rows, check_index

Count = Annotated[int, Ge(1)]
TABLE = {"name": "normal", "std": 0.02}  # of Radford et al. 2018: a row is no sum over inputs, so it has no fan


class Embedding(Block):
    """y = W[index], the row of W for each integer.      index (...), W (vocab, units) → y (..., units)

    ∂J/∂W[v] = Σ δ_y over the places whose index is v.      (Bengio et al. 2003)
    `padding` is the index of what is not there: y is 0 for it, whatever W, and its row of W gets no gradient.
    Raises `ValueError` for an index that is not an integer or not in the vocabulary.
    """

    vocab: Count
    units: Count
    padding: Annotated[int, Ge(0)] | None = None
    shapes = "index (...), W (vocab, units) -> y (..., units)"
    batchwise = True

    @property
    def formula(self):
        return "W[index]" if self.padding is None else "where(index[..., None] == padding, 0, W[index])"

    @property
    def gradients(self):
        agree = "index.reshape(-1) == arange(vocab)[:, None]"
        if self.padding is not None:
            agree = f"({agree}) & (index.reshape(-1) != padding)"
        return {"W": f"({agree}) @ dy.reshape(-1, units)"}

    def validate(self):
        if self.padding is not None and self.padding >= self.vocab:
            raise OptionError("padding", f"`padding` is {self.padding} and `vocab` {self.vocab}; it must be less")

    def params(self, index):
        return {"W": Param((self.vocab, self.units), init=TABLE)}

    def forward(self, ctx, index, *, W):
        check_index(index, self.vocab, f"the vocabulary of {self.vocab}")
        y = W[index.reshape(-1)].reshape(*index.shape, self.units)
        if self.padding is not None:
            y[index == self.padding] = 0
        return y, index

    def backward(self, ctx, saved, dy):
        index = saved
        dW = add_rows(dy.reshape(-1, self.units), index.reshape(-1), (self.vocab, self.units))
        if self.padding is not None:
            dW[self.padding] = 0
        return None, dW

    @classmethod
    def examples(cls, rng):
        yield cls(vocab=7, units=3), (rng.integers(7, size=(5, 4)),)
        yield cls(vocab=7, units=3, padding=2), (rng.integers(1, 4, size=(5, 4), dtype=np.uint8),)
        yield cls(vocab=7, units=3, padding=2), (np.array(5),)
        yield cls(vocab=6, units=70), (rng.integers(6, size=(43, 3)),)


class Positions(Block):
    """y = x + P, a vector for every place in a sequence.      x (N, T, K) → y (N, T, K)

    `learned`: P is the first T rows of W (length, K); a longer sequence is refused.      (Gehring et al. 2017)
    `sinusoidal`: P[t, 2i] = sin(t / 10000^(2i/K)), P[t, 2i+1] = cos of the same.      (Vaswani et al. 2017, §3.5)
    ∂J/∂x = δ_y,   ∂J/∂W[t] = Σ δ_y over the sequences, 0 for the places that none reaches.
    """

    kind: Literal["learned", "sinusoidal"] = "learned"
    length: Count | None = None
    shapes = "x (N, T, K), W (length, K) -> y (N, T, K)"
    batchwise = True

    @property
    def formula(self):
        return "x + W[:x.shape[1]]" if self.kind == "learned" else None

    @property
    def gradients(self):
        W = {"W": "pad(dy.sum(axis=0), ((0, length - dy.shape[1]), (0, 0)))"} if self.kind == "learned" else {}
        return {"x": "dy"} | W

    def validate(self):
        if self.kind == "learned" and self.length is None:
            raise OptionError("length", "learned positions need `length`, that of the longest sequence")

    def params(self, x):
        return {"W": Param((self.length, x.shape[-1]), init=TABLE)} if self.kind == "learned" else {}

    def forward(self, ctx, x, *, W=None):
        T, K = x.shape[1:]
        if self.length is not None and self.length < T:
            raise ValueError(f"a sequence has {T} places; `length` is {self.length}, which must be at least as many")
        return x + (_waves(x, T, K) if W is None else W[:T]), None

    def backward(self, ctx, saved, dy):
        dW = None
        if ctx.needs.W:
            dW = np.zeros_like(dy, shape=(self.length, dy.shape[-1]))
            dW[: dy.shape[1]] = dy.sum(axis=0)
        return dy if ctx.needs.x else None, dW

    @classmethod
    def examples(cls, rng):
        yield cls(length=6), (rng.standard_normal((4, 5, 3)),)
        yield cls(length=5), (rng.standard_normal((4, 5, 3)),)
        yield cls(kind="sinusoidal"), (rng.standard_normal((4, 5, 3)),)
        yield cls(kind="sinusoidal", length=5), (rng.standard_normal((4, 5, 6)),)


class OneHot(Block):
    """y = a row of 0 with a 1 in the place of the class, for each integer.      index (...) → y (..., classes)

    y has the dtype of the floating variables of the network. An integer has no gradient, and so none is made.
    (Bishop 2006, §4.1.2)      Raises `ValueError` for an index that is not an integer or not a class.
    """

    classes: Count
    shapes = "index (...) -> y (..., classes)"
    batchwise = True
    formula = "index[..., None] == arange(classes)"

    def forward(self, ctx, index):
        check_index(index, self.classes, f"the {self.classes} classes")
        y = np.zeros_like(index, shape=(index.size, self.classes), dtype=ctx.dtype)
        y[np.arange(index.size, like=index), index.reshape(-1)] = 1
        return y.reshape(*index.shape, self.classes), None

    @classmethod
    def examples(cls, rng):
        yield cls(classes=5), (rng.integers(5, size=4),)
        yield cls(classes=5), (rng.integers(5, size=(4, 3), dtype=np.uint8),)


def _waves(x, T, K):
    """The sinusoidal positions, in float64 until they are made an array like x."""
    i = np.arange((K + 1) // 2, like=x)
    angle = np.arange(T, like=x)[:, None] / 10000.0 ** (2 * i / K)
    return np.stack((np.sin(angle), np.cos(angle)), axis=-1).reshape(T, -1)[:, :K].astype(x.dtype)
