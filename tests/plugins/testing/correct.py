"""Small correct blocks of every kind, which the kit must pass whatever the seed."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import numpy as np
from annotated_types import Ge, Gt, Lt

from blockrun.core import Block, Param, State


class Tanh(Block):
    batchwise = True
    formula = "tanh(x)"
    gradients = {"x": "dy * (1 - y**2)"}

    def forward(self, ctx, x):
        y = np.tanh(x)
        return y, y

    def backward(self, ctx, y, dy):
        return dy * (1 - y * y)


class Root(Block):
    """Only defined for positive numbers; no examples, so the kit must find that out."""

    def forward(self, ctx, x):
        y = np.sqrt(x)
        return y, y

    def backward(self, ctx, y, dy):
        return dy / (2 * y)


class Relu(Block):
    """Its author's example sits on the kink."""

    def forward(self, ctx, x):
        return np.maximum(x, 0), x > 0

    def backward(self, ctx, positive, dy):
        return dy * positive

    @classmethod
    def examples(cls, rng):
        yield cls(), (rng.integers(-1, 2, (4, 5)).astype(float),)


class Linear(Block):
    units: Annotated[int, Ge(1)]
    bias: bool = True
    batchwise = True

    def params(self, a):
        W = {"W": Param((self.units, a.shape[-1]))}
        return W | {"b": Param((self.units,), init="zeros")} if self.bias else W

    def forward(self, ctx, a, *, W, b=None):
        z = a @ W.T
        return (z if b is None else z + b), (a, W)

    def backward(self, ctx, saved, dz):
        a, W = saved
        rows = dz.reshape(-1, dz.shape[-1])
        da = dz @ W if ctx.needs.a else None
        dW = rows.T @ a.reshape(-1, a.shape[-1]) if ctx.needs.W else None
        db = rows.sum(axis=0) if ctx.needs.b else None
        return da, dW, db


class Matmul(Block):
    def forward(self, ctx, a, b):
        return a @ b, (a, b)

    def backward(self, ctx, saved, dy):
        a, b = saved
        return dy @ np.swapaxes(b, -1, -2), np.swapaxes(a, -1, -2) @ dy

    @classmethod
    def examples(cls, rng):
        yield cls(), (rng.standard_normal((2, 4, 3)), rng.standard_normal((2, 3, 5)))
        yield cls(), (rng.standard_normal((3, 3)), rng.standard_normal((3, 3)))


class Softmax(Block):
    shapes = "x (..., K) -> y (..., K)"

    def forward(self, ctx, x):
        e = np.exp(x - x.max(axis=-1, keepdims=True))
        y = e / e.sum(axis=-1, keepdims=True)
        return y, y

    def backward(self, ctx, y, dy):
        return y * (dy - (dy * y).sum(axis=-1, keepdims=True))


class Product(Block):
    formula = "prod(xs)"
    gradients = {"xs": "dy * prod(others)"}

    def forward(self, ctx, *xs):
        y = xs[0]
        for x in xs[1:]:
            y = y * x
        return y, xs

    def backward(self, ctx, xs, dy):
        def others(i):
            return np.prod(np.stack([x for j, x in enumerate(xs) if j != i] + [np.ones_like(dy)]), axis=0)

        return tuple(dy * others(i) if need else None for i, need in enumerate(ctx.needs.xs))


class Dropout(Block):
    p: Annotated[float, Ge(0), Lt(1)] = 0.5

    def forward(self, ctx, x):
        if not ctx.training:
            return x, None
        mask = (ctx.rng.random(x.shape) >= self.p).astype(x.dtype) / x.dtype.type(1 - self.p)
        return x * mask, mask

    def backward(self, ctx, mask, dy):
        return dy if mask is None else dy * mask


class Norm(Block):
    """Batch normalisation with running statistics: state, two modes, and parameters."""

    eps: Annotated[float, Gt(0)] = 1e-5
    batchwise = True
    outputs = ("y", "new_mean", "new_var")

    def params(self, x):
        K = x.shape[-1:]
        return {
            "g": Param(K, init="ones"),
            "mean": State(K, init="zeros", update="new_mean"),
            "var": State(K, init="ones", update="new_var"),
        }

    def forward(self, ctx, x, g, mean, var):
        if not ctx.training or x.size == 0:
            scale = 1 / np.sqrt(var + self.eps)
            xhat = (x - mean) * scale
            return (xhat * g, mean, var), (xhat, g, scale, 0)
        axes = tuple(range(x.ndim - 1))
        count = ctx.total(x.size // x.shape[-1])
        m = ctx.total(x.sum(axis=axes)) / count
        v = ctx.total(((x - m) ** 2).sum(axis=axes)) / count
        scale = 1 / np.sqrt(v + self.eps)
        xhat = (x - m) * scale
        return (xhat * g, 0.9 * mean + 0.1 * m, 0.9 * var + 0.1 * v), (xhat, g, scale, count)

    def backward(self, ctx, saved, dy):
        xhat, g, scale, count = saved
        axes = tuple(range(dy.ndim - 1))
        dg, dxhat = (dy * xhat).sum(axis=axes), dy * g
        if count:
            along = ctx.total((dxhat * xhat).sum(axis=axes)) / count
            dxhat = dxhat - ctx.total(dxhat.sum(axis=axes)) / count - xhat * along
        return dxhat * scale, dg


class Halves(Block):
    """Two outputs, of which one may be unused."""

    outputs = ("left", "right")

    def forward(self, ctx, x):
        middle = x.shape[-1] // 2
        return (x[..., :middle], x[..., middle:]), None

    def backward(self, ctx, saved, dleft, dright):
        return np.concatenate([dleft, dright], axis=-1)


class Lookup(Block):
    """An integer input and a table."""

    rows: Annotated[int, Ge(1)]

    def params(self, index):
        return {"W": Param((self.rows, 3), init="normal")}

    def forward(self, ctx, index, W):
        return W[index], (index, np.zeros_like(W, shape=()), W.shape[0])

    def backward(self, ctx, saved, dy):
        index, zero, rows = saved
        dW = np.zeros_like(zero, shape=(rows, dy.shape[-1]))
        np.add.at(dW, index, dy)
        return None, dW

    @classmethod
    def examples(cls, rng):
        yield cls(rows=5), (rng.integers(0, 5, (4, 2)),)


class SquaredError(Block):
    """A loss whose target has no gradient, a mean that stays exact in pieces."""

    kind: Literal["mean", "sum"] = "mean"
    nograd = ("target",)
    batchwise = True

    def forward(self, ctx, x, target):
        if x.shape != target.shape:
            raise ValueError(f"shapes {x.shape} and {target.shape} differ")
        d = (x - target) / x.dtype.type(ctx.examples if self.kind == "mean" else 1)
        return np.sum(d * (x - target)), d

    def backward(self, ctx, d, dy):
        return 2 * dy * d, None


class Hits(Block):
    """A metric."""

    outputs = ("right", "count")

    def forward(self, ctx, x, target):
        right = (x > 0) == (target > 0)
        return (np.sum(right), np.array(right.size)), None

    def result(self, right: Any, count: Any) -> float:
        return float(right / count)


BLOCKS = [
    Tanh, Root, Relu, Linear, Matmul, Softmax, Product, Dropout, Norm, Halves, Lookup, SquaredError, Hits
]  # fmt: skip
