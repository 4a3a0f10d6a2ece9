"""Value swapping: the real codec's value forward, the proxy's gradient backward."""

from typing import Any

import torch
from torch import Tensor


def swap(real: Tensor, proxy: Tensor) -> Tensor:
    """Return a tensor with exactly the value of `real` and the gradient of `proxy`.

    Lines 5 and 6 of the NPP paper's Algorithm 1, "Ŷ.data ← X̂.data". The usual trick
    proxy + (real − proxy).detach() rounds, so that its value is not quite the codec's.

    Args:
        real: any shape; gets no gradient.
        proxy: of the same shape, type and device.
    """
    swapped: Tensor = _Swap.apply(real, proxy)
    return swapped


def round_to_levels(x: Tensor) -> Tensor:
    """Clamp x to [0, 1] and round it to 1/255, the gradient straight through.

    The result is the input of a codec of 8-bit pictures. Outside [0, 1] the gradient is 0.
    """
    clamped = x.clamp(0, 1)
    return swap((clamped.detach() * 255).round() / 255, clamped)


class _Swap(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, real: Tensor, proxy: Tensor) -> Tensor:
        return real.detach().clone()

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[None, Tensor]:
        return None, gradients[0]
