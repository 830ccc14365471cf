"""Attention a tile of scores at a time: neither pass ever holds the scores of all queries with all keys.

Forward keeps a running maximum and sum of every row (Milakov and Gimelshein 2018; Rabe and Staats 2021) and hands them
to backward, which makes the scores anew (Dao et al. 2022). There the logarithm of the sum is added to the maximum;
here they stay apart, so that weights keep their digits where scores are large.
"""

import math
from typing import Any, NamedTuple

import numpy as np

ROWS, COLUMNS = 128, 512  # of a tile, at most
PIECE = 2**17  # scores: so many examples are taken together that theirs fit into the cache


class Scores(NamedTuple):
    """s = q kᵀ / √D, −∞ where a query does not see a key.      q (N, ..., T, D), k (N, ..., S, D) → (N, ..., T, S)

    With `causal` query t sees the keys up to t. `mask`, if any, broadcasts to s and is not 0 for keys that are seen.
    """

    q: Any
    k: Any
    mask: Any
    causal: bool

    @property
    def shape(self):
        return (*self.q.shape[:-1], self.k.shape[-2])

    def check(self):
        """Raise `ValueError` for a mask that is none."""
        mask, shape = self.mask, self.shape
        if mask is None:
            return
        if mask.dtype.kind not in "biu":
            raise ValueError(f"mask is {mask.dtype}; it must be true, or 1, where a query sees a key, else false, or 0")
        sizes = zip(mask.shape[::-1], shape[::-1], strict=False)
        if mask.ndim > len(shape) or any(size not in (1, whole) for size, whole in sizes):
            raise ValueError(f"mask has shape {mask.shape}; it must broadcast to {shape}, queries by keys")

    def tiles(self):
        """(examples, queries, [keys, ...]) as slices, always in the same order."""
        *_, T, S = self.shape
        each = math.prod(self.shape[1:-2]) * min(T, ROWS) * min(S, COLUMNS)
        step = max(1, PIECE // max(each, 1))
        height = min(ROWS, (T + 1) // 2 or 1) if self.causal else ROWS  # two rows of tiles, so that some are left out
        for n in range(0, len(self.q), step):
            for t in range(0, T, height):
                seen = min(t + height, S) if self.causal else S
                keys = [slice(s, min(s + COLUMNS, seen)) for s in range(0, seen, COLUMNS)]
                yield slice(n, n + step), slice(t, min(t + height, T)), keys

    def scaled(self, at):
        """q / √D for some queries: they are fewer numbers than their scores."""
        return self.q[at] * (1 / math.sqrt(self.q.shape[-1]))

    def tile(self, queries, n, t, s):
        """The scores of `queries`, scaled, which are those of examples n and rows t, with the keys s."""
        scores = queries @ _transposed(self.k[n, ..., s, :])
        if self.causal and s.stop > t.start + 1:
            _hide(scores, np.arange(t.start, t.stop, like=scores)[:, None] >= np.arange(s.start, s.stop, like=scores))
        if self.mask is not None:
            _hide(scores, _part(self.mask, len(self.shape), n, t, s))
        return scores


def _hide(scores, seen):
    scores += np.where(seen, 0, scores.dtype.type(-np.inf))


def _part(mask, ndim, n, t, s):
    """What of a mask, whose axes may be of one entry or missing, belongs to a tile of scores of `ndim` axes."""
    mask = mask.reshape((1,) * (ndim - mask.ndim) + mask.shape)
    n, t, s = (slice(None) if mask.shape[axis] == 1 else part for axis, part in ((0, n), (-2, t), (-1, s)))
    return mask[n, ..., t, s]


def attend(scores, v, drop=None):
    """y = softmax(s) v, and of every row of s the maximum and the sum of eˢ⁻ᵐᵃˣ.      v (N, ..., S, E) → (N, ..., T, E)

    drop(p), if given, is what a tile of weights p is multiplied by. A row that sees no key gives 0.
    """
    q = scores.q
    y = np.zeros_like(q, shape=(*q.shape[:-1], v.shape[-1]))
    top = np.full_like(q, -np.inf, shape=(*q.shape[:-1], 1))
    total = np.zeros_like(top)
    for n, t, keys in scores.tiles():
        at = (n, ..., t, slice(None))
        queries = scores.scaled(at)
        for s in keys:
            _take_in(scores.tile(queries, n, t, s), v[n, ..., s, :], drop, y[at], top[at], total[at], s.start == 0)
    blind = total == 0
    total[blind], top[blind] = 1, 0
    y /= total
    return y, top, total


def _take_in(p, v, drop, y, top, total, first):
    """Add what keys of scores p give to y and total, both relative to the largest score so far, top; all in place."""
    largest = np.maximum(top, p.max(axis=-1, keepdims=True))
    shift = np.where(largest == -np.inf, 0, largest)  # where no key has been seen yet
    p -= shift
    np.exp(p, out=p)
    shrink = np.exp(top - shift)
    top[...] = largest
    total *= shrink
    total += p @ np.ones_like(p, shape=(p.shape[-1], 1))  # p.sum takes four times as long
    if drop is not None:
        p *= drop(p)
    if first:
        np.matmul(p, v, out=y)
    else:
        y *= shrink
        y += p @ v


def attend_back(scores, v, drop, top, total, dy, wanted):
    """dq, dk and dv, None where not `wanted`; `drop` must draw what it drew in `attend`.

    With w = softmax(s) and d what dropout multiplies by:   dv = (w d)ᵀ δ_y,   δ_w = d (δ_y vᵀ),
    δ_s = w (δ_w − Σ w δ_w),   dq = δ_s k / √D,   dk = δ_sᵀ q / √D.
    """
    dq, dk, dv = (np.zeros_like(x) if want else None for x, want in zip((scores.q, scores.k, v), wanted, strict=True))
    share = dy / total
    for n, t, keys in scores.tiles():
        at = (n, ..., t, slice(None))
        queries = scores.scaled(at)
        tiles = list(_recalled(scores, queries, drop, top[at], n, t, keys))
        if dv is not None:
            for to, p, kept in tiles:
                dv[to] += _transposed(p if kept is None else p * kept) @ share[at]
        if dq is None and dk is None:
            continue
        for to, ds in _through_softmax(tiles, share[at], v, total[at]):
            if dq is not None:
                dq[at] += ds @ scores.k[to]
            if dk is not None:
                dk[to] += _transposed(ds) @ queries
    if dq is not None:
        dq *= 1 / math.sqrt(dq.shape[-1])
    return dq, dk, dv


def _recalled(scores, queries, drop, top, n, t, keys):
    """For each tile in a row of them the place of its keys, eˢ⁻ᵗᵒᵖ, and what dropout multiplied it by, or None."""
    for s in keys:
        p = scores.tile(queries, n, t, s)
        p -= top
        np.exp(p, out=p)
        yield (n, ..., s, slice(None)), p, None if drop is None else drop(p)


def _through_softmax(tiles, share, v, total):
    """δ_s of each tile in a row of them, with the place of its keys."""
    mean, dws = 0, []
    for to, p, kept in tiles:
        dw = share @ _transposed(v[to])
        if kept is not None:
            dw *= kept
        mean = mean + np.einsum("...ts,...ts->...t", p, dw)[..., None] / total
        dws.append(dw)
    for (to, p, _), dw in zip(tiles, dws, strict=True):
        dw -= mean
        dw *= p
        yield to, dw


def _transposed(x):
    return x.swapaxes(-1, -2)


def draw_seed(ctx, p):
    """Where the draws of one call start, from which backward repeats them; None if nothing is dropped."""
    return int(ctx.rng.integers(2**63)) if ctx.training and p > 0 else None


def dropper(seed, p):
    """What `attend` and `attend_back` take for `drop`: 0 with probability p, else 1 / (1 − p), tile after tile."""
    if seed is None:
        return None
    rng = np.random.Generator(np.random.PCG64(seed))

    def drop(weights):
        kept = np.asarray(rng.random(weights.shape, dtype=np.float32) >= p, like=weights)
        return np.multiply(kept, 1 / (1 - p), dtype=weights.dtype)

    return drop
