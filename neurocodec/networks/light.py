"""npp-light: a picture-dependent blur and a small residual, on a CPU faster than a codec.

npp-context is the same with a larger receptive field for the choice of the blur.
"""

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from neurocodec.networks.adaptation import adaptation, start_at_zero
from neurocodec.networks.precision import exactly

NARROW = (0.4, 0.6, 0.8, 1.1)
WIDE = (1.5, 2.0, 2.7, 3.5)
_NARROW_RADIUS = 3
_WIDE_RADIUS = 5  # at half the size
# The blur of averaging to half the size and bilinear enlarging themselves, in square pixels.
_HALVING_VARIANCE = 0.25 + 2 / 3
# Of sigma 0, NARROW and WIDE: about a blur of sigma 0.5, the best single one on photographs.
_BLURS = (2.0, 2.0, 2.0, 0.0, -2.0, -3.0, -4.0, -4.0, -4.0)
FIRST_LOGITS = _BLURS * 2  # of luma and chroma
# BT.601, full range, chroma about 0.
TO_YCC = ((0.299, 0.587, 0.114), (-0.168736, -0.331264, 0.5), (0.5, -0.418688, -0.081312))


class Light(nn.Module):
    """x̄ = Σ_k w_k ⊙ (g_k ∗ x) + r(x): a blur chosen pixel by pixel, and a small residual.

    g_k are the identity and the Gaussians of NARROW and WIDE; the weights w_k sum to 1 at every
    pixel, one set for luma and one for chroma, and are predicted at a quarter of the size. The
    residual r is 0 at first.
    """

    stride, reach, tile = 16, 48, 768

    def __init__(self, width: int, *, qa: bool) -> None:
        super().__init__()
        self.mixture = Mixture(width, qa=qa)
        self.residual = SmallUNet(width, qa=qa)

    def forward(self, x: Tensor, qp: Tensor) -> Tensor:
        """Filter pictures, (N, 3, H, W); H and W multiples of the stride."""
        logits, residual = self.predict(x, qp)
        mixed: Tensor = self.mixture.blurs(x, logits)
        return mixed + residual.to(mixed.dtype)

    def predict(self, x: Tensor, qp: Tensor) -> tuple[Tensor, Tensor]:
        """Predict the logits of the weights, (N, 18, H/4, W/4), and the residual, (N, 3, H, W)."""
        return self.mixture(x, qp), self.residual(x, qp)


class Mixture(nn.Module):
    """The logits of the weights w_k, and the blurs that they weigh."""

    def __init__(self, width: int, *, qa: bool) -> None:
        super().__init__()
        middle = 3 * width // 2
        widths = ((48, middle), (middle, middle))
        self.convs = nn.ModuleList(nn.Conv2d(*pair, 3, padding=1) for pair in widths)
        self.logits = nn.Conv2d(middle, len(FIRST_LOGITS), 3, padding=1)
        self.adapted = nn.ModuleList(adaptation(middle, qa=qa) for _ in widths)
        self.logits_adapted = adaptation(len(FIRST_LOGITS), qa=qa)
        start_at_zero(self.logits)
        self.logits.bias = nn.Parameter(torch.tensor(FIRST_LOGITS))
        self.blurs = Blurs()

    def forward(self, x: Tensor, qp: Tensor) -> Tensor:
        """Predict the logits, (N, 18, H/4, W/4), of pictures (N, 3, H, W)."""
        f = functional.pixel_unshuffle(x, 4)  # (N, 48, H/4, W/4)
        for conv, adapted in zip(self.convs, self.adapted, strict=True):
            f = torch.relu(adapted(conv(f), qp))
        logits: Tensor = self.logits_adapted(self.logits(f), qp)
        return logits


class Blurs(nn.Module):
    """Σ_k w_k ⊙ (g_k ∗ x), luma and chroma apart; the wide Gaussians at half the size."""

    reach = 16  # farther away than this no input pixel touches an output pixel, in pixels

    to_ycc: Tensor
    to_rgb: Tensor
    narrow: Tensor
    wide: Tensor

    def __init__(self) -> None:
        super().__init__()
        to_ycc = torch.tensor(TO_YCC, dtype=torch.float64)
        wide = [math.sqrt(sigma**2 - _HALVING_VARIANCE) / 2 for sigma in WIDE]
        for name, constant in (
            ("to_ycc", to_ycc),
            ("to_rgb", torch.linalg.inv(to_ycc)),
            ("narrow", _gaussians(_NARROW_RADIUS, NARROW)),
            ("wide", _gaussians(_WIDE_RADIUS, wide)),
        ):
            self.register_buffer(name, constant.float(), persistent=False)

    def forward(self, x: Tensor, logits: Tensor) -> Tensor:
        """Mix the blurred pictures.

        Args:
            x: (N, 3, H, W); H and W are multiples of 4.
            logits: of the weights, (N, 18, H/4, W/4): 9 of luma, then 9 of chroma.
        """
        w = logits.to(x.dtype).reshape(len(x), 2, len(_BLURS), *logits.shape[-2:]).softmax(2)
        with exactly(x):
            ycc = torch.einsum("dc,nchw->ndhw", self.to_ycc, x)
            w_narrow = enlarged(w[:, :, 1:5], 4)
            w_wide = enlarged(w[:, :, 5:], 2)
            coarse = _mixed(w_wide, _bank(functional.avg_pool2d(ycc, 2), self.wide))
            coarse_and_share = enlarged(torch.cat([coarse, w_wide.sum(2)], dim=1), 2)
            coarse, share = coarse_and_share[:, :3], coarse_and_share[:, 3:]
            # The identity's weight is the remainder, so that all sum to 1 at the full size.
            w_identity = (1 - share - w_narrow.sum(2))[:, [0, 1, 1]]
            mixed = w_identity * ycc + _mixed(w_narrow, _bank(ycc, self.narrow)) + coarse
            return torch.einsum("dc,nchw->ndhw", self.to_rgb, mixed)


def enlarged(x: Tensor, factor: int) -> Tensor:
    """Enlarge (N, …, H, W) bilinearly to (N, …, factor·H, factor·W)."""
    flat = x.flatten(1, -3)
    larger = functional.interpolate(flat, scale_factor=factor, mode="bilinear")
    return larger.reshape(*x.shape[:-2], *larger.shape[-2:])


def _bank(planes: Tensor, kernels: Tensor) -> Tensor:
    """Convolve every plane with every kernel, edges replicated: (N, C, K, H, W)."""
    channels, (count, taps) = planes.shape[1], kernels.shape
    padded = functional.pad(planes, (taps // 2,) * 4, mode="replicate")
    # A channel for every plane and kernel, channels last: on a CPU an order of magnitude faster
    # than plane by plane.
    copies = padded.repeat_interleave(count, 1).contiguous(memory_format=torch.channels_last)
    rows = kernels.repeat(channels, 1)
    down = functional.conv2d(copies, rows[:, None, :, None], groups=len(rows))
    across = functional.conv2d(down, rows[:, None, None, :], groups=len(rows))
    return across.contiguous().reshape(*planes.shape[:2], count, *planes.shape[2:])


def _mixed(w: Tensor, blurred: Tensor) -> Tensor:
    """Sum weights (N, 2, K, H, W) times planes (N, 3, K, H, W) over K: (N, 3, H, W)."""
    w_luma, w_chroma = w.unbind(1)
    luma = (w_luma * blurred[:, 0]).sum(1, keepdim=True)
    chroma = (w_chroma[:, None] * blurred[:, 1:]).sum(2)
    return torch.cat([luma, chroma], dim=1)


class SmallUNet(nn.Module):
    """Three levels, from half the size down to an eighth; its last layer is 0 at first."""

    def __init__(self, width: int, *, qa: bool) -> None:
        super().__init__()
        a, b, c = width, 2 * width, 4 * width
        self.enter = Stage(12, a, qa=qa)
        self.down = nn.ModuleList([Stage(a, b, qa=qa, stride=2), Stage(b, c, qa=qa, stride=2)])
        self.middle = Adapted(c, qa=qa)
        self.narrow = nn.ModuleList([nn.Conv2d(c, b, 1), nn.Conv2d(b, a, 1)])
        self.up = nn.ModuleList([Adapted(b, qa=qa), Adapted(a, qa=qa)])
        self.leave = nn.Conv2d(a, 12, 3, padding=1)
        start_at_zero(self.leave)

    def forward(self, x: Tensor, qp: Tensor) -> Tensor:
        """Map (N, 3, H, W) to the same shape; H and W are multiples of 8."""
        f, skips = self.descend(x, qp)
        return self.ascend(self.middle(f, qp), skips, qp)[0]

    def descend(self, x: Tensor, qp: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Compute features (N, c, H/8, W/8) and the skips above them."""
        f = self.enter(functional.pixel_unshuffle(x, 2), qp)  # (N, a, H/2, W/2)
        skips = []
        for stage in self.down:
            skips.append(f)
            f = stage(f, qp)  # (N, b, H/4, W/4), then (N, c, H/8, W/8)
        return f, skips

    def ascend(self, f: Tensor, skips: list[Tensor], qp: Tensor) -> tuple[Tensor, Tensor]:
        """Compute the residual (N, 3, H, W) and its features at 1/4 of the size."""
        levels = []
        for narrow, up, skip in zip(self.narrow, self.up, reversed(skips), strict=True):
            f = up(functional.interpolate(narrow(f), scale_factor=2) + skip, qp)
            levels.append(f)
        return functional.pixel_shuffle(self.leave(f), 2), levels[0]


class Adapted(nn.Module):
    """A convolution, quantisation adaptation and a leaky ReLU."""

    def __init__(self, channels: int, *, qa: bool) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, 3, padding=1)
        self.adapted = adaptation(channels, qa=qa)

    def forward(self, f: Tensor, qp: Tensor) -> Tensor:
        """Map (N, C, H, W) to the same shape."""
        return functional.leaky_relu(self.adapted(self.conv(f), qp), 0.1)


class Stage(nn.Module):
    """A convolution to another number of channels, then an adapted one."""

    def __init__(self, c_in: int, c_out: int, *, qa: bool, stride: int = 1) -> None:
        super().__init__()
        self.enter = nn.Conv2d(c_in, c_out, 3, stride, padding=1)
        self.body = Adapted(c_out, qa=qa)

    def forward(self, f: Tensor, qp: Tensor) -> Tensor:
        """Map (N, c_in, H, W) to (N, c_out, H / stride, W / stride)."""
        result: Tensor = self.body(functional.leaky_relu(self.enter(f), 0.1), qp)
        return result


def _gaussians(radius: int, sigmas: Sequence[float]) -> Tensor:
    """Sample Gaussians at integer pixels, each summing to 1: (K, 2·radius + 1)."""
    offsets = torch.arange(-radius, radius + 1, dtype=torch.float64)
    rows = torch.exp(-0.5 * (offsets / torch.tensor(sigmas, dtype=torch.float64)[:, None]) ** 2)
    return rows / rows.sum(1, keepdim=True)


class Context(Light):
    """Light whose residual's features add to the logits of the weights w_k.

    The residual's U-Net goes two levels further down, to a thirty-second of the size. All added
    layers give 0 at first, so that training can start from weights of Light.
    """

    stride, reach = 32, 224

    def __init__(self, width: int, *, qa: bool) -> None:
        super().__init__(width, qa=qa)
        self.surroundings = _Surroundings(4 * width, qa=qa)
        self.advice = _Advice(2 * width, 4 * width, qa=qa)

    def predict(self, x: Tensor, qp: Tensor) -> tuple[Tensor, Tensor]:
        """Predict the logits of the weights, (N, 18, H/4, W/4), and the residual, (N, 3, H, W)."""
        f, skips = self.residual.descend(x, qp)
        f = self.residual.middle(f + self.surroundings(f, qp), qp)
        residual, quarter = self.residual.ascend(f, skips, qp)
        return self.mixture(x, qp) + self.advice(quarter, f, qp), residual


class _Surroundings(nn.Module):
    """Features at 1/8 of the size from those at 1/16 and 1/32; 0 at first."""

    def __init__(self, channels: int, *, qa: bool) -> None:
        super().__init__()
        c, d, e = channels, 3 * channels // 2, 2 * channels
        self.down = nn.ModuleList([Stage(c, d, qa=qa, stride=2), Stage(d, e, qa=qa, stride=2)])
        self.middle = Adapted(e, qa=qa)
        self.narrow = nn.Conv2d(e, d, 1)
        self.up = Adapted(d, qa=qa)
        self.leave = nn.Conv2d(d, c, 1)
        start_at_zero(self.leave)

    def forward(self, f: Tensor, qp: Tensor) -> Tensor:
        """Map (N, c, H, W) to the same shape; H and W are multiples of 4."""
        half = self.down[0](f, qp)
        quarter = self.middle(self.down[1](half, qp), qp)
        half = self.up(enlarged(self.narrow(quarter), 2) + half, qp)
        return enlarged(self.leave(half), 2)


class _Advice(nn.Module):
    """Logits for Mixture from features at 1/4 and 1/8 of the size; 0 at first."""

    def __init__(self, quarter: int, eighth: int, *, qa: bool) -> None:
        super().__init__()
        self.quarter = nn.Conv2d(quarter, len(FIRST_LOGITS), 3, padding=1)
        self.eighth = nn.Conv2d(eighth, len(FIRST_LOGITS), 3, padding=1)
        self.adapted = adaptation(len(FIRST_LOGITS), qa=qa)
        start_at_zero(self.quarter)
        start_at_zero(self.eighth)

    def forward(self, quarter: Tensor, eighth: Tensor, qp: Tensor) -> Tensor:
        logits: Tensor = self.adapted(self.quarter(quarter) + enlarged(self.eighth(eighth), 2), qp)
        return logits
