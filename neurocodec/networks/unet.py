"""The NPP paper's two branches, and its U-Net alone as a residual."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from neurocodec.networks.adaptation import adaptation, start_at_zero
from neurocodec.networks.precision import exact, exactly

_LEVELS = 4


class TwoBranches(nn.Module):
    """Figure 3 of the NPP paper: x̄ = pixel branch(x) + U-Net(x), both ending in ReLU.

    There is no identity path: the network learns to copy the picture first.
    """

    stride, reach, tile = 16, 128, 448

    def __init__(self, width: int, *, qa: bool) -> None:
        super().__init__()
        self.first, self.second = nn.Conv2d(3, 3, 1), nn.Conv2d(3, 3, 1)
        self.first_qa, self.second_qa = adaptation(3, qa=qa), adaptation(3, qa=qa)
        self.unet = UNet(width, qa=qa, norm=True)

    def forward(self, x: Tensor, qp: Tensor) -> Tensor:
        """Filter pictures, (N, 3, H, W), at least 0; H and W multiples of 16."""
        deep = self.unet(x, qp)
        with exactly(x):
            pixel = torch.relu(self.first_qa(self.first(x), qp))
            pixel = torch.relu(self.second_qa(self.second(pixel), qp))
            return pixel + torch.relu(deep)


class Residual(nn.Module):
    """x̄ = x + U-Net(x), without batch normalisation, the U-Net's last layer 0 at first."""

    stride, reach, tile = 16, 128, 448

    def __init__(self, width: int, *, qa: bool) -> None:
        super().__init__()
        self.unet = UNet(width, qa=qa, norm=False)
        start_at_zero(self.unet.last)

    def forward(self, x: Tensor, qp: Tensor) -> Tensor:
        """Filter pictures, (N, 3, H, W); H and W multiples of 16."""
        deep: Tensor = self.unet(x, qp)
        return x + deep


class UNet(nn.Module):
    """Down by c = 32, 64, 128, 256, up again, and a tail of 32; adapted where the paper adapts.

    A down stage is two convolutions and one of stride 2; the second's output is the skip. An up
    stage is two convolutions to 2c and a transposed one of stride 2 to c, joined by the skip of c.
    """

    def __init__(self, width: int, *, qa: bool, norm: bool) -> None:
        super().__init__()
        down = [width * 2**level for level in range(_LEVELS)]
        ups = down[::-1]
        self.features = nn.ModuleList(
            nn.Sequential(_conv(c_in, c, norm), _conv(c, c, norm))
            for c_in, c in zip([3, *down], down, strict=False)
        )
        self.shrink = nn.ModuleList(_conv(c, c, norm, stride=2) for c in down)
        self.shrink_qa = _adaptations([*down[:-1], None], qa)
        self.grow = nn.ModuleList(
            nn.Sequential(
                _conv(c_in, 2 * c, norm), _conv(2 * c, 2 * c, norm), _transposed(2 * c, c, norm)
            )
            for c_in, c in zip([ups[0], *(2 * c for c in ups)], ups, strict=False)
        )
        self.joined_qa = _adaptations([None, *(2 * c for c in ups[1:])], qa)
        self.tail = nn.Sequential(_conv(2 * width, width, norm), _conv(width, width, norm))
        self.last = nn.Conv2d(width, 3, 1)

    def forward(self, x: Tensor, qp: Tensor) -> Tensor:
        """Map (N, 3, H, W) to the same shape; H and W are multiples of 16."""
        skips = []
        for features, shrink, qa in zip(self.features, self.shrink, self.shrink_qa, strict=True):
            skips.append(features(x))  # (N, c, H, W) at c = 32, H/2 at 64 …
            x = qa(shrink(skips[-1]), qp)
        for grow, qa in zip(self.grow, self.joined_qa, strict=True):
            x = qa(torch.cat([grow(x), skips.pop()], dim=1), qp)
        return exact(self.last, self.tail(x))


def _adaptations(channels: Sequence[int | None], qa: bool) -> nn.ModuleList:
    """Make a layer for each entry; None is a place that the paper does not adapt."""
    return nn.ModuleList(adaptation(c or 1, qa=qa and c is not None) for c in channels)


def _conv(c_in: int, c_out: int, norm: bool, stride: int = 1) -> nn.Sequential:
    return _normed(nn.Conv2d(c_in, c_out, 3, stride, padding=1), norm)


def _transposed(c_in: int, c_out: int, norm: bool) -> nn.Sequential:
    return _normed(nn.ConvTranspose2d(c_in, c_out, 3, 2, padding=1, output_padding=1), norm)


def _normed(conv: nn.Conv2d | nn.ConvTranspose2d, norm: bool) -> nn.Sequential:
    return nn.Sequential(conv, *([nn.BatchNorm2d(conv.out_channels)] if norm else []), nn.ReLU())
