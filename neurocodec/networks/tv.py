"""The TV filter's network: an encoder and a decoder with bypasses, the same for every QP.

S. Suzuki and others, "Image Pre-Transformation for Recognition-Aware Image Compression". The poster
gives no numbers of layers or channels: those below are this program's.
"""

from itertools import pairwise

from torch import Tensor, nn

from neurocodec.networks.adaptation import start_at_zero
from neurocodec.networks.filter import FilterNetwork
from neurocodec.networks.precision import exact

_LEVELS = 3


class Tv(FilterNetwork):
    """x' = tv(x), of the size of x, clamped to [0, 1]; at first x' = x.

    Args:
        width: channels of the first stage.
    """

    stride = 2**_LEVELS
    reach = 64

    def __init__(self, width: int = 32) -> None:
        super().__init__()
        self.config = {"width": width}
        self.body = EncoderDecoder(width)


class EncoderDecoder(nn.Module):
    """x' = x + d(e(x)); the encoder's features of each size are added to the decoder's.

    Down by c = 32, 64, 128, 256, each stage a convolution of stride 2 and one more; up likewise,
    by transposed convolutions. The last layer is 0 at first.
    """

    def __init__(self, width: int) -> None:
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

    def forward(self, x: Tensor, qp: Tensor) -> Tensor:
        """Map (N, 3, H, W) to the same shape; H and W are multiples of 8."""
        f = self.enter(x)  # (N, c, H, W) at c = 32, H/2 at 64 …
        bypasses = []
        for down in self.down:
            bypasses.append(f)
            f = down(f)
        for grow, joined in zip(self.grow, self.joined, strict=True):
            f = joined(grow(f) + bypasses.pop())
        return x + exact(self.last, f)


def _stage(first: nn.Conv2d) -> nn.Sequential:
    c = first.out_channels
    return nn.Sequential(first, nn.ReLU(), nn.Conv2d(c, c, 3, padding=1), nn.ReLU())
