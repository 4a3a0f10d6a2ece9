"""A linear prediction of SPIC's latents from their neighbours, in whole numbers.

Places are coded row by row. Of a place all channels are predicted from all channels of the places
above, to both sides of that, and on the left; the density (density.py) is of what is left over. As
the context model of "Joint Autoregressive and Hierarchical Priors for Learned Image Compression"
(Minnen 2018), but linear: what is rounded to coarser steps needs no other weights. Sums of whole
numbers in float64 are exact, whatever their order: every machine predicts alike.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

from neurocodec.networks.precision import exactly

UNIT = 1024  # of a weight, and of a prediction in steps
_LARGEST = (1 << 15) - 1
_NEIGHBOURS = ((-1, -1), (-1, 0), (-1, 1), (0, -1))  # row, column


class LatentPrediction(nn.Module):
    """The prediction of C channels of latents; at first 0, which tells nothing.

    Args:
        channels: C.
    """

    weights: Tensor
    bias: Tensor

    def __init__(self, channels: int) -> None:
        super().__init__()
        shape = (channels, channels, len(_NEIGHBOURS))
        self.register_buffer("weights", torch.zeros(shape, dtype=torch.int16))
        self.register_buffer("bias", torch.zeros(channels, dtype=torch.int32))

    def forward(self, latents: Tensor) -> Tensor:
        """Predict all latents from known ones, (N, C, h, w), differentiably; 0 is outside."""
        kernel = latents.new_zeros(*self.weights.shape[:2], 3, 3)
        for number, (row, column) in enumerate(_NEIGHBOURS):
            kernel[..., row + 1, column + 1] = self.weights[..., number].to(latents) / UNIT
        with exactly(latents):
            return functional.conv2d(latents, kernel, self.bias.to(latents) / UNIT, padding=1)

    def matrix(self) -> Tensor:
        """The weights as whole numbers in float64, (C, neighbours · C), in units."""
        return self.weights.double().movedim(2, 1).flatten(1)

    def keep(self, weights: Tensor, bias: Tensor) -> None:
        """Round weights (C, neighbours · C) and a bias (C,) in latents' units."""
        units = (weights * UNIT).round().clamp(-_LARGEST, _LARGEST)
        shape = (len(weights), len(_NEIGHBOURS), len(weights))
        self.weights.copy_(units.reshape(shape).movedim(1, 2).short())
        self.bias.copy_((bias * UNIT).round().int())


def neighbours(latents: Tensor) -> Tensor:
    """The known neighbours of every place, (N, neighbours · C, h, w); 0 is outside."""
    height, width = latents.shape[-2:]
    padded = functional.pad(latents, (1, 1, 1, 0))
    shifted = [
        padded[..., 1 + row : 1 + row + height, 1 + column : 1 + column + width]
        for row, column in _NEIGHBOURS
    ]
    return torch.cat(shifted, 1)
