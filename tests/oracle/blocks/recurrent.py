"""How PyTorch computes the recurrent blocks: a sequence one example at a time, cut to its length and turned round."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..common import Counterparts, Tensor, Use, torch

States = tuple[Tensor, ...]


def rnn_cell(use: Use, x: Tensor, h0: Tensor | None = None, **params: Tensor) -> Tensor:
    step = {"tanh": torch.rnn_tanh_cell, "relu": torch.rnn_relu_cell}[use.block.activation]
    return step(x, initial(use, x, h0), *weights(**params))


def lstm_cell(
    use: Use, x: Tensor, h0: Tensor | None = None, c0: Tensor | None = None, **params: Tensor
) -> tuple[Tensor, ...]:
    h, c = torch.lstm_cell(x, (initial(use, x, h0), initial(use, x, c0)), *weights(**params))
    return h, c


def gru_cell(use: Use, x: Tensor, h0: Tensor | None = None, **params: Tensor) -> Tensor:
    return torch.gru_cell(x, initial(use, x, h0), *weights(**params))


def rnn(
    use: Use, x: Tensor, h0: Tensor | None = None, lengths: Tensor | None = None, **params: Tensor
) -> tuple[Tensor, ...]:
    run = {"tanh": torch.rnn_tanh, "relu": torch.rnn_relu}[use.block.activation]
    return sequence(use, run, x, (initial(use, x, h0),), lengths, weights(**params))


def lstm(
    use: Use,
    x: Tensor,
    h0: Tensor | None = None,
    c0: Tensor | None = None,
    lengths: Tensor | None = None,
    **params: Tensor,
) -> tuple[Tensor, ...]:
    states = (initial(use, x, h0), initial(use, x, c0))
    return sequence(use, torch.lstm, x, states, lengths, weights(**params))


def gru(
    use: Use, x: Tensor, h0: Tensor | None = None, lengths: Tensor | None = None, **params: Tensor
) -> tuple[Tensor, ...]:
    return sequence(use, torch.gru, x, (initial(use, x, h0),), lengths, weights(**params))


def initial(use: Use, x: Tensor, state: Tensor | None) -> Tensor:
    return x.new_zeros(len(x), use.block.units) if state is None else state


def weights(W: Tensor, U: Tensor, b: Tensor, b_h: Tensor | None = None) -> list[Tensor]:
    """As PyTorch has them: a second bias, of the product with h, which we have for the last part of a GRU only."""
    second = torch.zeros_like(b)
    return [W, U, b, second if b_h is None else torch.cat([second[: -len(b_h)], b_h])]


def sequence(
    use: Use, run: Callable[..., Any], x: Tensor, states: States, lengths: Tensor | None, weights: list[Tensor]
) -> tuple[Tensor, ...]:
    """y and the states at the end; nothing is run for an example without steps."""
    ys, ends = [], []
    for n in range(len(x)):
        length = x.shape[1] if lengths is None else int(lengths[n])
        y, *end = x.new_zeros(1, 0, use.block.units), *(state[n][None] for state in states)
        if length:
            given = x[n : n + 1, :length]
            given = given.flip(1) if use.block.reverse else given
            first = tuple(state[n][None, None] for state in states)
            y, *end = run(given, first if len(first) > 1 else first[0], weights, True, 1, 0.0, True, False, True)
            y, end = y.flip(1) if use.block.reverse else y, [state[0] for state in end]
        ys.append(torch.nn.functional.pad(y, (0, 0, 0, x.shape[1] - length)))
        ends.append(end)
    return torch.cat(ys), *(torch.cat(end) for end in zip(*ends, strict=True))


BLOCKS: Counterparts = {
    "rnn_cell": rnn_cell,
    "lstm_cell": lstm_cell,
    "gru_cell": gru_cell,
    "rnn": rnn,
    "lstm": lstm,
    "gru": gru,
}
