"""npp-context: npp-light with a larger receptive field for the choice of the blur."""

from torch import Tensor, nn

from neurocodec.networks.adaptation import adaptation, start_at_zero
from neurocodec.networks.light import LOGITS, Adapted, Light, Stage, enlarged


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

    def forward(self, x: Tensor, qp: Tensor) -> Tensor:
        """The filtered pictures, (N, 3, H, W); H and W multiples of 32."""
        f, skips = self.residual.descend(x, qp)
        f = self.residual.middle(f + self.surroundings(f, qp), qp)
        residual, quarter = self.residual.ascend(f, skips, qp)
        mixed: Tensor = self.mixture(x, qp, self.advice(quarter, f, qp))
        return mixed + residual.to(mixed.dtype)


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
        self.quarter = nn.Conv2d(quarter, LOGITS, 3, padding=1)
        self.eighth = nn.Conv2d(eighth, LOGITS, 3, padding=1)
        self.adapted = adaptation(LOGITS, qa=qa)
        start_at_zero(self.quarter)
        start_at_zero(self.eighth)

    def forward(self, quarter: Tensor, eighth: Tensor, qp: Tensor) -> Tensor:
        """Return logits, (N, LOGITS, H/4, W/4)."""
        logits: Tensor = self.adapted(self.quarter(quarter) + enlarged(self.eighth(eighth), 2), qp)
        return logits
