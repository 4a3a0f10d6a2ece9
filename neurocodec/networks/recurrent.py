"""Convolutional recurrent cells, of DIC's network.

"Full Resolution Image Compression with Recurrent Neural Networks" (Toderici 2017), section 2.1. A
cell maps its input and its state to its output and the next state; before the first iteration the
state is None, which stands for zeros.
"""

import torch
from torch import Tensor, nn

State = tuple[Tensor, ...]

_MIXED = 0.1  # α_h and α_x of a residual GRU


class _Cell(nn.Module):
    """The convolutions of a cell's input and of its hidden state, one for all gates.

    Args:
        inputs: channels of the input.
        hidden: channels of the state and of the output.
        stride: from the input to the state.
        kernel: of the convolutions of the state, along a side; 3 for the input.
        gates: times `hidden`, for the input and for the state.
    """

    gates: tuple[int, int]

    def __init__(self, inputs: int, hidden: int, *, stride: int, kernel: int) -> None:
        super().__init__()
        of_input, of_state = self.gates
        self.of_input = nn.Conv2d(inputs, of_input * hidden, 3, stride=stride, padding=1)
        self.of_state = nn.Conv2d(
            hidden, of_state * hidden, kernel, padding=kernel // 2, bias=False
        )

    def _zeros(self, like: Tensor) -> Tensor:
        """A state before the first iteration, (N, hidden, h, w), for a gate of that size."""
        shape = (like.shape[0], self.of_state.in_channels, *like.shape[2:])
        return like.new_zeros(shape)


class ConvLstm(_Cell):
    """An LSTM: c ← σ(f)·c + σ(i)·tanh(g), h ← σ(o)·tanh(c)."""

    gates = (4, 4)

    def forward(self, x: Tensor, state: State | None) -> tuple[Tensor, State]:
        """Map (N, inputs, H, W) and (h, c) to h, (N, hidden, H/stride, W/stride), and (h, c)."""
        of_input = self.of_input(x)
        h, c = state or (self._zeros(of_input),) * 2
        forget, enter, leave, change = (of_input + self.of_state(h)).chunk(4, 1)
        c = forget.sigmoid() * c + enter.sigmoid() * change.tanh()
        h = leave.sigmoid() * c.tanh()
        return h, (h, c)


class ConvGru(_Cell):
    """A GRU: h ← (1 − z)·h + z·tanh(W·x + U·(r·h))."""

    gates = (3, 2)

    def __init__(self, inputs: int, hidden: int, *, stride: int, kernel: int) -> None:
        super().__init__(inputs, hidden, stride=stride, kernel=kernel)
        self.of_kept = nn.Conv2d(hidden, hidden, kernel, padding=kernel // 2, bias=False)

    def forward(self, x: Tensor, state: State | None) -> tuple[Tensor, State]:
        """Map (N, inputs, H, W) and (h,) to h, (N, hidden, H/stride, W/stride), and (h,)."""
        h, _ = self._next(self.of_input(x), state)
        return h, (h,)

    def _next(self, of_input: Tensor, state: State | None) -> tuple[Tensor, Tensor]:
        """The hidden state after and before."""
        (before,) = state or (self._zeros(of_input),)
        z_in, r_in, change_in = of_input.chunk(3, 1)
        z_of, r_of = self.of_state(before).chunk(2, 1)
        z, r = (z_in + z_of).sigmoid(), (r_in + r_of).sigmoid()
        change = (change_in + self.of_kept(r * before)).tanh()
        return before + z * (change - before), before


class ResidualConvGru(ConvGru):
    """A residual GRU: h ← GRU(x, h) + 0.1·V·h, and the output is h + 0.1·W·x."""

    def __init__(self, inputs: int, hidden: int, *, stride: int, kernel: int) -> None:
        super().__init__(inputs, hidden, stride=stride, kernel=kernel)
        self.past = nn.Conv2d(hidden, hidden, kernel, padding=kernel // 2, bias=False)
        self.straight = nn.Conv2d(inputs, hidden, 1, stride=stride, bias=False)

    def forward(self, x: Tensor, state: State | None) -> tuple[Tensor, State]:
        """Map (N, inputs, H, W) and (h,) to (N, hidden, H/stride, W/stride), and (h,)."""
        after, before = self._next(self.of_input(x), state)
        h = after + _MIXED * self.past(before)
        return torch.add(h, self.straight(x), alpha=_MIXED), (h,)


CELLS: dict[str, type[_Cell]] = {
    "gru": ConvGru,
    "lstm": ConvLstm,
    "residual-gru": ResidualConvGru,
}
