"""Lᵖ pooling: the size of what a window sees, between its sum and its maximum."""

from typing import Annotated

import numpy as np
from annotated_types import Ge

from blockrun.core import Block

from .._batch import pieces
from .._window import Pad2, Size2, Window, window
from ._examples import TWO, examples
from ._padding import refuse_wide_pad


class LpPool2d(Block):
    """y[n, i, j, c] = (Σ |x|ᵖ)¹ᐟᵖ over the window at (i, j).      x (N, H, W, C) → y (N, H', W', C)

    Padding is 0. With `ceil` last windows that hang over the end count too, if they start before the end.
    ∂J/∂x = Σ δ_y sign(x) (|x| / y)ᵖ⁻¹ over the windows that see x; where they see only 0, which is a kink, 0, and
    for p = 1 also at x = 0. The largest |x| of a window is taken out of its sum, so that nothing over- or underflows.
    (Sermanet, Chintala and LeCun 2012)
    """

    size: Size2
    stride: Size2 | None = None
    pad: Pad2 = 0
    ceil: bool = False
    p: Annotated[float, Ge(1)] = 2.0
    shapes = "x (N, H, W, C) -> y (N, _, _, C)"
    batchwise = True

    def validate(self):
        refuse_wide_pad(self, axes=2)

    def forward(self, ctx, x):
        win = window(x.shape, self.size, self.stride or self.size, self.pad, 1, self.ceil)
        y = np.empty_like(x, shape=(len(x), *win.output, x.shape[-1]), order="C")
        for some in pieces(x):
            taps = list(win.taps(np.abs(win.padded(x[some]))))
            most = taps[0]
            for tap in taps[1:]:
                most = np.maximum(most, tap)
            unit = np.where(most > 0, most, 1)
            total = sum((tap / unit) ** self.p for tap in taps)
            np.multiply(most, total ** (1 / self.p), out=y[some])
        return y, (x, y, win)

    def backward(self, ctx, saved, dy):
        x, y, win = saved
        win = Window(*win)
        dframe = win.frame(x, x.shape)
        for some in pieces(x):
            unit = np.where(y[some] > 0, y[some], 1)
            for tap, read in zip(win.taps(win.padded(x[some])), win.taps(dframe[some]), strict=True):
                read += dy[some] * np.sign(tap) * (np.abs(tap) / unit) ** (self.p - 1)
        return win.inside(dframe)

    @classmethod
    def examples(cls, rng):
        yield from examples(cls, rng, TWO)
        for p, (options, shape) in zip((1, 3, 1.5), TWO[:3], strict=True):
            yield from examples(cls, rng, [({**options, "p": p}, shape)])
        x = rng.standard_normal((2, 4, 6, 1))
        x[0, :2, :3] = 0  # all of a window, and some of its neighbour
        yield cls(size=2), (x,)
