"""Broken copies of small correct blocks, each with one mistake that people make; the kit must name every one."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

import numpy as np
from annotated_types import Ge

from blockrun.core import Block, Param


class SignFlipped(Block):
    def forward(self, ctx, x):
        return np.cos(x), x

    def backward(self, ctx, x, dy):
        return dy * np.sin(x)


class InfiniteInOneEntry(Block):
    def forward(self, ctx, x):
        return np.sin(x), x

    def backward(self, ctx, x, dy):
        dx = dy * np.cos(x)
        dx.reshape(-1)[-1:] = np.inf
        return dx

    @classmethod
    def examples(cls, rng):
        yield cls(), (rng.standard_normal((4, 3)),)


class FactorLost(Block):
    def forward(self, ctx, x):
        return x * x / 2, x

    def backward(self, ctx, x, dy):
        return dy * x / 2


class MeanForSum(Block):
    """db is divided by the number of examples."""

    batchwise = True

    def params(self, x):
        return {"b": Param(x.shape[-1:], init="zeros")}

    def forward(self, ctx, x, b):
        return x + b, None

    def backward(self, ctx, saved, dy):
        return dy, dy.reshape(-1, dy.shape[-1]).sum(axis=0) / ctx.examples

    @classmethod
    def examples(cls, rng):
        yield cls(), (rng.standard_normal((4, 3)),)


class Float32Always(Block):
    """Only integers come in, and what comes out is float32 in a network of float64 too."""

    def forward(self, ctx, label):
        return np.eye(5, dtype=np.float32)[label], None

    @classmethod
    def examples(cls, rng):
        yield cls(), (rng.integers(5, size=4),)


class Transposed(Block):
    """dB has the right shape only where A is square, as in its author's example."""

    def forward(self, ctx, A, B):
        return A @ B, (A, B)

    def backward(self, ctx, saved, dy):
        A, B = saved
        return dy @ B.T, (A.T @ dy).T

    @classmethod
    def examples(cls, rng):
        yield cls(), (rng.standard_normal((3, 3)), rng.standard_normal((3, 3)))


class TransposedShape(Block):
    units: Annotated[int, Ge(1)]

    def params(self, x):
        return {"W": Param((self.units, x.shape[-1]))}

    def forward(self, ctx, x, W):
        return x @ W.T, (x, W)

    def backward(self, ctx, saved, dy):
        x, W = saved
        return dy @ W, x.T @ dy


class TermDropped(Block):
    """Softmax whose backward forgets that all outputs share the sum."""

    def forward(self, ctx, x):
        e = np.exp(x - x.max(axis=-1, keepdims=True))
        y = e / e.sum(axis=-1, keepdims=True)
        return y, y

    def backward(self, ctx, y, dy):
        return y * dy


class SumForgotten(Block):
    def params(self, x):
        return {"b": Param(x.shape[-1:], init="zeros")}

    def forward(self, ctx, x, b):
        return x + b, None

    def backward(self, ctx, saved, dy):
        return dy, dy


class IncomingForgotten(Block):
    def forward(self, ctx, x):
        return np.sum(x * x), x

    def backward(self, ctx, x, dy):
        return 2 * x


class Zeros(Block):
    def forward(self, ctx, x):
        return x * x, x

    def backward(self, ctx, x, dy):
        return np.zeros_like(x)


class StashedOnSelf(Block):
    def forward(self, ctx, x):
        object.__setattr__(self, "y", np.tanh(x))
        return self.y, None

    def backward(self, ctx, saved, dy):
        return dy * (1 - self.y**2)


class StaleCache(Block):
    """A stash that freezing the instance cannot prevent."""

    cache: ClassVar[Any] = {}

    def forward(self, ctx, x):
        self.cache["y"] = np.tanh(x)
        return self.cache["y"], None

    def backward(self, ctx, saved, dy):
        return dy * (1 - self.cache["y"] ** 2)


class BufferReused(Block):
    """Outputs of all calls with one shape share memory."""

    buffers: ClassVar[Any] = {}

    def forward(self, ctx, x):
        y = np.multiply(x, 2, out=self.buffers.setdefault((x.shape, x.dtype), np.empty_like(x)))
        return y, None

    def backward(self, ctx, saved, dy):
        return 2 * dy


class InputMutated(Block):
    def forward(self, ctx, x):
        x *= 2
        return x, None

    def backward(self, ctx, saved, dy):
        return 2 * dy


class InputMutatedBehindItsLock(Block):
    def forward(self, ctx, x):
        if x.base is not None:
            x.base[...] = x + 1
        return 2 * x, None

    def backward(self, ctx, saved, dy):
        return 2 * dy


class GradientMutated(Block):
    def forward(self, ctx, x):
        return np.tanh(x), np.tanh(x)

    def backward(self, ctx, y, dy):
        dy *= 1 - y**2
        return dy


class SavedMutated(Block):
    def forward(self, ctx, x):
        return x * x, 2 * x

    def backward(self, ctx, slope, dy):
        slope *= dy
        return slope


class FreshNoise(Block):
    def forward(self, ctx, x):
        mask = np.random.default_rng().random(x.shape) > 0.5
        return x * mask, mask

    def backward(self, ctx, mask, dy):
        return dy * mask


class WrongShape(Block):
    def forward(self, ctx, x):
        return np.sum(x * x), x

    def backward(self, ctx, x, dy):
        return (2 * dy * x).reshape(-1)

    @classmethod
    def examples(cls, rng):
        yield cls(), (rng.standard_normal((4, 3)),)


class WrongCount(Block):
    def forward(self, ctx, a, b):
        return a * b, (a, b)

    def backward(self, ctx, saved, dy):
        _a, b = saved
        return (dy * b,)


class OffByOnePadding(Block):
    """A causal difference whose gradient is shifted by one step."""

    def forward(self, ctx, x):
        before = np.concatenate([np.zeros_like(x[:1]), x[:-1]])
        return before, None

    def backward(self, ctx, saved, dy):
        return dy


class ContiguousOnly(Block):
    """Reads the incoming gradient's memory instead of its values."""

    def forward(self, ctx, x):
        return 3 * x, None

    def backward(self, ctx, saved, dy):
        return 3 * np.ndarray(dy.shape, dy.dtype, _base(dy).tobytes()) if _is_owner_sized(dy) else 3 * dy


def _base(x):
    return x if x.base is None else _base(x.base)


def _is_owner_sized(x):
    return _base(x).size == x.size


class Float64Inside(Block):
    def forward(self, ctx, x):
        return x * np.full(x.shape, 2.0), None

    def backward(self, ctx, saved, dy):
        return 2 * dy


class NeedsEntangled(Block):
    """db is only right when da was asked for too."""

    def forward(self, ctx, a, b):
        return a * b, (a, b)

    def backward(self, ctx, saved, dy):
        a, b = saved
        da = dy * b if ctx.needs.a else None
        db = (dy * a if da is not None else dy * b) if ctx.needs.b else None
        return da, db


class NotANumberWhenEmpty(Block):
    batchwise = True

    def forward(self, ctx, x):
        return np.mean(x), (x.shape, x.size)

    def backward(self, ctx, saved, dy):
        shape, size = saved
        return np.broadcast_to(dy / max(size, 1), shape)


class FormulaWrong(Block):
    formula = "sin(x)"
    gradients = {"x": "dy * cos(x)"}

    def forward(self, ctx, x):
        return np.sin(x) + 1, x

    def backward(self, ctx, x, dy):
        return dy * np.cos(x)


class MeanNotAdditive(Block):
    """A metric that averages where it should add."""

    def forward(self, ctx, x, target):
        return np.mean(np.abs(x - target)), None

    def result(self, error):
        return float(error)


class GradientForTarget(Block):
    nograd = ("target",)

    def forward(self, ctx, x, target):
        return np.sum((x - target) ** 2), x - target

    def backward(self, ctx, d, dy):
        return 2 * dy * d, -2 * dy * d


class TrainingOnly(Block):
    """Right in training; in evaluation forward does something else and backward does not follow."""

    def forward(self, ctx, x):
        return (2 * x if ctx.training else x), None

    def backward(self, ctx, saved, dy):
        return 2 * dy


class SevenAxes(Block):
    """Takes nothing that anybody would try, and gives no examples."""

    def forward(self, ctx, x):
        if x.ndim != 7:
            raise ValueError(f"x has {x.ndim} axes; it must have 7")
        return 2 * x, None

    def backward(self, ctx, saved, dy):
        return 2 * dy
