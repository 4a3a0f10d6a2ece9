"""The precision of networks: bfloat16 where it serves, float32 where pixels are made."""

import torch
from torch import Tensor, nn

Precision = torch.autocast


def precision(device: torch.device, *, amp: bool) -> Precision:
    """Return a reusable context that computes in bfloat16 where torch's rules allow it."""
    return torch.autocast(device.type, torch.bfloat16, enabled=amp)


def exactly(x: Tensor) -> Precision:
    """Return a context that computes in float32, for layers that make pixels.

    bfloat16 has 8 bits: it would add noise of one level to a picture of 8 bits.
    """
    return torch.autocast(x.device.type, enabled=False)


def exact(layer: nn.Conv2d | nn.ConvTranspose2d, x: Tensor) -> Tensor:
    """Apply a convolution in the precision of its weights, whatever the context."""
    with exactly(x):
        y: Tensor = layer(x.to(layer.weight.dtype))
        return y
