"""Images read where a grid says, and the grids of affine maps: the two parts of a spatial transformer."""

import numpy as np

from blockrun.core import Block

from .._batch import pieces
from .._scatter import add_rows
from .._window import Size2, per_axis


class AffineGrid(Block):
    """grid[n, i, j] = θ[n] (vᵢ, uⱼ, 1)ᵀ, v and u evenly from −1 to 1.      θ (N, 2, 3) → grid (N, H', W', 2)

    `size` is (H', W') or one number for both; where it is 1, v or u is 0. The first coordinate is down, the second to
    the right, and −1 and 1 are the middles of the outermost pixels, as `bilinear_sampler` takes them, so that
    θ = (1 0 0; 0 1 0) is the identity.
    ∂J/∂θ = Σ δ_grid (v, u, 1) over all places.      (Jaderberg et al. 2015, equation 1, with y before x)
    """

    size: Size2
    outputs = ("grid",)
    shapes = "theta (N, 2, 3) -> grid (N, _, _, 2)"
    batchwise = True

    def forward(self, ctx, theta):
        grid = self._places(theta) @ theta.swapaxes(1, 2)
        return grid.reshape(len(theta), *per_axis(self.size, 2), 2), None

    def backward(self, ctx, saved, dgrid):
        H, W = per_axis(self.size, 2)
        return dgrid.reshape(len(dgrid), H * W, 2).swapaxes(1, 2) @ self._places(dgrid)

    def _places(self, like):
        """A row (v, u, 1) for each place of the grid."""
        v, u = (np.linspace(-1, 1, n) if n > 1 else np.zeros(1) for n in per_axis(self.size, 2))
        places = np.stack(np.broadcast_arrays(v[:, None], u, 1), axis=-1).reshape(-1, 3)
        return np.asarray(places.astype(like.dtype), like=like)

    @classmethod
    def examples(cls, rng):
        yield cls(size=(3, 4)), (rng.standard_normal((2, 2, 3)),)
        yield cls(size=(1, 5)), (rng.standard_normal((4, 2, 3)),)
        yield cls(size=2), (rng.standard_normal((3, 2, 3)),)


class BilinearSampler(Block):
    """y[n, p, c] = Σ x[n, i, j, c] max(0, 1 − |v − i|) max(0, 1 − |u − j|), (v, u) the pixel that grid[n, p] points to.

    x (N, H, W, C), grid (N, H', W', 2) → y (N, H', W', C). −1 is the middle of the first pixel and 1 that of the last
    (as in MatConvNet, PyTorch's `align_corners=True`), down before right: v = (grid₀ + 1) (H − 1) / 2. Outside x is 0.
    ∂J/∂x: δ_y with the same weights; ∂J/∂v = Σ δ_y x times the slope of its weight, −1 or 1, times the other weight,
    likewise u. Where v or u is whole, which is a kink, the slopes are those towards larger v or u.
    (Jaderberg et al. 2015)
    """

    shapes = "x (N, H, W, C), grid (N, _, _, 2) -> y (N, _, _, C)"
    batchwise = True

    def forward(self, ctx, x, grid):
        y = np.empty_like(x, shape=(*grid.shape[:-1], x.shape[-1]), order="C")
        for some in pieces(y):
            y[some] = _read(x[some], grid[some])
        return y, (x, grid)

    def backward(self, ctx, saved, dy):
        x, grid = saved
        dx = np.empty_like(x, order="C") if ctx.needs.x else None
        dgrid = np.empty_like(grid, order="C") if ctx.needs.grid else None
        for some in pieces(dy):
            if ctx.needs.x:
                dx[some] = _read_dx(dy[some], x[some].shape, grid[some])
            if ctx.needs.grid:
                dgrid[some] = _read_dgrid(dy[some], x[some], grid[some])
        return dx, dgrid

    @classmethod
    def examples(cls, rng):
        sizes = ((2, 4, 3, 5), (3, 2)), ((3, 2, 5, 1), (2, 4)), ((2, 1, 3, 2), (3, 1)), ((3, 2, 1, 65), (1, 3))
        for shape, places in sizes:
            yield cls(), (rng.standard_normal(shape), 0.9 * rng.standard_normal((shape[0], *places, 2)))
        yield cls(), (rng.standard_normal((2, 3, 4, 2)), 4 * rng.uniform(-1, 1, (2, 3, 5, 2)))


def _read(x, grid):
    rows = x.reshape(-1, x.shape[-1])
    y = np.zeros_like(x, shape=(*grid.shape[:-1], x.shape[-1]))
    for at, down, right, _, _ in _corners(x.shape, grid):
        y += (down * right)[..., None] * np.take(rows, at, axis=0)
    return y


def _read_dx(dy, shape, grid):
    dx = np.zeros_like(dy, shape=shape)
    for at, down, right, _, _ in _corners(shape, grid):
        shares = (down * right)[..., None] * dy
        dx += add_rows(shares.reshape(-1, shape[-1]), at.ravel(), shape)
    return dx


def _read_dgrid(dy, x, grid):
    rows, scales = x.reshape(-1, x.shape[-1]), [(n - 1) / 2 for n in x.shape[1:3]]
    dgrid = np.zeros_like(grid, order="C")
    for at, down, right, down_slope, right_slope in _corners(x.shape, grid):
        change = np.einsum("nijc,nijc->nij", dy, np.take(rows, at, axis=0))
        dgrid[..., 0] += change * down_slope * right * scales[0]
        dgrid[..., 1] += change * down * right_slope * scales[1]
    return dgrid


def _corners(shape, grid):
    """For the four pixels around each place of the grid their rows in x, their weights, and the slopes of these."""
    N, H, W, _ = shape
    image = np.arange(N, like=grid)[:, None, None] * H
    for i, down, down_slope in _two(grid[..., 0], H):
        for j, right, right_slope in _two(grid[..., 1], W):
            yield (image + i) * W + j, down, right, down_slope, right_slope


def _two(coordinate, n):
    """The pixels before and after along an axis of n: position, weight and slope of the weight; 0 outside."""
    v = (coordinate + 1) * ((n - 1) / 2)
    before = np.floor(v)
    t = v - before
    for i, weight, sign in ((before, 1 - t, -1), (before + 1, t, 1)):
        inside = (i >= 0) & (i < n)
        yield np.clip(i, 0, n - 1).astype(np.intp), weight * inside, np.multiply(inside, sign, dtype=v.dtype)
