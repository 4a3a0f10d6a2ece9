"""A proxy that needs no training: the rate by a soft count of DCT coefficients."""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from neurocodec.networks.light import TO_YCC

_BLOCK = 16
_SLICE_OFFSET = 3  # x265 codes an intra picture with a QP 3 lower than the one asked for
_WIDENING = 1.5


class DctProxy(nn.Module):
    """ŷ = x̄, and R_p = (1 / HW) Σ ½·log2(1 + (c / 1.5Δ)²) over the AC coefficients c.

    c are those of the orthonormal 16×16 DCT of Y, and of Cb and Cr at half the size, on levels 0 to
    255; Δ = 2^((QP − 3 − 4) / 6) is HEVC's step. The rate is known up to a factor only: what counts
    is how it changes with x̄, relative to itself.
    """

    basis: Tensor
    to_ycc: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("basis", _dct_basis(), persistent=False)
        self.register_buffer("to_ycc", torch.tensor(TO_YCC), persistent=False)

    def forward(self, x_bar: Tensor, qp: Tensor) -> tuple[Tensor, Tensor]:
        """The decoded pictures and their rates.

        Args:
            x_bar: (N, 3, H, W) float in [0, 1]; rows and columns beyond whole blocks do not count.
            qp: (N,) on BPG's scale.

        Returns:
            ŷ (N, 3, H, W), and R_p (N,), above 0.
        """
        ycc = 255 * torch.einsum("dc,nchw->ndhw", self.to_ycc, x_bar)
        step = 2 ** ((qp - _SLICE_OFFSET - 4) / 6)
        chroma = functional.avg_pool2d(ycc[:, 1:], 2)
        bits = self._soft_bits(ycc[:, :1], step) + self._soft_bits(chroma, step)
        return x_bar, bits / (x_bar.shape[-2] * x_bar.shape[-1])

    def _soft_bits(self, planes: Tensor, step: Tensor) -> Tensor:
        """Σ ½·log2(1 + (c / 1.5Δ)²) of every picture, (N,)."""
        flat = planes.reshape(-1, 1, *planes.shape[-2:])
        c = functional.conv2d(flat, self.basis, stride=_BLOCK)
        c = c.reshape(len(step), -1) / (_WIDENING * step[:, None])
        return 0.5 * torch.log1p(c * c).sum(1) / math.log(2) + 1e-6


def _dct_basis() -> Tensor:
    """The 255 AC functions of the orthonormal DCT-II, (255, 1, 16, 16)."""
    n = torch.arange(_BLOCK, dtype=torch.float64)
    rows = torch.cos((2 * n + 1) * n[:, None] * math.pi / (2 * _BLOCK)) * math.sqrt(2 / _BLOCK)
    rows[0] /= math.sqrt(2)
    functions = torch.einsum("iy,jx->ijyx", rows, rows).flatten(0, 1)[1:]
    return functions[:, None].float()
