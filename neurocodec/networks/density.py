"""SPIC's density of latents: one for every channel, learned, and as whole numbers for the coder.

It is of what is left of latents after their prediction (latent_prediction.py).

q of "Semantic Preserving Image Compression", whose form the slides leave open: here a mixture of
logistics. A latent that is rounded to multiples of a step has the probability of what is rounded
to it. The entropy coder goes by counts that are kept in the model: whole numbers, equal on every
machine (expectation.py).
"""

import math
from collections.abc import Iterator

import torch
from torch import Tensor, nn

FINEST = 128  # the quality factor at which latents are rounded to whole numbers
REACH = 64  # of latents: beyond −REACH … REACH they are clamped

_COMPONENTS = 3
_WIDTHS = (0.3, 1.0, 3.0)  # of the components at first, times the channel's own
_NARROWEST = 0.3  # standard deviation at first: farther symbols would have no gradient
_LEAST = 1e-9  # of a probability, in training
_LEAST_SCALE, _LARGEST_SCALE = math.log(1e-3), math.log(REACH)
FINE = 16  # counts a unit of latents
PLACES = 2 * REACH * FINE + 1
_TOTAL = 1 << 24


class Density(nn.Module):
    """The density of C channels of latents.

    Args:
        channels: C.
    """

    table: Tensor

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.shares = nn.Parameter(torch.zeros(channels, _COMPONENTS))
        self.means = nn.Parameter(torch.zeros(channels, _COMPONENTS))
        self.log_scales = nn.Parameter(torch.tensor(_WIDTHS).log().repeat(channels, 1))
        table = torch.arange(PLACES, dtype=torch.int32).repeat(channels, 1)
        self.register_buffer("table", table)

    def bits(self, latents: Tensor, step: Tensor) -> Tensor:
        """−log2 q of rounded latents, summed over channels and places.

        Args:
            latents: (N, C, h, w), multiples of the step, less their prediction.
            step: (N,).

        Returns:
            (N,), differentiable.
        """
        half = step[:, None, None, None] / 2
        between = torch.zeros_like(latents)
        for share, mean, scale in self._components():
            from_mean = latents - mean
            # On the side where the logistic is near 0 float32 has digits to tell it from 0.
            side = torch.where(from_mean > 0, -1.0, 1.0)
            upper, lower = ((from_mean + edge) * side / scale for edge in (half, -half))
            between = between + share * (upper.sigmoid() - lower.sigmoid()).abs()
        return -between.clamp_min(_LEAST).log2().flatten(1).sum(1)

    @torch.no_grad()
    def start_from(self, deviation: Tensor) -> None:
        """Start with channels of mean 0 and this standard deviation, (C,)."""
        scale = deviation.clamp_min(_NARROWEST) * (math.sqrt(3) / math.pi)
        widths = torch.tensor(_WIDTHS, device=scale.device)
        self.log_scales.copy_((scale[:, None] * widths).log())

    @torch.no_grad()
    def write_counts(self) -> None:
        """Write the counts that the entropy coder goes by, from the density."""
        edges = torch.arange(PLACES, device=self.means.device) / FINE - REACH
        parts = [
            share * torch.sigmoid((edges - mean) / scale)
            for share, mean, scale in self._components()
        ]
        below = torch.stack(parts).sum(0).double().reshape(-1, PLACES)
        first, last = below[:, :1], below[:, -1:]
        shares = (below - first) / (last - first).clamp_min(_LEAST)
        # A count for every place keeps all probabilities above 0.
        least = torch.arange(PLACES, device=edges.device)
        self.table.copy_((shares * (_TOTAL - PLACES + 1)).round() + least)

    def _components(self) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
        """Share, mean and scale of the components, (C, 1, 1) each."""
        shares = self.shares.softmax(1)
        scales = self.log_scales.clamp(_LEAST_SCALE, _LARGEST_SCALE).exp()
        for one in range(_COMPONENTS):
            share, mean, scale = (
                values[:, one, None, None] for values in (shares, self.means, scales)
            )
            yield share, mean, scale


def largest(qf: Tensor) -> Tensor:
    """The largest symbol K at quality factors: its interval ends within REACH."""
    return ((2 * REACH * qf / FINEST - 1) / 2).floor()


def step_of(qf: Tensor) -> Tensor:
    """The step of rounding at quality factors."""
    return FINEST / qf
