"""The TV filter's network: an encoder and a decoder with bypasses, the same for every QP.

Trained for a range of λ it adapts to λ, as NPP does to the QP.

S. Suzuki and others, "Image Pre-Transformation for Recognition-Aware Image Compression". The poster
gives no numbers of layers or channels: those below are this program's.
"""

import math
from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn

from neurocodec.errors import UsageError
from neurocodec.networks.adaptation import QuantisationAdaptation, adaptation, start_at_zero
from neurocodec.networks.filter import FilterNetwork
from neurocodec.networks.precision import exact

_LEVELS = 3


class Tv(FilterNetwork):
    """x' = tv(x, λ), of the size of x, clamped to [0, 1]; at first x' = x.

    Args:
        width: channels of the first stage.
        lmbdas: the lowest and the highest λ that it adapts to; None does not adapt.
    """

    stride = 2**_LEVELS
    reach = 64

    def __init__(self, width: int = 32, lmbdas: Sequence[float] | None = None) -> None:
        super().__init__()
        self.config = {"width": width}
        self.lmbdas: tuple[float, float] | None = None
        if lmbdas is not None:
            lowest, highest = lmbdas
            self.lmbdas = (lowest, highest)
            self.config["lmbdas"] = list(self.lmbdas)
        self.body = EncoderDecoder(width, self.lmbdas)

    def forward(
        self, x: Tensor, qp: Tensor | float = 0.0, lmbda: Tensor | float | None = None
    ) -> Tensor:
        """Filter pictures.

        Args:
            x: (N, 3, H, W) float in [0, 1], any size.
            qp: changes nothing.
            lmbda: λ, one for all, or (N,); None is the geometric mean of `lmbdas`.

        Raises:
            UsageError: the network does not adapt to λ, or not to this one.
        """
        if self.lmbdas is None:
            if lmbda is not None:
                raise UsageError("the weights are of one λ: leave out lmbda")
            return super().forward(x)
        lowest, highest = self.lmbdas
        chosen = torch.as_tensor(math.sqrt(lowest * highest) if lmbda is None else lmbda)
        outside = chosen[(chosen < lowest) | (chosen > highest)].flatten()
        if len(outside):
            found = float(outside[0])
            raise UsageError(
                f"lmbda goes from {lowest:g} to {highest:g} for these weights, not {found:g}"
            )
        return super().forward(x, chosen.to(x).log())


class EncoderDecoder(nn.Module):
    """x' = x + d(e(x)); the encoder's features of each size are added to the decoder's.

    Down by c = 32, 64, 128, 256, each stage a convolution of stride 2 and one more; up likewise,
    by transposed convolutions. The last layer is 0 at first. The features that enter a stage of
    the decoder are adapted to λ.
    """

    def __init__(self, width: int, lmbdas: tuple[float, float] | None = None) -> None:
        super().__init__()
        widths = [width * 2**level for level in range(_LEVELS + 1)]
        steps = list(pairwise(widths))
        self.enter = nn.Sequential(nn.Conv2d(3, width, 3, padding=1), nn.ReLU())
        self.down = nn.ModuleList(
            _stage(nn.Conv2d(fine, coarse, 3, stride=2, padding=1)) for fine, coarse in steps
        )
        self.grow = nn.ModuleList(
            nn.ConvTranspose2d(coarse, fine, 3, stride=2, padding=1, output_padding=1)
            for fine, coarse in reversed(steps)
        )
        self.joined = nn.ModuleList(
            _stage(nn.Conv2d(fine, fine, 3, padding=1)) for fine, _ in reversed(steps)
        )
        self.last = nn.Conv2d(width, 3, 3, padding=1)
        # He's rule: without normalisation torch's defaults let features fade layer by layer.
        for module in self.modules():
            if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
        start_at_zero(self.last)
        self.adapted = nn.ModuleList(_adaptation(fine, lmbdas) for fine in reversed(widths))

    def forward(self, x: Tensor, log_lmbda: Tensor) -> Tensor:
        """Map (N, 3, H, W) to the same shape; H and W are multiples of 8, log λ is (N,)."""
        f = self.enter(x)  # (N, c, H, W) at c = 32, H/2 at 64 …
        bypasses = []
        for down in self.down:
            bypasses.append(f)
            f = down(f)
        first, *others = self.adapted
        f = first(f, log_lmbda)
        for grow, joined, adapted in zip(self.grow, self.joined, others, strict=True):
            f = adapted(joined(grow(f) + bypasses.pop()), log_lmbda)
        return x + exact(self.last, f)


def _adaptation(channels: int, lmbdas: tuple[float, float] | None) -> nn.Module:
    if lmbdas is None:
        return adaptation(channels, qa=False)
    lowest, highest = (math.log(lmbda) for lmbda in lmbdas)
    return QuantisationAdaptation(channels, (lowest + highest) / 2, (highest - lowest) / 4)


def _stage(first: nn.Conv2d) -> nn.Sequential:
    c = first.out_channels
    return nn.Sequential(first, nn.ReLU(), nn.Conv2d(c, c, 3, padding=1), nn.ReLU())
