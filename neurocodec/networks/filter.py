"""The base class of networks from picture to picture."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional


class FilterNetwork(nn.Module):
    """A network (x, QP) → x̄ of the same size, both in [0, 1]; a subclass makes its `body`.

    Attributes:
        body: maps (N, 3, H, W) and QPs (N,) to pictures of that size, not clamped; H and W are
            multiples of `stride`.
        config: the constructor's arguments, which a weights file holds beside the tensors.
        stride: a picture cut at a multiple of it gives the same features, in pixels.
        reach: farther away than this no input pixel touches an output pixel, in pixels.
        tile: default side of a large picture's tiles, in pixels; memory stays under 2 GB.
    """

    body: nn.Module
    config: dict[str, Any]
    stride: int
    reach: int
    tile: int = 512

    def forward(self, x: Tensor, qp: Tensor | float = 0.0) -> Tensor:
        """Pad, filter, crop and clamp pictures.

        Args:
            x: (N, 3, H, W) float in [0, 1], any size.
            qp: on BPG's scale, or what else the body adapts to: one for all, or (N,).
        """
        qps = torch.as_tensor(qp, dtype=x.dtype, device=x.device).expand(x.shape[0])
        height, width = x.shape[-2:]
        filtered: Tensor = self.body(padded(x, self.stride), qps)
        return filtered[..., :height, :width].clamp(0, 1)


def padded(x: Tensor, stride: int) -> Tensor:
    """Replicate the right and lower edges of x, (N, C, H, W), up to multiples of `stride`."""
    height, width = x.shape[-2:]
    return functional.pad(x, (0, -width % stride, 0, -height % stride), mode="replicate")
