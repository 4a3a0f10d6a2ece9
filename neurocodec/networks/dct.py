"""A proxy without training: the effect of quantising DCT coefficients on bits and picture."""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from neurocodec.networks.light import TO_YCC
from neurocodec.networks.precision import exactly

_DEAD_ZONE = 0.4  # of a step: much smaller coefficients are lost


class DctProxy(nn.Module):
    """R_p = (1 / HW) Σ ½·log2(1 + (c / wΔ)²), and ŷ of the coefficients c³ / (c² + (0.4Δ)²).

    c are the coefficients of the orthonormal n×n DCT of Y, Cb and Cr, on levels 0 to 255, chroma
    at half the size where the codec halves it; Δ are the codec's steps. The sum is over the AC
    coefficients; the DC ones pass unchanged. Coefficients that the codec would drop bring nothing,
    and much larger ones stay. The rate is known up to a factor only: its relative change with x̄
    counts.

    Args:
        steps: Δ, (QPs, 2, n, n), of luma and chroma, by vertical and horizontal frequency.
        widening: w: a coefficient of w steps costs half a bit.
        halved: whether the codec halves chroma's height and width (4:2:0).
    """

    steps: Tensor
    basis: Tensor
    to_ycc: Tensor
    to_rgb: Tensor

    def __init__(self, steps: Tensor, widening: float, *, halved: bool = True) -> None:
        super().__init__()
        self._block = steps.shape[-1]
        self._widening = widening
        self._halved = halved
        to_ycc = torch.tensor(TO_YCC, dtype=torch.float64)
        self.register_buffer("steps", steps.flatten(2), persistent=False)
        self.register_buffer("basis", _dct_basis(self._block), persistent=False)
        self.register_buffer("to_ycc", to_ycc.float(), persistent=False)
        self.register_buffer("to_rgb", torch.linalg.inv(to_ycc).float(), persistent=False)

    def extra_repr(self) -> str:
        """Describe the proxy, without its steps."""
        chroma = "4:2:0" if self._halved else "4:4:4"
        return f"{self._block}×{self._block}, {chroma}, w={self._widening}, {_DEAD_ZONE}Δ"

    def forward(
        self, x_bar: Tensor, qp: Tensor, factors: Tensor | float = 1.0
    ) -> tuple[Tensor, Tensor]:
        """Estimate the decoded pictures and their rates.

        Args:
            x_bar: (N, 3, H, W) float in [0, 1]; rows and columns beyond the last full block cost
                nothing and lose nothing but chroma's detail.
            qp: (N,), integers, on BPG's scale.
            factors: of the steps, (N, 2, n, n) or one for all.

        Returns:
            ŷ (N, 3, H, W), and R_p (N,), above 0.
        """
        size = x_bar.shape[-2:]
        steps = self.steps[qp.long()]  # (N, 2, n²)
        steps = steps * (factors.flatten(2) if isinstance(factors, Tensor) else factors)
        with exactly(x_bar):
            ycc = 255 * torch.einsum("dc,nchw->ndhw", self.to_ycc, x_bar)
            luma, luma_bits = self._coded(ycc[:, :1], steps[:, 0])
            chroma = functional.avg_pool2d(ycc[:, 1:], 2) if self._halved else ycc[:, 1:]
            chroma, chroma_bits = self._coded(chroma, steps[:, 1])
            if self._halved:
                chroma = functional.interpolate(chroma, size=size, mode="bilinear")
            planes = torch.cat([luma, chroma], 1)
            y_hat = torch.einsum("dc,nchw->ndhw", self.to_rgb, planes) / 255
            return y_hat, (luma_bits + chroma_bits + 1e-6) / size.numel()

    def _coded(self, planes: Tensor, steps: Tensor) -> tuple[Tensor, Tensor]:
        """Quantise planes (N, C, H, W); return them and their bits, (N,)."""
        size = planes.shape[-2:]
        rows, columns = (side - side % self._block for side in size)
        flat = planes.flatten(0, 1)[:, None, :rows, :columns]
        samples = functional.pixel_unshuffle(flat, self._block)  # (N·C, n², H/n, W/n)
        c = functional.conv2d(samples, self.basis[..., None, None])  # (N·C, n² − 1, H/n, W/n)
        step = steps[:, 1:].repeat_interleave(planes.shape[1], 0)[..., None, None]
        bits = 0.5 * torch.log1p((c / (self._widening * step)) ** 2) / math.log(2)
        lost = c / (1 + (c / (_DEAD_ZONE * step)) ** 2)
        samples = functional.conv2d(lost, self.basis.T[..., None, None])
        dropped = functional.pixel_shuffle(samples, self._block)
        margin = (0, size[1] - columns, 0, size[0] - rows)
        quantised = planes - functional.pad(dropped, margin).reshape(planes.shape)
        return quantised, bits.reshape(len(planes), -1).sum(1)


def _dct_basis(block: int) -> Tensor:
    """Compute the AC functions of the orthonormal DCT-II, (block² − 1, block²)."""
    n = torch.arange(block, dtype=torch.float64)
    rows = torch.cos((2 * n + 1) * n[:, None] * math.pi / (2 * block)) * math.sqrt(2 / block)
    rows[0] /= math.sqrt(2)
    return torch.einsum("iy,jx->ijyx", rows, rows).flatten(2).flatten(0, 1)[1:].float()
