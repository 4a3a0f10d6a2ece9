"""What every network from picture to picture says of itself."""

from typing import Any

from torch import nn


class FilterNetwork(nn.Module):
    """A network (x, QP) → x̄ of the same size, both in [0, 1].

    Attributes:
        config: the constructor's arguments: what a weights file must say beside its tensors.
        stride: a picture cut at a multiple of it gives the same features, in pixels.
        reach: farther away than this no input pixel touches an output pixel, in pixels.
    """

    config: dict[str, Any]
    stride: int
    reach: int
