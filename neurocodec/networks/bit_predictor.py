"""A linear prediction of DIC's bits from those that are known before, in whole numbers.

The bits of an iteration are coded channel by channel, of each channel first every second place, as
on a chess board's black squares, then the white ones. Known before a bit are all bits of the
iteration before and of the channels before, and for a white one its four black neighbours. Their
weighted sum is the logit of a 1. Sums of whole numbers in float64 are exact, whatever their order:
every machine predicts alike, which the entropy coder needs.
"""

from dataclasses import dataclass, fields

import torch
from torch import Tensor, nn
from torch.nn import functional

UNIT = 256  # of a logit: 1 nat
_LARGEST = (1 << 15) - 1


@dataclass(frozen=True, eq=False)
class Weights:
    """The weights of one iteration, for bits of −1 and 1.

    Attributes:
        earlier: (C, C, 3, 3), from the iteration before.
        now: (C, C, 3, 3), from the channels before; only what is below the diagonal counts.
        beside: (C, 4), from the neighbours above, on the left, on the right and below.
        bias: (2, C), of black and of white squares.
    """

    earlier: Tensor
    now: Tensor
    beside: Tensor
    bias: Tensor

    def of_before(self, before: Tensor) -> Tensor:
        """The bias, and what the iteration before tells.

        Args:
            before: its bits, (N, C, H, W); 0 where there was none.

        Returns:
            The part of the logits, of that shape.
        """
        black = black_squares(*before.shape[-2:]).to(before.device)
        bias = torch.where(black, self.bias[0, :, None, None], self.bias[1, :, None, None])
        return functional.conv2d(before, self.earlier, padding=1) + bias

    def of_channel(self, bits: Tensor, channel: int) -> Tensor:
        """What a channel tells of those after it.

        Args:
            bits: of the channel, (N, H, W).
            channel: its number.

        Returns:
            The part of the logits, (N, C − channel − 1, H, W).
        """
        kernel = self.now[channel + 1 :, channel, None]
        return functional.conv2d(bits[:, None], kernel, padding=1)

    def of_neighbours(self, bits: Tensor, channel: int) -> Tensor:
        """What the black squares of a channel tell of its white ones, which are not read.

        Args:
            bits: of the channel, (N, H, W).
            channel: its number.

        Returns:
            The part of the logits, of that shape; 0 on black squares.
        """
        black = black_squares(*bits.shape[-2:]).to(bits.device)
        kernel = bits.new_zeros(3, 3)
        kernel[(0, 1, 1, 2), (1, 0, 2, 1)] = self.beside[channel]
        told = functional.conv2d((bits * black)[:, None], kernel[None, None], padding=1)
        return told[:, 0] * ~black

    def logits(self, before: Tensor, bits: Tensor) -> Tensor:
        """All logits of an iteration whose bits are known: what fits the weights.

        Args:
            before: the bits of the iteration before, (N, C, H, W); 0 where there was none.
            bits: likewise, of this one.

        Returns:
            (N, C, H, W).
        """
        black = black_squares(*bits.shape[-2:]).to(bits.device)
        count = len(self.now)
        causal = torch.ones(count, count, device=bits.device, dtype=bits.dtype).tril(-1)
        of_channels = functional.conv2d(bits, self.now * causal[..., None, None], padding=1)
        kernel = bits.new_zeros(count, 3, 3)
        kernel[:, (0, 1, 1, 2), (1, 0, 2, 1)] = self.beside
        of_neighbours = functional.conv2d(bits * black, kernel[:, None], padding=1, groups=count)
        return self.of_before(before) + of_channels + of_neighbours * ~black


class BitPredictor(nn.Module):
    """The weights of every iteration, rounded; at first 0, which tells nothing.

    Args:
        channels: C, of the bits.
        iterations: with weights of their own; later ones have those of the last.
    """

    def __init__(self, channels: int, iterations: int) -> None:
        super().__init__()
        self._iterations = iterations
        c = channels
        shapes = {"earlier": (c, c, 3, 3), "now": (c, c, 3, 3), "beside": (c, 4), "bias": (2, c)}
        for name, shape in shapes.items():
            self.register_buffer(name, torch.zeros(iterations, *shape, dtype=torch.int16))

    def weights(self, iteration: int) -> Weights:
        """The weights of an iteration: whole numbers in float64, in units."""
        place = min(iteration, self._iterations - 1)
        return Weights(*(getattr(self, field.name)[place].double() for field in fields(Weights)))

    def keep(self, iteration: int, weights: Weights) -> None:
        """Round the weights of an iteration, given in nats, to units."""
        for field in fields(Weights):
            units = (getattr(weights, field.name).detach() * UNIT).round()
            getattr(self, field.name)[iteration] = units.clamp(-_LARGEST, _LARGEST).short()


def black_squares(height: int, width: int) -> Tensor:
    """(H, W) bool: the places that are coded first."""
    return (torch.arange(height)[:, None] + torch.arange(width)) % 2 == 0
