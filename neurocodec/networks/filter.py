"""What every network from picture to picture says of itself."""

from typing import Any

from torch import Tensor, nn
from torch.nn import functional


class FilterNetwork(nn.Module):
    """A network (x, QP) → x̄ of the same size, both in [0, 1].

    Attributes:
        config: the constructor's arguments: what a weights file must say beside its tensors.
        stride: a picture cut at a multiple of it gives the same features, in pixels.
        reach: farther away than this no input pixel touches an output pixel, in pixels.
        tile: side of the tiles that a large picture is cut into where nothing else is asked, in
            pixels: as large as memory well under 2 GB allows.
    """

    config: dict[str, Any]
    stride: int
    reach: int
    tile: int = 512


def padded(x: Tensor, stride: int) -> Tensor:
    """x with its right and lower edges replicated up to multiples of `stride`.

    Args:
        x: (N, C, H, W).
        stride: in pixels.
    """
    height, width = x.shape[-2:]
    return functional.pad(x, (0, -width % stride, 0, -height % stride), mode="replicate")
