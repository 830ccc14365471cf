"""How PyTorch computes the blocks of structure."""

from __future__ import annotations

from ..common import Counterparts, Tensor, Use, torch


def transpose(use: Use, x: Tensor) -> Tensor:
    block = use.block
    return torch.permute(x, block.axes) if block.axes else torch.transpose(x, *(block.swap or (-2, -1)))


def split(use: Use, x: Tensor) -> Tensor:
    block = use.block
    sizes = block.sizes or x.shape[block.axis] // (block.parts or 2)
    return torch.split(x, sizes, block.axis)


def slice_(use: Use, x: Tensor) -> Tensor:
    block = use.block
    places = torch.arange(x.shape[block.axis])[block.start : block.stop : block.step]
    return torch.index_select(x, block.axis, places)


def gather(use: Use, x: Tensor, index: Tensor) -> Tensor:
    """With places of its own for every example, the examples one by one."""
    axis = range(x.ndim)[use.block.axis]
    if not use.block.per_example:
        return chosen(x, index, axis)
    return torch.stack([chosen(*pair, axis - 1) for pair in zip(x, index, strict=True)])


def chosen(x: Tensor, index: Tensor, axis: int) -> Tensor:
    y = torch.index_select(x, axis, index.long().reshape(-1))
    return y.reshape(*x.shape[:axis], *index.shape, *x.shape[axis + 1 :])


def broadcast(use: Use, x: Tensor, like: Tensor | None = None) -> Tensor:
    if like is not None:
        return x.expand(like.shape)
    return torch.stack([example.expand(use.block.shape) for example in x])


def over(use: Use, x: Tensor) -> tuple[int, ...]:
    axis = use.block.axis
    return tuple(range(x.ndim)) if axis is None else axis if isinstance(axis, tuple) else (axis,)


def zeros(use: Use, like: Tensor) -> Tensor:
    shape = like.shape if use.block.shape is None else (len(like), *use.block.shape)
    return torch.zeros(shape, dtype=like.dtype if like.is_floating_point() else torch.float32)


BLOCKS: Counterparts = {
    "flatten": lambda use, x: torch.flatten(x, 1) if x.ndim > 1 else x[:, None],
    "reshape": lambda use, x: torch.reshape(x, (len(x), *use.block.shape)),
    "squeeze": lambda use, x: torch.squeeze(x, use.block.axis),
    "expand": lambda use, x: torch.unsqueeze(x, use.block.axis),
    "transpose": transpose,
    "flip": lambda use, x: torch.flip(x, over(use, x)),
    "concat": lambda use, *xs: torch.cat(xs, use.block.axis),
    "stack": lambda use, *xs: torch.stack(xs, use.block.axis),
    "unstack": lambda use, x: torch.unbind(x, use.block.axis),
    "split": split,
    "slice": slice_,
    "gather": gather,
    "where": lambda use, condition, a, b: torch.where(condition != 0, a, b),
    "argmax": lambda use, x: torch.argmax(x, use.block.axis),
    "tile": lambda use, x: torch.cat([x] * use.block.times, use.block.axis),
    "broadcast": broadcast,
    "reduce_sum": lambda use, x: torch.sum(x, over(use, x), use.block.keepdims),
    "reduce_mean": lambda use, x: torch.mean(x, over(use, x), use.block.keepdims),
    "reduce_max": lambda use, x: torch.amax(x, over(use, x), use.block.keepdims),
    "logsumexp": lambda use, x: torch.logsumexp(x, over(use, x), use.block.keepdims),
    "identity": lambda use, x: x,
    "stop_gradient": lambda use, x: x.detach(),
    "zeros": zeros,
    "parameter": lambda use, value: value,
}
