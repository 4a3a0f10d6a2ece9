"""TV-L1: the cartoon part of a picture, its fine texture removed and its edges kept.

V. Le Guen, "Cartoon + Texture Image Decomposition by the TV-L1 Model", Image Processing On Line 4,
2014; by the primal–dual algorithm of A. Chambolle and T. Pock, "A First-Order Primal-Dual Algorithm
for Convex Problems with Applications to Imaging", J. Math. Imaging Vis. 40, 2011, Algorithm 1.
"""

import math

import torch
from torch import Tensor

from neurocodec.errors import UsageError
from neurocodec.filters.filter import Filter
from neurocodec.images import Image
from neurocodec.networks import devices
from neurocodec.networks.tensors import to_images, to_tensor

_TAU = 0.02  # closest to the minimiser after 100 steps, of 0.005 … 0.2 on photographs
_SIGMA = 1 / (8 * _TAU)  # the largest for which τσ‖∇‖² ≤ 1: ‖∇‖² ≤ 8


class TvL1(Filter):
    """Replaces a picture by its cartoon part, alike at every QP; alpha is kept.

    Args:
        lmbda: λ, weight of the distance to the picture. What is narrower than about 4/λ pixels
            goes: 0.5 leaves large shapes only, 1 removes texture, 2 is mild (a median of 38 dB
            to the picture on photographs of 224×224), from 2 + √2 on nothing changes.
        iterations: of the primal–dual algorithm.
        device: "cpu", "cuda" or "auto".

    Raises:
        UsageError: a setting out of its range, or no such device.
    """

    def __init__(self, lmbda: float = 2.0, iterations: int = 100, device: str = "cpu") -> None:
        if not (math.isfinite(lmbda) and lmbda > 0):
            raise UsageError(f"tvl1:lmbda is a number above 0, useful from 0.3 to 3, not {lmbda:g}")
        if iterations < 1:
            raise UsageError(f"tvl1:iterations is at least 1, not {iterations}")
        self.lmbda = lmbda
        self.iterations = iterations
        self.device = devices.resolve(device)
        self.device_type = self.device.type

    def __call__(self, image: Image, qp: float) -> Image:
        """Compute the cartoon part, rounded to the nearest level."""
        cartoon = tv_l1(to_tensor([image], self.device), self.lmbda, self.iterations)
        return to_images(cartoon, [image])[0]


@torch.no_grad()
def tv_l1(f: Tensor, lmbda: float, iterations: int) -> Tensor:
    """Find the u that minimises Σ|∇u| + λ·Σ|u − f|, each channel for itself.

    |∇u| is the Euclidean length of the forward differences, which are 0 across the border. Both
    terms scale with the range, so λ means the same for levels 0–255. After no iteration u is f.

    Args:
        f: (N, C, H, W) float in [0, 1]; the result has its shape.
        lmbda: λ, above 0.
        iterations: of Chambolle and Pock's Algorithm 1 with θ = 1.
    """
    # Channel by channel: a third of the memory, and equal channels stay equal to the last bit.
    planes = torch.split(f, 1, dim=1)
    return torch.cat([_tv_l1(plane, lmbda, iterations) for plane in planes], dim=1)


def _tv_l1(f: Tensor, lmbda: float, iterations: int) -> Tensor:
    u, u_bar = f, f
    p_x, p_y = torch.zeros_like(f), torch.zeros_like(f)
    for _ in range(iterations):
        _ascend(p_x, p_y, u_bar)
        v = _divergence(p_x, p_y).mul_(_TAU).add_(u)
        next_u = (f - v).clamp_(-_TAU * lmbda, _TAU * lmbda).add_(v)
        u, u_bar = next_u, torch.lerp(u, next_u, 2)
    return u


def _ascend(p_x: Tensor, p_y: Tensor, u_bar: Tensor) -> None:
    """In place, the dual step: p ← p + σ∇ū, then each vector brought back to length 1."""
    p_x[..., :-1].add_(u_bar[..., 1:] - u_bar[..., :-1], alpha=_SIGMA)
    p_y[..., :-1, :].add_(u_bar[..., 1:, :] - u_bar[..., :-1, :], alpha=_SIGMA)
    inverse_length = (p_x * p_x).addcmul_(p_y, p_y).clamp_(min=1).rsqrt_()
    p_x.mul_(inverse_length)
    p_y.mul_(inverse_length)


def _divergence(p_x: Tensor, p_y: Tensor) -> Tensor:
    """Minus the adjoint of the forward differences; p_x is 0 in the last column, p_y in the row."""
    divergence = p_x + p_y
    divergence[..., 1:].sub_(p_x[..., :-1])
    divergence[..., 1:, :].sub_(p_y[..., :-1, :])
    return divergence
