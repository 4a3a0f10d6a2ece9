"""npp-light: a picture-dependent blur and a small residual, faster on a processor than a codec."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from neurocodec.networks.adaptation import adaptation

# By the radius of their kernels, in pixels: nearly 3 sigma of the widest. In fours, because a
# processor convolves four groups several times faster than three or eight.
_BANK = {3: (0.4, 0.6, 0.8, 1.1), 10: (1.5, 2.0, 2.7, 3.5)}
SIGMAS = (0.0, *(sigma for sigmas in _BANK.values() for sigma in sigmas))
# The weights at first: about a blur of sigma 0.5, the best single one on photographs.
_FIRST_LOGITS = (2.0, 2.0, 2.0, 0.0, -2.0, -3.0, -4.0, -4.0, -4.0)
# BT.601, full range, chroma about 0.
_TO_YCC = ((0.299, 0.587, 0.114), (-0.168736, -0.331264, 0.5), (0.5, -0.418688, -0.081312))


class Light(nn.Module):
    """x̄ = Σ_k w_k ⊙ (g_k ∗ x) + r(x): a blur chosen pixel by pixel, and a small residual.

    g_k are Gaussians of SIGMAS; the weights w_k sum to 1 at every pixel, one set for luma and one
    for chroma, and are predicted at a quarter of the size. The residual r is 0 at first.
    """

    stride = 16
    reach = 112

    def __init__(self, width: int, *, qa: bool) -> None:
        super().__init__()
        self.mixture = Mixture(width, qa=qa)
        self.residual = SmallUNet(width, qa=qa)

    def forward(self, x: Tensor, qp: Tensor) -> Tensor:
        """The filtered pictures, (N, 3, H, W); H and W multiples of 16."""
        mixed: Tensor = self.mixture(x, qp)
        residual: Tensor = self.residual(x, qp)
        return mixed + residual


class Mixture(nn.Module):
    """Σ_k w_k ⊙ (g_k ∗ x), luma and chroma apart."""

    to_ycc: Tensor
    to_rgb: Tensor

    def __init__(self, width: int, *, qa: bool) -> None:
        super().__init__()
        middle, logits = 3 * width // 2, 2 * len(SIGMAS)
        self.convs = nn.ModuleList(
            nn.Conv2d(c_in, c_out, 3, padding=1)
            for c_in, c_out in ((48, middle), (middle, middle), (middle, logits))
        )
        self.adapted = nn.ModuleList(adaptation(c, qa=qa) for c in (middle, middle, logits))
        nn.init.zeros_(self.convs[-1].weight)
        with torch.no_grad():
            self.convs[-1].bias.copy_(torch.tensor(_FIRST_LOGITS * 2))
        to_ycc = torch.tensor(_TO_YCC, dtype=torch.float64)
        self.register_buffer("to_ycc", to_ycc.float(), persistent=False)
        self.register_buffer("to_rgb", torch.linalg.inv(to_ycc).float(), persistent=False)
        for radius, sigmas in _BANK.items():
            self.register_buffer(f"kernels{radius}", _gaussians(radius, sigmas), persistent=False)

    def forward(self, x: Tensor, qp: Tensor) -> Tensor:
        """(N, 3, H, W) from the same; H and W multiples of 4."""
        w = self.weights(x, qp).to(x.dtype)  # (N, 2, K, H, W)
        blurred = self._bank(torch.einsum("dc,nchw->ndhw", self.to_ycc, x))  # (N, 3, K, H, W)
        luma = (w[:, :1] * blurred[:, :1]).sum(2)
        chroma = (w[:, 1:] * blurred[:, 1:]).sum(2)
        return torch.einsum("dc,nchw->ndhw", self.to_rgb, torch.cat([luma, chroma], dim=1))

    def weights(self, x: Tensor, qp: Tensor) -> Tensor:
        """(N, 2, K, H, W) in [0, 1], their sum over K being 1: luma's, then chroma's."""
        f = functional.pixel_unshuffle(x, 4)  # (N, 48, H/4, W/4)
        for conv, adapted in zip(self.convs[:-1], self.adapted[:-1], strict=True):
            f = torch.relu(adapted(conv(f), qp))
        logits = self.adapted[-1](self.convs[-1](f), qp)
        shares = logits.unflatten(1, (2, len(SIGMAS))).softmax(2).flatten(1, 2)
        # Interpolated after the softmax, so that they still sum to 1.
        full = functional.interpolate(shares, scale_factor=4, mode="bilinear")
        return full.unflatten(1, (2, len(SIGMAS)))

    def _bank(self, planes: Tensor) -> Tensor:
        """Every plane under every Gaussian, edges replicated: (N, C, K, H, W)."""
        height, width = planes.shape[-2:]
        flat = planes.reshape(-1, 1, height, width).contiguous()
        blurred = [flat]
        for radius in _BANK:
            kernels = self.get_buffer(f"kernels{radius}")
            padded = functional.pad(flat, (radius,) * 4, mode="replicate")
            down = functional.conv2d(padded, kernels[:, None, :, None])
            blurred.append(functional.conv2d(down, kernels[:, None, None, :], groups=len(kernels)))
        return torch.cat(blurred, dim=1).reshape(*planes.shape[:2], -1, height, width)


class SmallUNet(nn.Module):
    """Three levels, from half the size down to an eighth; its last layer is 0 at first."""

    def __init__(self, width: int, *, qa: bool) -> None:
        super().__init__()
        a, b, c = width, 2 * width, 4 * width
        self.enter = _Stage(12, a, qa=qa)
        self.down = nn.ModuleList([_Stage(a, b, qa=qa, stride=2), _Stage(b, c, qa=qa, stride=2)])
        self.middle = _Adapted(c, qa=qa)
        self.narrow = nn.ModuleList([nn.Conv2d(c, b, 1), nn.Conv2d(b, a, 1)])
        self.up = nn.ModuleList([_Adapted(b, qa=qa), _Adapted(a, qa=qa)])
        self.leave = nn.Conv2d(a, 12, 3, padding=1)
        nn.init.zeros_(self.leave.weight)
        nn.init.zeros_(self.leave.bias)

    def forward(self, x: Tensor, qp: Tensor) -> Tensor:
        """(N, 3, H, W) from the same; H and W multiples of 8."""
        f = self.enter(functional.pixel_unshuffle(x, 2), qp)  # (N, a, H/2, W/2)
        skips = []
        for stage in self.down:
            skips.append(f)
            f = stage(f, qp)  # (N, b, H/4, W/4), then (N, c, H/8, W/8)
        f = self.middle(f, qp)
        for narrow, up in zip(self.narrow, self.up, strict=True):
            f = up(functional.interpolate(narrow(f), scale_factor=2) + skips.pop(), qp)
        return functional.pixel_shuffle(self.leave(f), 2)


class _Adapted(nn.Module):
    """A convolution, adapted to the QP, and its leaky ReLU."""

    def __init__(self, channels: int, *, qa: bool) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, 3, padding=1)
        self.adapted = adaptation(channels, qa=qa)

    def forward(self, f: Tensor, qp: Tensor) -> Tensor:
        return functional.leaky_relu(self.adapted(self.conv(f), qp), 0.1)


class _Stage(nn.Module):
    """A convolution to another number of channels, then an adapted one."""

    def __init__(self, c_in: int, c_out: int, *, qa: bool, stride: int = 1) -> None:
        super().__init__()
        self.enter = nn.Conv2d(c_in, c_out, 3, stride, padding=1)
        self.body = _Adapted(c_out, qa=qa)

    def forward(self, f: Tensor, qp: Tensor) -> Tensor:
        result: Tensor = self.body(functional.leaky_relu(self.enter(f), 0.1), qp)
        return result


def _gaussians(radius: int, sigmas: Sequence[float]) -> Tensor:
    """(K, 2·radius + 1), each sampled at whole pixels and summing to 1."""
    offsets = torch.arange(-radius, radius + 1, dtype=torch.float64)
    rows = torch.exp(-0.5 * (offsets / torch.tensor(sigmas, dtype=torch.float64)[:, None]) ** 2)
    return (rows / rows.sum(1, keepdim=True)).float()
