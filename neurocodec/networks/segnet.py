"""SegNet as an autoencoder of pictures: the decoder gets indices of maxima, and no bypass.

V. Badrinarayanan and others, "SegNet: A Deep Convolutional Encoder-Decoder Architecture for Image
Segmentation"; as a filter: S. Palacio and others, "What do Deep Networks Like to See?", CVPR 2018.
"""

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

from neurocodec.networks.filter import FilterNetwork, padded
from neurocodec.networks.precision import exact

_CONVS = (2, 2, 3, 3, 3)  # of VGG-16's stages
_FACTORS = (1, 2, 4, 8, 8)  # of their widths
_SETTLING = 50  # forward passes of a stage after which its statistics stay

DEPTH = len(_CONVS)
"""Stages down, and up."""


class SegNet(FilterNetwork):
    """x' = segnet(x), of the size of x, clamped to [0, 1]; its weights are random at first.

    There is no identity path: the network learns to copy the picture first.

    Args:
        width: channels of the first stage; 64 is VGG-16's.
    """

    stride = 2**DEPTH
    reach = 224
    tile = 256

    def __init__(self, width: int = 64) -> None:
        super().__init__()
        self.config = {"width": width}
        self.body = Autoencoder(width)

    def forward(self, x: Tensor, qp: Tensor | float = 0.0, depth: int = DEPTH) -> Tensor:
        """Filter pictures.

        Args:
            x: (N, 3, H, W) float in [0, 1], any size.
            qp: changes nothing.
            depth: stages to go down before going up again, 1 to DEPTH; for learning to copy.
        """
        height, width = x.shape[-2:]
        filtered: Tensor = self.body(padded(x, self.stride), None, depth)
        return filtered[..., :height, :width].clamp(0, 1)


class Autoencoder(nn.Module):
    """VGG-16's convolutions down, and their mirror image up."""

    def __init__(self, width: int) -> None:
        super().__init__()
        widths = [width * factor for factor in _FACTORS]
        stages = list(zip([3, *widths], widths, _CONVS, strict=False))
        self.encoder = nn.ModuleList(
            _stage([before, *[after] * convs]) for before, after, convs in stages
        )
        self.decoder = nn.ModuleList(
            _stage([*[after] * convs, before]) for before, after, convs in reversed(stages[1:])
        )
        self.decoder.append(_stage([width] * _CONVS[0]))
        self.last = nn.Conv2d(width, 3, 3, padding=1)
        # Gray at first: outside [0, 1] the clamp would leave no gradient to learn from.
        self.last.bias = nn.Parameter(torch.full((3,), 0.5))

    def forward(self, x: Tensor, qp: Tensor | None, depth: int = DEPTH) -> Tensor:
        """Map (N, 3, H, W) to the same shape; H and W are multiples of 32."""
        f, maxima = x, []
        for stage in self.encoder[:depth]:
            f, indices = functional.max_pool2d(stage(f), 2, return_indices=True)
            maxima.append(indices)
        for stage in self.decoder[DEPTH - depth :]:
            f = stage(functional.max_unpool2d(f, maxima.pop(), [2, 2]))
        return exact(self.last, f) + self._left_out(depth)

    def _left_out(self, depth: int) -> Tensor:
        """0, by the parameters of stages that are left out: training reaches all parameters.

        Adam counts those steps, so that a stage that joins late begins with up to four times its
        learning rate.
        """
        zero = self.last.weight.new_zeros(())
        for stage in [*self.encoder[depth:], *self.decoder[: DEPTH - depth]]:
            for parameter in stage.parameters():
                zero = zero + 0 * parameter.sum()
        return zero


class SettledNorm(nn.BatchNorm2d):
    """Batch normalisation whose statistics stay as its first passes in training found them.

    By its own statistics a batch of a few crops loses how bright it is, and cannot be copied.
    """

    _settled = False

    def forward(self, x: Tensor) -> Tensor:
        """Normalise (N, C, H, W)."""
        if self.training and not self._has_settled():
            return super().forward(x)
        return functional.batch_norm(
            x, self.running_mean, self.running_var, self.weight, self.bias, eps=self.eps
        )

    def _has_settled(self) -> bool:
        # Read from the device until it has, and then never again.
        if not self._settled:
            self._settled = int(self.get_buffer("num_batches_tracked")) >= _SETTLING
        return self._settled


def _stage(widths: list[int]) -> nn.Sequential:
    """Make a convolution, normalisation and ReLU from each width to the next."""
    layers: list[nn.Module] = []
    for before, after in pairwise(widths):
        layers += [nn.Conv2d(before, after, 3, padding=1), SettledNorm(after), nn.ReLU()]
    return nn.Sequential(*layers)
