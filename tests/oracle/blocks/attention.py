"""How PyTorch computes the blocks of attention; which weights were dropped is read off our own output.

It has no function for rotary positions: by hand, a pair of features is a complex number here.
"""

from __future__ import annotations

import math

from ..common import Counterparts, F, Tensor, Use, torch


def scaled_dot_product_attention(use: Use, q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None = None) -> Tensor:
    seen = visible(use, q, k, mask)
    if not dropping(use):
        return F.scaled_dot_product_attention(q, k, v, seen)
    return dropped(use, q, k, v, seen, use.outputs["y"])


def multi_head_attention(
    use: Use, x: Tensor, memory: Tensor | None = None, mask: Tensor | None = None, **params: Tensor
) -> Tensor:
    m, heads, K = x if memory is None else memory, use.block.heads, x.shape[-1]
    b_q, b_v, b_o = (params.get(name, x.new_zeros(K)) for name in ("b_q", "b_v", "b_o"))
    W_q, W_k, W_v, W_o = (params[name] for name in ("W_q", "W_k", "W_v", "W_o"))
    if mask is not None:
        mask = mask[:, None, None] if mask.ndim == 2 else mask[:, None]
    if dropping(use):
        q, k, v = (split(a, heads) for a in (F.linear(x, W_q, b_q), F.linear(m, W_k), F.linear(m, W_v, b_v)))
        y = split(torch.linalg.solve(W_o, (use.outputs["y"] - b_o).mT).mT, heads)
        y = dropped(use, q, k, v, visible(use, q, k, mask), y)
        return F.linear(y.transpose(1, 2).flatten(2), W_o, b_o)
    shape = x.new_empty(len(x), heads, x.shape[1], 1), x.new_empty(len(x), heads, m.shape[1], 1)
    y, _ = F.multi_head_attention_forward(
        *(a.transpose(0, 1) for a in (x, m, m)),
        embed_dim_to_check=K,
        num_heads=heads,
        in_proj_weight=None,
        in_proj_bias=torch.cat([b_q, torch.zeros_like(b_q), b_v]),
        bias_k=None,
        bias_v=None,
        add_zero_attn=False,
        dropout_p=0.0,
        out_proj_weight=W_o,
        out_proj_bias=b_o,
        need_weights=False,
        attn_mask=~visible(use, *shape, mask).flatten(0, 1),
        use_separate_proj_weight=True,
        q_proj_weight=W_q,
        k_proj_weight=W_k,
        v_proj_weight=W_v,
    )
    return y.transpose(0, 1)


def rotary(use: Use, x: Tensor) -> Tensor:
    T, D = x.shape[-2:]
    theta = torch.arange(T)[:, None] / use.block.base ** (torch.arange(0, D, 2, dtype=torch.float64) / D)
    turn = torch.polar(torch.ones_like(theta), theta).to(torch.complex(x[:1], x[:1]).dtype)
    y = torch.complex(*x.chunk(2, -1)) * turn
    return torch.cat([y.real, y.imag], -1)


def dropping(use: Use) -> bool:
    return bool(use.training and use.block.p)


def visible(use: Use, q: Tensor, k: Tensor, mask: Tensor | None) -> Tensor:
    seen = torch.ones(q.shape[-2], k.shape[-2], dtype=torch.bool)
    seen = seen.tril() if use.block.causal else seen
    return (seen if mask is None else seen & (mask != 0)).expand(*q.shape[:-1], k.shape[-2])


def dropped(use: Use, q: Tensor, k: Tensor, v: Tensor, seen: Tensor, y: Tensor) -> Tensor:
    """The weights that were used follow from y and v, where v has no fewer columns than rows."""
    scores = (q @ k.mT / math.sqrt(q.shape[-1])).masked_fill(~seen, -1e30)
    weights = torch.where(seen, torch.softmax(scores, -1), 0.0)
    with torch.no_grad():
        kept = y.double() @ torch.linalg.pinv(v.double()) > weights.double() / 2
    return weights * kept / (1 - use.block.p) @ v


def split(a: Tensor, heads: int) -> Tensor:
    return a.unflatten(-1, (heads, -1)).transpose(1, 2)


BLOCKS: Counterparts = {
    "scaled_dot_product_attention": scaled_dot_product_attention,
    "multi_head_attention": multi_head_attention,
    "rotary": rotary,
}
