"""Value swapping: the real codec's value forward, the proxy's gradient backward."""

from collections.abc import Sequence
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


def swap_values(
    x_hat: Tensor, r: Sequence[float], y_hat: Tensor, r_p: Tensor
) -> tuple[Tensor, Tensor]:
    """Return ŷ and R_p with the real codec's values, R_p's gradient times R / R_p.

    By that factor a proxy whose rate is off by a factor does no harm.

    Args:
        x_hat: the decoded pictures, (N, 3, H, W).
        r: bpp of their files, N.
        y_hat: the proxy's pictures, of the shape of `x_hat`.
        r_p: the proxy's rates, (N,), above 0.
    """
    rates = torch.tensor(r, dtype=r_p.dtype, device=r_p.device)
    return swap(x_hat, y_hat), swap(rates, r_p * (rates / r_p).detach())


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
