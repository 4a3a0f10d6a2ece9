"""The maximum mean discrepancy: how far two sets of samples are from one distribution."""

import torch
from torch import Tensor

KERNELS = 8
_TINY = 1e-12


def mmd(clean: Tensor, decoded: Tensor) -> Tensor:
    """(1/n²)·[Σᵢⱼ k(xᵢ, xⱼ) + Σᵢⱼ k(yᵢ, yⱼ) − 2·Σᵢⱼ k(xᵢ, yⱼ)], over all i and j.

    k(a, b) = ⅛·Σᵤ exp(−2ᵘ·‖a − b‖² / m), u = 0 … 7, m the mean of ‖xᵢ‖²: eight Gaussians, from as
    wide as the clean samples are long, which is a width that one sample has too. Equation 6 of
    "Discernible Image Compression", the squared distance of two means, whose expansion there lost
    the factor 2. This is the full estimate, biased and never negative, not the one in linear time.

    Args:
        clean: x, (n, features), n ≥ 1; m takes no gradient to it.
        decoded: y, likewise.

    Returns:
        A number in [0, 2], 0 where the sets are equal.
    """
    m = clean.detach().square().sum(1).mean().clamp_min(_TINY)
    within = _kernel(clean, clean, m).mean() + _kernel(decoded, decoded, m).mean()
    return within - 2 * _kernel(clean, decoded, m).mean()


def _kernel(a: Tensor, b: Tensor, m: Tensor) -> Tensor:
    """(n, n)."""
    distance = (a[:, None] - b[None]).square().sum(2) / m
    powers = 2.0 ** torch.arange(KERNELS, dtype=a.dtype, device=a.device)
    return (-powers * distance[..., None]).exp().mean(2)
