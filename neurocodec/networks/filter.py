"""What every network from picture to picture has in common."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional


class FilterNetwork(nn.Module):
    """A network (x, QP) → x̄ of the same size, both in [0, 1]; a subclass gives `filtered`.

    Attributes:
        config: the constructor's arguments: what a weights file must say beside its tensors.
        stride: a picture cut at a multiple of it gives the same features, in pixels.
        reach: farther away than this no input pixel touches an output pixel, in pixels.
        tile: default side of the tiles that a large picture is cut into, in pixels: as large as
            memory well under 2 GB allows.
    """

    config: dict[str, Any]
    stride: int
    reach: int
    tile: int = 512

    def forward(self, x: Tensor, qp: Tensor | float = 0.0) -> Tensor:
        """The filtered pictures: padded, filtered, cropped and clamped.

        Args:
            x: (N, 3, H, W) float in [0, 1], any size.
            qp: on BPG's scale: one for all, or (N,).
        """
        qps = torch.as_tensor(qp, dtype=x.dtype, device=x.device).expand(x.shape[0])
        height, width = x.shape[-2:]
        filtered = self.filtered(padded(x, self.stride), qps)[..., :height, :width]
        return filtered.clamp(0, 1)

    def filtered(self, x: Tensor, qps: Tensor) -> Tensor:
        """The filtered pictures, unclamped; H and W are multiples of `stride`, `qps` is (N,)."""
        raise NotImplementedError


def padded(x: Tensor, stride: int) -> Tensor:
    """x with its right and lower edges replicated up to multiples of `stride`.

    Args:
        x: (N, C, H, W).
        stride: in pixels.
    """
    height, width = x.shape[-2:]
    return functional.pad(x, (0, -width % stride, 0, -height % stride), mode="replicate")
